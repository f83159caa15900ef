"""Names of a delimited file's columns, and headers that stand where rows should be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from userip_lightning.data.parsing.columns import ROW
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.errors import InputError


def plain_names(names: Sequence[str]) -> list[str]:
    """Names without blanks around them; an empty one is called after its place, ``column_3``."""
    return [name.strip() or f"column_{place}" for place, name in enumerate(names, 1)]


def without_headers(frame: pl.DataFrame, path: Path, rejects: Rejects) -> pl.DataFrame:
    """The rows that are no header.

    Files that were joined bring theirs along: read as a row, it would be a user called ``user_id``.

    Args:
        frame: :data:`ROW` and columns of strings.
        path: the file, for messages.
        rejects: takes headers, which do not count towards ``max_bad_rows``: nothing of the log is lost.

    Raises:
        InputError: a row has the names of all columns in another order: what follows is another table.
    """
    names = [name for name in frame.columns if name != ROW]
    suspects = frame.filter(pl.col(names[0]).str.strip_chars().is_in(names)) if names else frame.clear()
    headers = []
    for row, *fields in suspects.iter_rows():
        found = plain_names([field or "" for field in fields])
        if found == names:
            headers.append(row)
            rejects.pass_over(path, row, "is a repeated header", " | ".join(found))
        elif sorted(found) == sorted(names):
            raise InputError(
                f"{path}: row {row + 1} is a header with the columns in another order "
                f"({', '.join(found)}): two tables were joined; give them one order, or one file each."
            )
    return frame.filter(~pl.col(ROW).is_in(headers)) if headers else frame
