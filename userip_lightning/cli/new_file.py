"""A small text file that was not there before."""

from __future__ import annotations

from pathlib import Path

from userip_lightning.atomic import new_file
from userip_lightning.errors import InputError


def write_new(target: Path, text: str) -> None:
    """Write a file in one step, and the folder that it is to lie in, unless the file is there.

    Raises:
        InputError: it is there already, or cannot be written.
    """
    if target.exists():
        raise InputError(f"{target}: is there already; name another file with --to, or delete it.")
    with new_file(target) as draft:
        draft.write_text(text, encoding="utf-8")
