"""Space on disk is claimed before it is mapped: a page that finds none would kill the process with SIGBUS."""

from __future__ import annotations

import os
from pathlib import Path


def reserve(file: Path, size: int) -> None:
    """Give ``file``, made if it is missing, ``size`` bytes that are there.

    Raises:
        OSError: the disk is full.
    """
    with open(file, "r+b" if file.exists() else "w+b") as handle:
        handle.truncate(size)
        if size and hasattr(os, "posix_fallocate"):
            os.posix_fallocate(handle.fileno(), 0, size)
