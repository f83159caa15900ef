"""The one exception that users are meant to see, and the one condition that many libraries word anew."""

from __future__ import annotations

import errno
import re

#: What :func:`is_disk_full` finds, in words.
DISK_FULL = "the disk is full or a quota is reached"
_NUMBERS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# numpy, torch and polars say it without an errno, and polars without an OSError; where it is the footer of a
# Parquet file that finds no space, it speaks of thrift alone.
_WORDS = re.compile(
    r"No space left on device|Disk quota exceeded|File too large|PytorchStreamWriter failed"
    r"|Invalid thrift: transport error|unexpected pos \d+ vs|\d+ requested and \d+ written",
    re.I,
)


class InputError(ValueError):
    """Something that was given to us cannot be used.

    The message is one sentence: which file, row or key; what was expected; what to do. The command line
    prints it without a traceback and exits with code 2.
    """


class Unavailable(InputError):
    """What may be named rightly and cannot be had here: a model or file that is missing, gated or offline, or
    what another engine makes.

    A study reports what needs it as not run, where another error would be a failure.
    """


def is_disk_full(error: BaseException) -> bool:
    """Whether a write failed for want of space, whichever library wrote."""
    if isinstance(error, OSError) and error.errno in _NUMBERS:
        return True
    return bool(_WORDS.search(str(error)))
