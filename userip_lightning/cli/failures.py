"""Failures that are the input's or the machine's, not the program's, as one sentence each."""

from __future__ import annotations

import argparse
import errno
import re

from userip_lightning.errors import InputError

#: How torch and polars say that the disk is full, which they do without an errno.
_DISK_FULL = re.compile(r"No space left on device|PytorchStreamWriter failed|unexpected pos \d+ vs", re.I)


def sentence(error: BaseException) -> str | None:
    """What to tell the user; None where the program itself is wrong and a traceback is due."""
    if isinstance(error, InputError):
        return _one_line(str(error))
    if isinstance(error, argparse.ArgumentError):
        return _argument(error)
    if _is_disk_full(error):
        return "the disk is full; free some space and run the same command, it resumes where it stood."
    if isinstance(error, OSError):
        return _system(error)
    # Lightning and jsonargparse wrap what a constructor raised.
    return sentence(error.__cause__) if error.__cause__ is not None else None


def _argument(error: argparse.ArgumentError) -> str:
    text = _one_line(error.message)
    unknown = re.search(r"Option '([^']+)' is not accepted|unrecognized arguments: (\S+)", text)
    if unknown:
        key = (unknown[1] or unknown[2]).lstrip("-").split("=")[0]
        return f"{key}: no such setting; check its spelling, --help lists what there is."
    return re.sub(r'^Parser key "([^"]+)":', r"\1:", text)


def _is_disk_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return isinstance(error, (RuntimeError, OSError)) and bool(_DISK_FULL.search(str(error)))


def _system(error: OSError) -> str:
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}; check the path and its permissions."
    return _one_line(str(error))


def _one_line(text: str) -> str:
    return " ".join(text.split())
