"""The bank of the catalogue engine: codes of all users, and beside them the table that codes anybody."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from userip_lightning.arrays import Floats
from userip_lightning.artifact import Manifest, stable_hash
from userip_lightning.bank import FeatureBank
from userip_lightning.catalogue.additive_table import AdditiveTable
from userip_lightning.catalogue.joint_table import CodeTable
from userip_lightning.catalogue.new_item_files import NEW_ITEMS

if TYPE_CHECKING:
    from userip_lightning.catalogue.datamodule import CatalogueDataModule


class Coded(NamedTuple):
    """U users, in the order of the data.

    Args:
        sizes: K_p by profile name.
        codes: [U, P].
        states: [U, W], what every user's events add up to.
    """

    sizes: Mapping[str, int]
    codes: NDArray[np.int64]
    states: Floats


def write_bank(
    path: Path,
    data: CatalogueDataModule,
    table: CodeTable | AdditiveTable,
    coded: Coded,
    new_items: tuple[dict[str, object], dict[str, NDArray[np.generic]]],
    rows_seen: NDArray[np.int64],
    config_hash: str | None,
) -> Path:
    """Write a version of a bank.

    Args:
        path: the bank's folder.
        data: that the table was learned from.
        table: rounded.
        coded: all users.
        new_items: of ``kept_for_new_items``.
        rows_seen: ids of the rows that the table was learned from.
        config_hash: hash of the settings that made it; derived from the table where None.

    Returns:
        The folder of the version.
    """
    told, further = new_items
    prepared = data.manifest
    manifest = Manifest(
        kind="bank",
        config_hash=config_hash
        or stable_hash([prepared.config_hash, *(part.tobytes().hex() for part in table)]),
        data_hash=prepared.data_hash,
        users=len(coded.codes),
        extra={
            "events": "labelled items" if data.events.explicit else "items",
            "codebooks": "additive" if isinstance(table, AdditiveTable) else "joint",
            "reading": data.reading,
            NEW_ITEMS: told,
        },
    )
    arrays: dict[str, NDArray[np.generic]] = {
        name: part.astype(np.float32) for name, part in table._asdict().items()
    }
    arrays |= {"item_ids": data.item_ids, "states": coded.states[np.argsort(data.user_ids)]}
    return FeatureBank.write(
        path,
        data.user_ids,
        coded.codes,
        list(coded.sizes),
        list(coded.sizes.values()),
        manifest,
        rows_seen,
        arrays | further,
    )
