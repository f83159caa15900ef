"""Bulk inference of the catalogue engine: sums over the bank's table, no language model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from userip_lightning.bank import FeatureBank
from userip_lightning.bulk.part_store import PartStore
from userip_lightning.bulk.population import Population, read_part
from userip_lightning.bulk.prompt_items import read_frame
from userip_lightning.bulk.request import Request
from userip_lightning.bulk.worker import POPULATION, PartDone
from userip_lightning.data.labels import Labels
from userip_lightning.errors import InputError
from userip_lightning.ids import read_ids
from userip_lightning.serving import Profiler
from userip_lightning.serving.event_log import refuse_foreign
from userip_lightning.serving.profiler import BEHAVIOURS


@dataclass(frozen=True)
class Tabled:
    """What an experiment of the catalogue engine has left.

    Args:
        labels: what it calls liked.
        bank: folder of its bank.
    """

    labels: Labels
    bank: Path

    @cached_property
    def profiler(self) -> Profiler:
        """Of the bank."""
        return Profiler.load(self.bank)

    @property
    def silent(self) -> str:
        """Why users without a known behaviour have the codes they have, after "users have"."""
        return "no event of a known item, hence the codes of a user without events"

    @property
    def left_out(self) -> str:
        """Which events count for nothing, after "events"."""
        return "name items that the table does not hold, or are not liked in a log of likes"

    def check(self, request: Request, bank: FeatureBank) -> None:
        """Put further items into the table; InputError without one, or for options of the other engine."""
        if request.workers > 1:
            raise InputError(
                f"--workers: {request.workers}, but the catalogue engine's codes are sums, which one "
                "process makes as fast as it reads events; leave it out."
            )
        profiler = self.profiler  # whether the bank has a table
        if request.items is None:
            return
        items = read_frame(request.items)
        try:
            profiler.add_items(without_known(items, profiler))
        except InputError as error:
            raise InputError(f"{request.items}: {error}") from None

    def check_events(self, bank: FeatureBank, events: Population) -> None:
        """Raise InputError unless they share an item with the table."""
        known = self.profiler.items.ids
        given = events.scan().select("item_id")
        if given.join(known.to_frame().lazy(), on="item_id", how="semi").head(1).collect().is_empty():
            refuse_foreign(str(events.source), given.head(100).collect()["item_id"], known)

    def identity(self) -> dict[str, str]:
        """What codes depend on beside bank, labels, items and events: nothing."""
        return {}

    def write_items(self, request: Request, bank: FeatureBank, store: PartStore) -> pl.Series:
        """Ids of the table's items, in its order; workers need no more than the bank."""
        return self.profiler.items.ids

    def infer(self, bank: FeatureBank, request: Request, parts: Sequence[int]) -> Iterator[PartDone]:
        """Write the codes of parts, in this process."""
        profiler, store = self.profiler, PartStore(request.output)
        for part in parts:
            events = read_part(store.work / POPULATION, part)
            events = events.with_columns(item_id=profiler.items.ids.gather(events["item"]))
            codes = profiler.codes(events, allow_foreign=True)
            store.write(part, codes)
            yield PartDone(part, codes.height, int((codes[BEHAVIOURS] == 0).sum()), stuck=0)


def without_known(items: pl.DataFrame, profiler: Profiler) -> pl.DataFrame:
    """Rows of items that the table does not have: what the log said of the others stays."""
    if "item_id" not in items.columns:
        return items
    ids = items.select(read_ids("item_id", items.schema["item_id"], "items"))["item_id"]
    return items.filter(pl.Series(profiler.items.find(ids) < 0))
