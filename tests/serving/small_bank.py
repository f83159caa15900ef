"""Small banks with random tables, and their rule spelt out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from userip_lightning.artifact import Manifest
from userip_lightning.bank import FeatureBank
from userip_lightning.catalogue.additive_table import AdditiveTable, directions
from userip_lightning.catalogue.code_order import split_classes
from userip_lightning.catalogue.exact_sums import rounded
from userip_lightning.catalogue.joint_table import CodeTable

SIZES = (4, 3)
ITEMS = tuple(f"i{item}" for item in range(7))
CLASSES = 5  # of additive codebooks
Table = CodeTable | AdditiveTable
#: Codebooks and kind of log.
FORMS = (("joint", False), ("joint", True), ("additive", False), ("additive", True))


def table(codebooks: str, explicit: bool, seed: int = 0) -> Table:
    """Rounded as an exported one is."""
    return random_table(codebooks, len(ITEMS) * (1 + explicit), SIZES, np.random.default_rng(seed))


def random_table(codebooks: str, events: int, sizes: Sequence[int], rng: np.random.Generator) -> Table:
    """Of so many kinds of events."""
    classes = int(np.prod(sizes)) if codebooks == "joint" else CLASSES
    share = np.log(rng.dirichlet(np.ones(classes)))
    found = CodeTable(rounded(rng.normal(size=(events, classes))), rounded(share))
    if codebooks == "joint":
        return found
    return AdditiveTable(*found, directions([rng.normal(size=(size, classes)) for size in sizes]))


def codes_of(made: Table, counts: csr_matrix) -> np.ndarray:
    """[U, 2], as ``CatalogueModule`` has them."""
    return split_classes(made.codes(counts), SIZES)


def scores_of(made: Table, counts: np.ndarray) -> np.ndarray:
    """A user's events [E] → scores of combinations [Π K_p], one figure after another."""
    state = [share + sum(counts * made.evidence[:, c]) for c, share in enumerate(made.log_share)]
    if isinstance(made, CodeTable):
        return np.array(state)
    return np.array([sum(s * w for s, w in zip(state, row, strict=True)) for row in made.directions])


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
