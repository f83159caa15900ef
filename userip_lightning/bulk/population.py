"""A population's events: read as Parquet, checked, and dealt into parts that hold whole users.

Whatever is wrong with the events is found here, before a worker loads a language model. They are read some
million rows at a time, so memory does not grow with the population.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import polars as pl

from userip_lightning import parquet
from userip_lightning.artifact import Manifest, stable_hash, writing
from userip_lightning.data.labels import GivenLabel, Implicit, Labels, RatingThreshold
from userip_lightning.data.parsing.foreign_parquet import Files, require_decodable
from userip_lightning.errors import InputError
from userip_lightning.ids import is_missing, read_ids
from userip_lightning.integrity import file_hash
from userip_lightning.label_values import read_label

KIND = "population"
#: Columns of a part: who, which item of the catalogue (null where it has none), liked or not, which row.
PART_COLUMNS = pl.Schema(
    {"user_id": pl.String(), "item": pl.UInt32(), "label": pl.Int8(), "row_id": pl.Int64()}
)
#: Rows read at a time.
SLICE = 1 << 22
#: More would be too many files.
MOST_PARTS = 1024


class Population(NamedTuple):
    """Events in Parquet.

    Args:
        source: a file, or a folder of them.
        files: in order.
        schema: of the files.
        label: 1 where the user liked the item, 0 where not; null or another value is refused.
        rows: N.
        users: about how many.
    """

    source: Path
    files: tuple[Path, ...]
    schema: pl.Schema
    label: pl.Expr
    rows: int
    users: int

    @staticmethod
    def open(source: Path, labels: Labels) -> Population:
        """Look at all rows.

        Args:
            source: a Parquet file, or a folder of them: ``user_id``, ``item_id`` and ``label``, or what
                ``labels`` are made from.
            labels: what the experiment calls liked, where there is no column ``label``.

        Raises:
            InputError: no Parquet file, a missing column, an empty id, or a row without a usable label.
        """
        files = _files(source)
        named = [labels.column] if isinstance(labels, GivenLabel) else []
        require_decodable(Files(source, files), ["user_id", "item_id", "label", "rating", *named])
        try:
            schema = parquet.scan(files).collect_schema()
            _require(source, schema, "user_id", "item_id")
            label = _label(source, schema, labels)
            return _checked(Population(source, files, schema, label, 0, 0))
        except pl.exceptions.PolarsError as error:
            reason = str(error).splitlines()[0]
            raise InputError(
                f"{source}: cannot be read as Parquet with one schema ({reason}); write it again."
            ) from None

    def identity(self) -> str:
        """Hash of the files' contents; neither their place nor their dates count."""
        return stable_hash([file_hash(file) for file in self.files])

    def scan(self) -> pl.LazyFrame:
        """``user_id`` and ``item_id`` as strings, null where there is none, ``label`` as it comes."""
        ids = (read_ids(name, self.schema[name], str(self.source)) for name in ("user_id", "item_id"))
        return parquet.scan(self.files).select(*ids, label=self.label)

    def deal(self, items: pl.DataFrame, parts: int, folder: Path, manifest: Manifest) -> None:
        """Write ``NNNNN/*.parquet`` into ``folder``, one folder per part; a user is in one part.

        Args:
            items: ``item_id`` and ``item``, of the catalogue.
            parts: how many.
            folder: whole or absent afterwards.
            manifest: of the folder.
        """
        with writing(folder, manifest) as draft:
            for part in range(parts):
                part_folder(draft, part).mkdir()
            for first in range(0, self.rows, SLICE):
                events = self.scan().slice(first, SLICE).collect().with_row_index("row_id", first)
                events = events.join(items, on="item_id", how="left").with_columns(
                    part=pl.col("user_id").hash() % parts
                )
                for (part,), rows in events.partition_by("part", as_dict=True).items():
                    file = part_folder(draft, int(part)) / f"{first:015d}.parquet"
                    rows.select(*PART_COLUMNS).cast(PART_COLUMNS).write_parquet(file)


def part_folder(folder: Path, part: int) -> Path:
    """Where :meth:`Population.deal` puts the events of a part."""
    return folder / f"{part:05d}"


def read_part(folder: Path, part: int) -> pl.DataFrame:
    """Events of a part; it may have none."""
    files = sorted(part_folder(folder, part).glob("*.parquet"))
    return pl.concat([pl.DataFrame(schema=PART_COLUMNS), *map(parquet.read, files)])


def _files(source: Path) -> tuple[Path, ...]:
    text = [ending for ending in source.suffixes if ending in (".csv", ".tsv", ".json", ".jsonl", ".txt")]
    if source.is_file() and text:
        raise InputError(
            f"{source}: {text[0]} given, Parquet with user_id, item_id and a label or rating is needed, "
            "whatever the experiment's own log looked like; rename its columns and write it as Parquet, "
            "for instance with polars."
        )
    files = tuple(sorted(source.rglob("*.parquet"))) if source.is_dir() else (source,)
    if not files or not all(file.is_file() for file in files):
        raise InputError(f"{source}: no Parquet file here; name a file, or a folder with *.parquet in it.")
    return files


def _require(source: Path, schema: pl.Schema, *names: str) -> None:
    for name in names:
        if name not in schema:
            raise InputError(
                f"{source}: column {name!r} is missing, the files have {', '.join(schema)}; user_id, "
                "item_id and label (0 or 1), or what the experiment makes labels from, are needed; rename "
                "the columns."
            )


def _label(source: Path, schema: pl.Schema, labels: Labels) -> pl.Expr:
    """A column ``label``, or the experiment's own rule."""
    if "label" not in schema:
        if isinstance(labels, RatingThreshold):
            _require(source, schema, "rating")
            rating = pl.col("rating").cast(pl.Float32, strict=False)
            return (rating > labels.threshold).cast(pl.Float64)
        if isinstance(labels, GivenLabel):
            _require(source, schema, labels.column)
            return read_label(labels.column, schema[labels.column])
        if isinstance(labels, Implicit):
            return pl.lit(1.0)
    _require(source, schema, "label")
    return read_label("label", schema["label"])


def _checked(population: Population) -> Population:
    """With its counts; complains of the first row that cannot be used."""
    events = population.scan()
    wrong = {
        "user_id": is_missing("user_id"),
        "item_id": is_missing("item_id"),
        "label or rating": pl.col("label").is_in([0.0, 1.0]).not_().fill_null(True),
    }
    bad = pl.any_horizontal(*wrong.values())
    rows, users, refused = (
        events.select(pl.len(), pl.col("user_id").approx_n_unique(), bad.sum().alias("bad")).collect().row(0)
    )
    if refused:
        first = events.with_columns(**wrong).with_row_index().filter(pl.any_horizontal(*wrong)).head(1)
        row = first.collect().row(0, named=True)
        column = next(name for name in wrong if row[name])
        others = f", and {refused - 1} more rows like it" if refused > 1 else ""
        raise InputError(
            f"{population.source}: row {row['index'] + 1} has no usable {column}{others}; mend or delete "
            "what is wrong."
        )
    if not rows:
        raise InputError(f"{population.source}: no rows, expected one per event; check the path.")
    return population._replace(rows=rows, users=max(users, 1))
