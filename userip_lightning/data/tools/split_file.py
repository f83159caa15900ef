"""A split as a file, so that a result can be repeated elsewhere on the same log.

The file lists ``row_id`` and ``split`` of every logged event. It also carries a hash of which user met which
item in which row, so it cannot be put on other events: as metadata in Parquet, in the first line of CSV.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from userip_lightning.atomic import new_file
from userip_lightning.data.parsing.foreign_parquet import Files, describe, read_foreign
from userip_lightning.data.parsing.lines import require_file
from userip_lightning.data.prepared import PreparedFiles
from userip_lightning.data.splits import Split
from userip_lightning.errors import InputError
from userip_lightning.integrity import file_hash
from userip_lightning.schema import SPLITS

_KEY = "userip_events"
_COMMENT = "# userip_events "
_ADVICE = "give a .csv or .parquet file that `userip data export --format splits` wrote"


def export_split(prepared: PreparedFiles, path: Path) -> Path:
    """Write the split of ``prepared``.

    Args:
        prepared: the data.
        path: ends in ``.csv`` or ``.parquet``.

    Raises:
        InputError: another ending, or the file cannot be written.
    """
    if path.suffix not in (".csv", ".parquet"):
        raise InputError(f"{path}: the ending is {path.suffix!r}, expected .csv or .parquet; rename it.")
    events = prepared.events.filter("logged").select("row_id", "user", "item", "split").collect()
    digest, table = events_hash(events), events.select("row_id", "split")
    with new_file(path) as draft:
        if path.suffix == ".csv":
            with draft.open("w", encoding="utf-8") as file:
                file.write(f"{_COMMENT}{digest}\n")
                table.write_csv(file)
        else:
            table.write_parquet(draft, metadata={_KEY: digest})
    return path


def events_hash(events: pl.DataFrame) -> str:
    """SHA-256 of ``row_id``, ``user`` and ``item`` in order of ``row_id``, in hex.

    Users and items count from 0 in order of their ids, so the format of the log does not matter.
    """
    digest = hashlib.sha256()
    for name, dtype in (("row_id", pl.Int64()), ("user", pl.Int32()), ("item", pl.Int32())):
        digest.update(events[name].cast(dtype).to_numpy().tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class GivenSplit(Split):
    """The split of another run, from a file.

    Args:
        path: what :func:`export_split` wrote.
    """

    path: str

    def identity(self) -> dict[str, object]:
        return {"file": file_hash(require_file(Path(self.path).expanduser(), _ADVICE))}

    def assign(self, events: pl.DataFrame, seed: int) -> pl.Series:
        path = Path(self.path).expanduser()
        table, digest = _read(require_file(path, _ADVICE))
        if digest != events_hash(events) or not table["row_id"].equals(events["row_id"]):
            raise InputError(
                f"{path}: made for other events than these {events.height:,}; use the same log, k_core, "
                "max_users and duplicates as where it was exported, or another split."
            )
        unknown = table["split"].filter(~table["split"].is_in(SPLITS).fill_null(False))
        if unknown.len():
            raise InputError(f"{path}: there is no split {unknown[0]!r}, only {', '.join(SPLITS)}; mend it.")
        return table["split"]


def _read(path: Path) -> tuple[pl.DataFrame, str]:
    schema = {"row_id": pl.Int64(), "split": pl.String()}
    try:
        if path.suffix == ".parquet":
            given = Files(path, [path])
            table = pl.concat(read_foreign(given, list(schema))).cast(pl.Schema(schema))
            return table, describe(given)["metadata"].get(_KEY, "")
        with path.open(encoding="utf-8") as file:
            first = file.readline()
        table = pl.read_csv(path.absolute(), glob=False, comment_prefix="#", schema=schema)
        return table, first.removeprefix(_COMMENT).strip()
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError, InputError) as error:
        first = next(iter(str(error).splitlines()), "damaged")
        reason = first.removeprefix(f"{path}: ").partition("; ")[0]
        raise InputError(f"{path}: no split that can be read ({reason}); {_ADVICE}.") from None
