"""Runs a bulk inference and reads what it wrote."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from userip_lightning.bulk.catalogue_engine import Tabled
from userip_lightning.bulk.part_store import PartStore
from userip_lightning.bulk.per_user_engine import Prompted
from userip_lightning.bulk.request import Request
from userip_lightning.bulk.run import infer


def written(output: Path) -> pl.DataFrame:
    return PartStore(output).codes().collect().sort("user_id")


def run(
    engine: Prompted | Tabled,
    events: Path,
    output: Path,
    items: Path | None = None,
    workers: int = 1,
    part_users: int = 8,
    report: Callable[[str], Any] = lambda _: None,
) -> pl.DataFrame:
    """Codes by user_id."""
    infer(engine, Request(events, items, output, workers, part_users), report)
    return written(output)
