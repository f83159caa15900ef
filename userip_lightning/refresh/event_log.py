"""The log that came later, read once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import polars as pl

from userip_lightning.bulk.population import Population
from userip_lightning.data.labels import Labels
from userip_lightning.errors import InputError

_BETWEEN = "\x1f"  # no id has it in practice; one that had would only make two files look alike


class LaterLog(NamedTuple):
    """Events that an experiment has not seen.

    Args:
        source: where they came from, for messages.
        files: what each file is known by, a hash of its events in whatever order, to its path.
        events: ``user_id``, ``item_id``, ``label`` (1 liked, 0 not) and ``log``, what the file is known by.
    """

    source: Path
    files: Mapping[str, Path]
    events: pl.DataFrame

    @staticmethod
    def read(source: Path, labels: Labels) -> LaterLog:
        """Read and check.

        Args:
            source: Parquet file or folder, as `userip infer` takes it.
            labels: what the experiment calls liked.

        Raises:
            InputError: no Parquet file, a missing column, an empty id, a row without a usable label, or two
                files with the same events.
        """
        population = Population.open(source, labels)
        parts = {file: population._replace(files=(file,)).scan().collect() for file in population.files}
        files: dict[str, Path] = {}
        for file, events in parts.items():
            first = files.setdefault(_hash(events), file) if events.height else file
            if first != file:
                raise InputError(
                    f"{file}: has the same events as {first}, which would count twice; leave one of them out."
                )
        key = pl.Enum(list(files))
        told = [parts[file].with_columns(log=pl.lit(log, dtype=key)) for log, file in files.items()]
        return LaterLog(source, files, pl.concat(told))


def _hash(events: pl.DataFrame) -> str:
    rows = events.select(
        pl.concat_str("user_id", "item_id", pl.col("label").cast(pl.Int8), separator=_BETWEEN)
    ).to_series()
    return hashlib.sha256("\n".join(rows.sort()).encode()).hexdigest()[:16]
