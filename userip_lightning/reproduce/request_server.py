"""A trained CTR network as a server has it: user and item ids as strings in, scores out.

Every field is a function of the user or of the item, so a server keeps one column of values per field, in the
order of a key index, and codes in the bank. One search finds a user's place for all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from userip_lightning.bank import FeatureBank
from userip_lightning.bank.keys import KeyIndex
from userip_lightning.ctr.datamodule import CTRDataModule
from userip_lightning.ctr.export import MODEL
from userip_lightning.ctr.module import CTRModule
from userip_lightning.ctr.networks.base import CTRNet
from userip_lightning.data.prepared import PreparedData
from userip_lightning.pipeline.plan import Job
from userip_lightning.pipeline.training import instantiate
from userip_lightning.weight_files import read_weights

_CODE = "code_"
#: Fields that say something of the item; all others of the user.
_ITEM = "item_"


class Column(NamedTuple):
    """Values of one field by place, and in the last place that of who is unknown."""

    at: int
    values: NDArray[np.int64]


class Server:
    """Scores requests with a trained network.

    Args:
        network: it.
        find_users: [N] ids to [N] places, -1 where unknown.
        users: columns of the users' fields.
        items: index of the items.
        item_columns: columns of the items' fields.
        bank: has the codes, in the places of ``find_users``; None for a network without.
        codes: columns of the codes among the fields.
    """

    def __init__(
        self,
        network: CTRNet,
        find_users: Callable[[NDArray[np.str_]], NDArray[np.int64]],
        users: list[Column],
        items: KeyIndex,
        item_columns: list[Column],
        bank: FeatureBank | None,
        codes: list[int],
    ) -> None:
        self.network = network.eval()
        self.find_users = find_users
        self.users = users
        self.items = items
        self.item_columns = item_columns
        self.bank = bank
        self.codes = codes
        self.width = len(users) + len(item_columns) + len(codes)

    def __call__(self, user_ids: list[str], item_ids: list[str]) -> list[float]:
        """Scores [N] of users with one item each."""
        places = self.find_users(np.asarray(user_ids, dtype=np.str_))
        found = self.items.find(np.asarray(item_ids, dtype=np.str_))
        fields = np.empty((len(places), self.width), dtype=np.int64)
        for columns, place in ((self.users, places), (self.item_columns, found)):
            for column in columns:
                fields[:, column.at] = column.values.take(place)
        if self.bank is not None:
            codes = self.bank.codes(places)
            for p, at in enumerate(self.codes):
                fields[:, at] = codes[:, p]
        with torch.inference_mode():
            scores: list[float] = self.network(torch.from_numpy(fields)).float().sigmoid().tolist()
        return scores


def load_server(job: Job) -> Server:
    """The server of a finished CTR run.

    Raises:
        InputError: what the run read is missing or damaged.
    """
    module, data, _ = instantiate(job)
    assert isinstance(module, CTRModule)
    assert isinstance(data, CTRDataModule)
    network = _network(module, data, job.target)
    prepared = PreparedData.load(data.prepared)
    names = [field.name for field in data.feature_schema.fields]
    events = prepared.events.select("row_id", "user", "item")
    user_ids = prepared.users.sort("user")["user_id"].to_numpy().astype(np.str_)
    item_ids = prepared.items.sort("item")["item_id"].to_numpy().astype(np.str_)
    items, item_order = KeyIndex.build(item_ids)
    bank = None if data.bank is None else FeatureBank.open(data.bank)
    known, user_order = KeyIndex.build(user_ids)
    find: Callable[[NDArray[np.str_]], NDArray[np.int64]] = known.find
    if bank is not None:
        find = bank.find
        user_order = np.empty(len(user_ids), dtype=np.int64)
        user_order[bank.find(user_ids)] = np.arange(len(user_ids))
    rows = _rows(data).join(events, on="row_id", how="left")
    codes = [at for at, name in enumerate(names) if name.startswith(_CODE)]
    of_items = [at for at, name in enumerate(names) if name.startswith(_ITEM)]
    of_users = [at for at in range(len(names)) if at not in {*codes, *of_items}]
    users = [_column(rows, at, "user", user_order) for at in of_users]
    return Server(
        network,
        find,
        users,
        items,
        [_column(rows, at, "item", item_order) for at in of_items],
        bank,
        codes,
    )


def _network(module: CTRModule, data: CTRDataModule, target: Path) -> CTRNet:
    """The network with the weights of the artifact."""
    network = module.net(data.feature_schema)
    advice = f"delete {target} and run the study again"
    state: dict[str, Tensor] = read_weights(target / MODEL, advice)["state_dict"]
    network.load_state_dict({name.removeprefix("network."): weight for name, weight in state.items()})
    return network


def _rows(data: CTRDataModule) -> pl.DataFrame:
    """``row_id`` and a column per field, named by its number, of all rows that the network may see."""
    batches = [*data.train_dataloader(), *data.test_dataloader()]
    fields = torch.cat([batch.fields for batch in batches]).numpy()
    row_id = torch.cat([batch.row_id for batch in batches]).numpy()
    return pl.DataFrame({"row_id": row_id, **{str(at): fields[:, at] for at in range(fields.shape[1])}})


def _column(rows: pl.DataFrame, at: int, side: str, order: NDArray[np.int64]) -> Column:
    """A field by place: entry ``order[place]`` of the users or items; value 0 for whom no row names."""
    values = np.zeros(len(order) + 1, dtype=np.int64)
    values[rows[side].to_numpy()] = rows[str(at)].to_numpy()
    return Column(at, np.append(values[order], 0))
