"""Files that are no text: by their first bytes, what they are instead and what to do about it."""

from __future__ import annotations

import re
from pathlib import Path

from userip_lightning.data.parsing.encodings import marked
from userip_lightning.errors import InputError

_WORKBOOK = "an Excel workbook; save its sheet as CSV, and give that file"
_SIGNS = {
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": _WORKBOOK,
    b"\x1f\x8b": "gzip-compressed; add .gz to its name",
    b"PK\x03\x04": "a zip archive; add .zip to its name",
    b"BZh91AY&SY": "bzip2-compressed; add .bz2 to its name",
    b"\xfd7zXZ": "xz-compressed; add .xz to its name",
    b"\x28\xb5\x2f\xfd": "zstd-compressed; unpack it first with zstd -d",
}
# A member xl/... of a zip archive: 26 bytes stand between a member's sign and its name.
_SHEETS = re.compile(rb"PK\x03\x04.{26}xl/", re.DOTALL)


def require_text(path: Path, start: bytes) -> None:
    """Refuse what is plainly no text.

    Args:
        path: the file.
        start: its beginning, unpacked as its ending says.

    Raises:
        InputError: it begins as a packed file or as a workbook does.
    """
    for sign, meaning in _SIGNS.items():
        if start.startswith(sign) and not marked(start):
            raise InputError(f"{path}: the file is {_WORKBOOK if _is_workbook(path, start) else meaning}.")


def _is_workbook(path: Path, start: bytes) -> bool:
    return start.startswith(b"PK") and (path.suffix.lower().startswith(".xls") or bool(_SHEETS.search(start)))
