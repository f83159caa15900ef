"""What is asked of a bulk inference, and what it needs of the engine that an experiment's codes come from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import polars as pl

from userip_lightning.bank import FeatureBank
from userip_lightning.bulk.part_store import PartStore
from userip_lightning.bulk.population import Population
from userip_lightning.bulk.worker import PartDone
from userip_lightning.data.labels import Labels


class Request(NamedTuple):
    """What is asked for.

    Args:
        events: Parquet file or folder.
        items: Parquet file of items beside the experiment's own, or None.
        output: folder.
        workers: processes; 1 is this one.
        part_users: users of a part, about; what a killed worker loses at most.
    """

    events: Path
    items: Path | None
    output: Path
    workers: int
    part_users: int


class Engine(Protocol):
    """How a finished experiment codes a population: :class:`Prompted` or :class:`Tabled`."""

    @property
    def labels(self) -> Labels:
        """What the experiment calls liked."""

    @property
    def bank(self) -> Path:
        """Folder of its bank."""

    @property
    def silent(self) -> str:
        """Why users without a known behaviour have the codes they have, after "users have"."""

    @property
    def left_out(self) -> str:
        """Which events count for nothing, after "events"."""

    def check(self, request: Request, bank: FeatureBank) -> None:
        """Raise InputError where the request or the bank is not for this engine; reads no events."""

    def check_events(self, bank: FeatureBank, events: Population) -> None:
        """Raise InputError where the events cannot be coded."""

    def identity(self) -> dict[str, str]:
        """What codes depend on beside bank, labels, items and events, by the words of a refusal."""

    def write_items(self, request: Request, bank: FeatureBank, store: PartStore) -> pl.Series:
        """Write what workers need; returns ids of the items that events may name, in workers' order."""

    def infer(self, bank: FeatureBank, request: Request, parts: Sequence[int]) -> Iterator[PartDone]:
        """Write the codes of parts, in any order."""
