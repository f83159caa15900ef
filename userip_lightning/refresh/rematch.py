"""EM goes on from a bank's table, over the experiment's own events and later ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from userip_lightning.arrays import read_array
from userip_lightning.bank import FeatureBank
from userip_lightning.catalogue.additive_table import AdditiveTable
from userip_lightning.catalogue.code_order import split_classes
from userip_lightning.catalogue.codebooks import joint_starts
from userip_lightning.catalogue.datamodule import CatalogueDataModule
from userip_lightning.catalogue.em_search import Block, Schedule, Search
from userip_lightning.catalogue.exact_sums import rounded
from userip_lightning.catalogue.joint_em import JointStart
from userip_lightning.catalogue.joint_table import CodeTable
from userip_lightning.catalogue.module import CatalogueModule
from userip_lightning.catalogue.new_item_files import NEW_ITEMS, kept_for_new_items
from userip_lightning.catalogue.unseen_items import UnseenItems
from userip_lightning.errors import InputError
from userip_lightning.refresh.coding import Coding
from userip_lightning.refresh.renaming import like_before
from userip_lightning.refresh.since_fit import SinceFit
from userip_lightning.serving import Profiler
from userip_lightning.serving.event_log import refuse_foreign

#: Steps of EM at t = 1; from a table that suits the log already, figures settle within ten.
_STEPS = 20

#: Who came back, and the first file of theirs that counts.
_BACK = {"user_id": pl.String, "first": pl.UInt32}

_Table = CodeTable | AdditiveTable

#: Makes the module, with the settings that the bank was made with, and its DataModule.
Parts = Callable[[], tuple[CatalogueModule, CatalogueDataModule]]


class _Log(NamedTuple):
    """Own and later events of all users, sorted by id.

    Args:
        user_ids: [U].
        counts: [U, E].
        active: ids of the users with later events on known items.
    """

    user_ids: NDArray[np.str_]
    counts: csr_matrix
    active: pl.Series


def rematch(parts: Parts, served: FeatureBank, later: SinceFit) -> Coding:
    """Move a bank's table, and name its codes as before.

    Args:
        parts: of the experiment.
        served: the version to go on from. Users of the experiment whom it does not have were forgotten, and
            stay so; of those who came back, it has the events since then.
        later: all events since the fit. Items that the experiment does not have are passed over.

    Raises:
        InputError: the experiment's data is missing, the bank has no table to go on from, or one that the
            recommendation loss moved, the logs share no item, or users of ``served`` have other events in
            the files than it has of them.
    """
    profiler = Profiler.load(served.path)
    module, data = parts()
    if module.recommendation is not None:
        raise InputError(
            "--codebooks rematch: EM would undo what catalogue.model.recommendation did to the table; use "
            "keep, or fit anew."
        )
    data.setup("fit")
    back = _who_came_back(data, profiler, later)
    events = later.counted(back)
    log = _joined(data, _stays(data, served, back), events)
    if events.height and not log.active.len():
        refuse_foreign("the new events", events["item_id"], pl.Series(data.item_ids.tolist()))
    start = _warm_start(module, data, served, log.counts)
    search = Search([start], module.seed, Schedule(1, 2, _STEPS))
    search.step = search.schedule.warm  # the table is there: nothing is drawn, and t is 1
    nothing = csr_matrix(log.counts.shape)
    for _ in range(_STEPS):
        for first in range(0, log.user_ids.size, data.block_users):
            users = slice(first, first + data.block_users)
            search.observe(Block(first, log.counts[users], nothing[users]))
        search.finish()
    table, unseen = _named(start, data, log, served)
    told, further = kept_for_new_items(unseen, data.readers)
    figures = {name: part.astype(np.float32) for name, part in table._asdict().items()}
    return Coding(
        log.user_ids,
        table.states(log.counts),
        split_classes(table.codes(log.counts), served.sizes),
        log.active,
        {**figures, **further, "item_ids": data.item_ids},
        {NEW_ITEMS: told},
    )


def _warm_start(
    module: CatalogueModule, data: CatalogueDataModule, served: FeatureBank, counts: csr_matrix
) -> JointStart:
    """A start that has its table already."""
    if module.steering.anchors or module.steering.merge:
        raise InputError(
            "--codebooks rematch: EM would go on without what catalogue.model.steering says; give keep, or "
            "fit again on all events."
        )
    learned = CodeTable(*(_figures(served, name) for name in CodeTable._fields))
    classes, explicit = len(learned.log_share), data.events.explicit
    (start,) = joint_starts(counts, classes, explicit, data.vectors, module.strength, starts=1)
    start.learned = learned
    return start


def _named(
    start: JointStart, data: CatalogueDataModule, log: _Log, served: FeatureBank
) -> tuple[_Table, UnseenItems]:
    """The table that EM ended with, rounded, its codes named as in the served bank.

    Additive codes are places among the classes, which EM moves and does not renumber, so they stay.
    """
    table, unseen = start.table, start.unseen(data.vectors)
    if _is_additive(served):
        return _served_table(CodeTable(*map(rounded, table)), served), unseen
    held = served.find(log.user_ids)
    both = held >= 0
    codes = split_classes(table.codes(log.counts[both]), served.sizes)
    table, unseen = like_before(table, unseen, served.codes(held[both]), codes, served.sizes)
    return CodeTable(*map(rounded, table)), unseen


def _served_table(table: CodeTable, served: FeatureBank) -> _Table:
    """A table of the bank's classes, with the bank's codebooks."""
    return AdditiveTable(*table, _figures(served, "directions")) if _is_additive(served) else table


def _is_additive(served: FeatureBank) -> bool:
    return bool(served.manifest.extra["codebooks"] == "additive")


def _joined(
    data: CatalogueDataModule,
    stays: NDArray[np.bool_],
    later: pl.DataFrame,
    users: NDArray[np.str_] | None = None,
) -> _Log:
    """Own events of the users of the fit who stay, and later ones; of all ``users`` where these are given."""
    items = pl.DataFrame({"item_id": data.item_ids.tolist()}).with_row_index("item")
    known = later.join(items, on="item_id", maintain_order="left")
    own: csr_matrix = data.events.counts[stays].tocoo()
    if users is None:
        users = np.union1d(data.user_ids[stays], later["user_id"].to_numpy().astype(np.str_))
    place = np.searchsorted(users, data.user_ids[stays])
    item = known["item"].to_numpy().astype(np.int64)
    if data.events.explicit:
        item = item + len(data.item_ids) * known["label"].to_numpy().astype(np.int64)
    user = np.searchsorted(users, known["user_id"].to_numpy().astype(np.str_))
    cells = (np.concatenate([place[own.row], user]), np.concatenate([own.col, item]))
    figures = np.concatenate([own.data, np.ones(len(item))])
    counts = csr_matrix((figures, cells), shape=(users.size, own.shape[1]))
    return _Log(users, counts, known["user_id"].unique())


def _stays(data: CatalogueDataModule, served: FeatureBank, back: pl.DataFrame) -> NDArray[np.bool_]:
    """[U] users of the fit whose events of the fit count: neither forgotten nor back after that."""
    return (served.find(data.user_ids) >= 0) & ~np.isin(data.user_ids, back["user_id"].to_list())


def _who_came_back(data: CatalogueDataModule, profiler: Profiler, later: SinceFit) -> pl.DataFrame:
    """Users of the bank who were forgotten and have come back, as :meth:`SinceFit.counted` takes them.

    Who was forgotten is written down nowhere. But sums are exact: where a state is not the sum of all of a
    user's events, it is the sum of those in the last files alone.

    Raises:
        InputError: a user whose state is neither.
    """
    served = profiler.bank
    table = _served_table(CodeTable(*(_figures(served, name) for name in CodeTable._fields)), served)

    def differ(users: NDArray[np.str_], stays: NDArray[np.bool_], events: pl.DataFrame) -> NDArray[np.bool_]:
        counts = _joined(data, stays, events, users).counts
        there = np.concatenate([data.user_ids[stays], events["user_id"].to_numpy().astype(np.str_)])
        other: NDArray[np.bool_] = (table.states(counts) != profiler.stored(users)).any(axis=1)
        return other | ~np.isin(users, there)

    users = np.sort(served.users["user_id"].to_numpy().astype(np.str_))
    users = users[differ(users, served.find(data.user_ids) >= 0, later.before)]
    nobody = np.zeros(data.user_ids.size, dtype=np.bool_)
    back: dict[str, int] = {}
    for first in range(later.files):
        other = differ(users, nobody, later.last(first, users))
        back |= dict.fromkeys(users[~other].tolist(), first)
        users = users[other]
    if users.size:
        raise later.refusal(f"{users.size:,} of its users have other events in them")
    return pl.DataFrame({"user_id": list(back), "first": list(back.values())}, _BACK)


def _figures(bank: FeatureBank, name: str) -> NDArray[np.float64]:
    return read_array(bank.path / f"{name}.npy", "f").astype(np.float64)
