"""The log that came later, read once."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import polars as pl

from userip_lightning.bulk.population import Population
from userip_lightning.data.labels import Labels


class LaterLog(NamedTuple):
    """Events that an experiment has not seen.

    Args:
        source: where they came from, for messages.
        identity: hash of the files' contents.
        events: ``user_id``, ``item_id`` and ``label`` (1 liked, 0 not).
    """

    source: Path
    identity: str
    events: pl.DataFrame

    @staticmethod
    def read(source: Path, labels: Labels) -> LaterLog:
        """Read and check.

        Args:
            source: Parquet file or folder, as `userip infer` takes it.
            labels: what the experiment calls liked.

        Raises:
            InputError: no Parquet file, a missing column, an empty id, or a row without a usable label.
        """
        population = Population.open(source, labels)
        return LaterLog(source, population.identity(), population.scan().collect())
