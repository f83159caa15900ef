"""`python -m userip_lightning` is `userip`."""

import sys

from userip_lightning.cli import main

if __name__ == "__main__":  # processes that a study spawns import this file under another name
    sys.exit(main())
