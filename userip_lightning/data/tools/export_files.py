"""What every export needs: files that appear together or not at all, and attributes by name."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from userip_lightning.atomic import scratch
from userip_lightning.data.prepared import PreparedFiles
from userip_lightning.errors import InputError


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Yield an empty folder; on success its files move into ``folder``, over files of the same names.

    Raises:
        InputError: the disk is full or the folder cannot be written.
    """
    with scratch(folder) as draft:
        yield draft
        folder.mkdir(parents=True, exist_ok=True)
        for file in sorted(draft.iterdir()):
            os.replace(file, folder / file.name)


def own_attributes(prepared: PreparedFiles, attributes: Sequence[str]) -> dict[str, list[str]]:
    """The attributes by the table that has them, ``item`` or ``user``.

    Raises:
        InputError: neither table has one of them, or both have.
    """
    tables = {"item": prepared.items, "user": prepared.users}
    offered = {
        kind: [name for name in table.columns if name not in (kind, f"{kind}_id")]
        for kind, table in tables.items()
    }
    for name in attributes:
        if name not in (*offered["item"], *offered["user"]):
            raise InputError(
                f"{prepared.path.name}: there is no attribute {name!r}; items have "
                f"{_listed(offered['item'])}, users have {_listed(offered['user'])}."
            )
        if name in offered["item"] and name in offered["user"]:
            raise InputError(
                f"{prepared.path.name}: items and users both have an attribute {name!r}, and a field needs a "
                "name of its own; rename one of them in its table."
            )
    return {
        kind: [name for name in dict.fromkeys(attributes) if name in names] for kind, names in offered.items()
    }


def plain(name: str) -> pl.Expr:
    """A text column without the characters that end a field or a line."""
    return pl.col(name).str.replace_all(r"[\t\r\n]", " ")


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"
