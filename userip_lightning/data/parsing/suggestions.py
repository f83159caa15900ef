"""What a file looks like, added to a complaint about it: most are about a setting, not about the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from userip_lightning.data.parsing.dialect import Dialect
from userip_lightning.data.parsing.sniff import Sniffed, has_decimal_commas, sniff
from userip_lightning.errors import InputError

# A byte in another encoding may come late.
_FAR = 64 << 20


@contextmanager
def suggesting(files: Mapping[Path, Dialect], columns: Mapping[str, str]) -> Iterator[None]:
    """Say what a delimited file looks like, where the block complains of it and its settings seem wrong.

    Args:
        files: how each is read.
        columns: our name to the files', where they differ.

    Raises:
        InputError: that of the block, perhaps longer.
    """
    try:
        yield
    except InputError as error:
        message = str(error)
        path = next((path for path in files if message.startswith(f"{path}: ")), None)
        found = suggestion(path, files[path], columns, message) if path else ""
        if not found:
            raise
        raise InputError(f"{message.rstrip('.')}; {found}.") from None


def suggestion(path: Path, dialect: Dialect, columns: Mapping[str, str], message: str) -> str:
    """The settings that the file seems to need, as a clause; empty where it looks as it is read.

    Args:
        path: the file.
        dialect: how it is read.
        columns: as in :func:`suggesting`.
        message: the complaint.
    """
    undecodable = _is_undecodable(dialect, message)
    try:
        seen = sniff(path, "", _FAR if undecodable else 1 << 20)
    except InputError:
        return ""
    settings = list(_settings(path, dialect, columns, seen, message))
    if "no CSV record" in message and not seen.quote and dialect.quote:
        settings.append("quote: ''")
    clauses = [f"this looks like {' and '.join(f'`{setting}`' for setting in settings)}"] if settings else []
    unnamed = dialect.names is None and seen.headless and not _names_something(seen, columns)
    if unnamed and (
        "is missing" in message or "twice in the header" in message or "which no file has" in message
    ):
        clauses.append(
            f"the first row looks like data: give names, one for each of its {len(seen.first)} columns"
        )
    return "; ".join(clauses)


def _settings(
    path: Path, dialect: Dialect, columns: Mapping[str, str], seen: Sniffed, message: str
) -> Iterator[str]:
    if _is_undecodable(dialect, message) and seen.encoding not in ("utf-8", dialect.encoding):
        yield f"encoding: {seen.encoding}"
    if seen.separator and ("is unknown" in message or seen.separator != dialect.separator_of(path)):
        yield f"separator: {shown(seen.separator)}"
    if dialect.decimal == "." and seen.decimal == ",":
        names = list(dialect.names or [name.strip() for name in seen.first])
        wanted = [columns.get(name, name) for name in ("rating", "timestamp")]
        places = [names.index(name) for name in wanted if name in names]
        if any(has_decimal_commas(seen.column(place)) for place in places):
            yield "decimal: ','"


def _is_undecodable(dialect: Dialect, message: str) -> bool:
    return f"is not {dialect.encoding} text" in message or "NUL byte" in message


def _names_something(seen: Sniffed, columns: Mapping[str, str]) -> bool:
    return bool({name.strip() for name in seen.first} & {*columns.values(), "user_id", "item_id", "title"})


def shown(separator: str) -> str:
    """A separator as YAML has it."""
    return '"\\t"' if separator == "\t" else f"'{separator}'"
