"""Small banks with random tables, and their rule spelt out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from userip_lightning.artifact import Manifest
from userip_lightning.bank import FeatureBank
from userip_lightning.catalogue.code_order import split_classes
from userip_lightning.catalogue.exact_sums import rounded
from userip_lightning.catalogue.factorised_table import FactorisedTable
from userip_lightning.catalogue.joint_table import CodeTable

SIZES = (4, 3)
ITEMS = tuple(f"i{item}" for item in range(7))
Table = CodeTable | FactorisedTable
#: Codebooks and kind of log.
FORMS = (("joint", False), ("joint", True), ("factorised", False))


def table(codebooks: str, explicit: bool, seed: int = 0) -> Table:
    """Rounded as an exported one is."""
    rng, events = np.random.default_rng(seed), len(ITEMS) * (1 + explicit)
    share = np.log(rng.dirichlet(np.ones(12)))
    if codebooks == "joint":
        return CodeTable(rounded(rng.normal(size=(events, 12))), rounded(share))
    one, two, pairs = (rng.normal(size=size) for size in ((events, 4), (events, 3), SIZES))
    return FactorisedTable(*map(rounded, (one, two, pairs, share.reshape(SIZES))))


def codes_of(made: Table, counts: csr_matrix) -> np.ndarray:
    """[U, 2], as ``CatalogueModule`` has them."""
    return (
        made.codes(counts) if isinstance(made, FactorisedTable) else split_classes(made.codes(counts), SIZES)
    )


def bank(folder: Path, codebooks: str, explicit: bool, users: Sequence[str] = ("held",)) -> Table:
    """Write a bank whose users had no events; returns its table."""
    made = table(codebooks, explicit)
    nothing = csr_matrix((len(users), len(ITEMS) * (1 + explicit)))
    extra = {"events": "labelled items" if explicit else "items", "codebooks": codebooks}
    figures = {name: part.astype(np.float32) for name, part in made._asdict().items()}
    FeatureBank.write(
        folder,
        users,
        codes_of(made, nothing),
        ("hobby", "background"),
        SIZES,
        Manifest("bank", "config", "data", len(users), extra=extra),
        np.empty(0, dtype=np.int64),
        {**figures, "item_ids": np.array(ITEMS), "states": made.states(nothing)},
    )
    return made


def counted(events: pl.DataFrame, explicit: bool) -> tuple[list[str], csr_matrix]:
    """Users of a log in order, and how often each had each event, counted row by row."""
    users = sorted(events["user_id"].unique().to_list())
    counts = np.zeros((len(users), len(ITEMS) * (1 + explicit)))
    for row in events.iter_rows(named=True):
        if row["item_id"] in ITEMS and (explicit or row.get("label", 1) == 1):
            event = ITEMS.index(row["item_id"]) + (len(ITEMS) * row["label"] if explicit else 0)
            counts[users.index(row["user_id"]), event] += 1
    return users, csr_matrix(counts)


def log(users: int = 40, events: int = 6, seed: int = 1) -> pl.DataFrame:
    """Events in no order, some of an unknown item, some twice."""
    rng = np.random.default_rng(seed)
    size = users * events
    return pl.DataFrame(
        {
            "user_id": [f"u{user}" for user in rng.integers(users, size=size)],
            "item_id": [f"i{item}" for item in rng.integers(len(ITEMS) + 1, size=size)],
            "label": rng.integers(2, size=size),
        }
    )
