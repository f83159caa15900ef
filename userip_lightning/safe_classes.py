"""Whether files may name only classes of packages that everybody has; `--safe` says so."""

from __future__ import annotations

import os

#: Set to 1 in the environment of a command with `--safe`, and so of the processes that it starts.
VARIABLE = "USERIP_SAFE"
PACKAGES = ("userip_lightning", "torch", "lightning")


def is_safe() -> bool:
    """Whether nothing else may be imported because a file names it."""
    return os.environ.get(VARIABLE) == "1"
