"""A step that ends as its folder's name says, after one result; needs no torch."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    how = Path(sys.argv[sys.argv.index("--folder") + 1]).name
    print("a library's own line", flush=True)
    print(json.dumps({"row": "first", "figures": {"tokens/s": 1234.5}}), flush=True)
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "hangs":
        subprocess.Popen(["sleep", "60"])  # keeps the pipe open after its parent
        time.sleep(60)
    elif how == "driver":
        print(json.dumps({"row": "second", "reason": "out of memory: 9 GiB"}), flush=True)
        print(json.dumps({"stop": "the driver failed: CUDA error: unspecified launch failure"}), flush=True)
    elif how == "dies":
        print("Fatal Python error: Segmentation fault", file=sys.stderr)
        sys.exit(3)
    else:
        print(json.dumps({"row": "second", "figures": {"AUC": 0.75}}), flush=True)


if __name__ == "__main__":
    main()
