"""RecBole's atomic files: a log, perhaps items and users, with typed headers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from userip_lightning.data.events import shape_events
from userip_lightning.data.parsing.columns import listed, rename_columns, shape_side
from userip_lightning.data.parsing.delimited import read_typed
from userip_lightning.data.parsing.lines import require_file
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.parsing.times import TimestampUnit, time_rule
from userip_lightning.data.sources.source import Block, Source
from userip_lightning.errors import InputError
from userip_lightning.integrity import file_hash

_ADVICE = "give the folder of a dataset in RecBole's atomic format, whose files bear the folder's name"
#: What a title may be called; the first that an item file has is taken.
_TITLES = ("title", "movie_title", "item_name", "name", "product_title")


class RecBole(Source):
    """``NAME/NAME.inter``, perhaps ``NAME.item`` and ``NAME.user``, as RecBole's dataset collection has them.

    Further columns of the log are kept, those of the tables too; types in the headers are cut off.

    Args:
        path: the folder.
        columns: our column name to the files'; RecBole's usual names need no entry.
        rating_range: lowest and highest rating that is possible; None accepts any number.
        timestamp_unit: of timestamps: ``s``, ``ms``, ``us`` or ``ns``. None takes them for seconds and
            rejects those that look like another unit.
    """

    complete_tables = False
    first_row_wins = True

    def __init__(
        self,
        path: str,
        columns: Mapping[str, str] | None = None,
        rating_range: tuple[float, float] | None = None,
        timestamp_unit: TimestampUnit | None = None,
    ) -> None:
        self.path = Path(path).expanduser()
        self.columns = dict(columns or {})
        self.rating_range = rating_range
        self.times = time_rule(timestamp_unit, None)

    def identity(self) -> dict[str, object]:
        files = [file_hash(require_file(self._file("inter"), _ADVICE))]
        tables = [file_hash(file) if file.is_file() else None for file in map(self._file, ("item", "user"))]
        return {
            "class": "RecBole",
            "files": [*files, *tables],
            "columns": self.columns,
            "range": self.rating_range,
            "timestamps": self.times.unit,
        }

    def blocks(self, rejects: Rejects) -> Iterator[Block]:
        log, items, users = map(self._file, ("inter", "item", "user"))
        require_file(log, _ADVICE)
        for frame in self._frames(items, ["item_id"], rejects) if items.is_file() else ():
            yield Block(items=shape_side(self._titled(frame, items), "item_id", items, rejects))
        for frame in self._frames(users, ["user_id"], rejects) if users.is_file() else ():
            yield Block(users=shape_side(frame, "user_id", users, rejects))
        for frame in self._frames(log, ["user_id", "item_id"], rejects):
            yield Block(events=shape_events(frame, log, rejects, self.rating_range, times=self.times))

    def _file(self, kind: str) -> Path:
        return self.path / f"{self.path.resolve().name}.{kind}"

    def _frames(self, path: Path, required: list[str], rejects: Rejects) -> Iterator[pl.DataFrame]:
        """Blocks with our column names."""
        for frame in read_typed(path, _ADVICE, rejects, []):
            yield rename_columns(frame, path, self.columns, required)

    def _titled(self, items: pl.DataFrame, path: Path) -> pl.DataFrame:
        found = next((name for name in _TITLES if name in items.columns), None)
        if found is None:
            raise InputError(
                f"{path}: no column is a title, the file has {listed(items.columns)}; say which "
                "one is by columns={title: NAME}."
            )
        return items.rename({found: "title"})
