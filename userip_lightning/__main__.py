"""`python -m userip_lightning` is `userip`."""

import sys

from userip_lightning.cli import main

sys.exit(main())
