"""Small logs with banks of random or planted tables, as sources of an explanation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from tests.catalogue.small_log import Event, prepared
from tests.serving import small_bank
from tests.serving.small_bank import Table
from userip_lightning.artifact import Manifest
from userip_lightning.bank import FeatureBank
from userip_lightning.catalogue.code_order import split_classes
from userip_lightning.catalogue.exact_sums import rounded
from userip_lightning.catalogue.joint_table import CodeTable
from userip_lightning.catalogue.user_events import user_events
from userip_lightning.data.prepared import PreparedData
from userip_lightning.explain.source import Source

NAMES, SIZES = ("hobby", "background"), (2, 3)
GROUPS, EACH = 6, 10  # of items; items of a group
SUBJECTS = ("space", "wedding", "chess", "dragon", "farm", "poker")


def titles() -> dict[str, str]:
    """Items and their titles; a group's titles share its subject."""
    return {
        f"i{g}_{n}": f"The {SUBJECTS[g]} of {'abcdefghij'[n]}{g}" for g in range(GROUPS) for n in range(EACH)
    }


def log(explicit: bool = False, users: int = 60, each: int = 12, seed: int = 0) -> list[Event]:
    """User u belongs to group u % GROUPS; most of what they do, or like, is of it. Two events are judged."""
    rng, found = np.random.default_rng(seed), []
    for user in range(users):
        for at in range(each):
            own = rng.random() < 0.8
            group = user % GROUPS if own else int(rng.integers(GROUPS))
            label = 1 if not explicit else int(group == user % GROUPS)
            split = "train" if at < each - 2 else ("val", "test")[at % 2]
            found.append(Event(f"u{user:03d}", f"i{group}_{rng.integers(EACH)}", split, label))
    return list({(event.user, event.item): event for event in found}.values())


def random_table(codebooks: str, events: int, seed: int = 1) -> Table:
    return small_bank.random_table(codebooks, events, SIZES, np.random.default_rng(seed))


def planted_table(order: np.ndarray | None = None) -> CodeTable:
    """An item of group g speaks for the combination ``order[g]``."""
    order = np.arange(GROUPS) if order is None else order
    group = np.repeat(np.arange(GROUPS), EACH)
    evidence = np.full((GROUPS * EACH, GROUPS), -0.5)
    evidence[np.arange(len(group)), order[group]] = 1.0
    return CodeTable(rounded(evidence), rounded(np.full(GROUPS, -np.log(GROUPS))))


def counts(source: Source) -> csr_matrix:
    return user_events(PreparedData.load(source.prepared)).counts


def source(
    folder: Path,
    events: list[Event],
    table: Table | None,
    explicit: bool = False,
    named: dict[str, str] | None = None,
    codes: np.ndarray | None = None,
) -> Source:
    """Prepare the log and write a bank; without a table that of the per-user engine, with ``codes``."""
    path = prepared(folder / "cache", events, titles() if named is None else named, explicit)
    data = PreparedData.load(path)
    arrays, extra = {}, {}
    if table is not None:
        codes = split_classes(table.codes(user_events(data).counts), SIZES)
        codebooks = "joint" if isinstance(table, CodeTable) else "additive"
        extra = {"events": "labelled items" if explicit else "items", "codebooks": codebooks}
        arrays = {name: part.astype(np.float32) for name, part in table._asdict().items()}
        arrays |= {"item_ids": data.items["item_id"].to_numpy().astype(np.str_)}
    assert codes is not None
    bank = folder / "bank"
    FeatureBank.write(
        bank,
        data.users["user_id"].to_list(),
        codes.astype(np.int64),
        NAMES,
        SIZES,
        Manifest("bank", "config", data.data_hash, data.n_users, extra=extra),
        np.empty(0, dtype=np.int64),
        arrays,
    )
    engine = "per_user" if table is None else "catalogue"
    texts = {"hobby": "This user's hobby is", "background": ", his background is"}
    return Source("small", engine, path, bank, ["title"], texts, 0)
