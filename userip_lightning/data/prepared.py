"""Prepared data as the stages read it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning import parquet
from userip_lightning.artifact import Manifest, read_manifest
from userip_lightning.errors import InputError
from userip_lightning.schema import TEST, VAL

KIND = "prepared"


@dataclass(frozen=True)
class PreparedData:
    """The ``prepared`` artifact in memory; :class:`userip_lightning.data.preparation.Preparation` writes it.

    Args:
        path: its folder.
        manifest: its manifest.
        events: EVENT_COLUMNS, ``user`` and ``item`` (Int32, dense), ``label`` (Int8, 0 or 1), ``split``,
            ``logged`` (False for a sampled negative, which is no behaviour of its user).
        items: one row per item in order of ``item``; ``item_id``, ``title``, further attributes, ``item``.
        users: one row per user in order of ``user``; ``user_id``, attributes, ``user``.
    """

    path: Path
    manifest: Manifest
    events: pl.DataFrame
    items: pl.DataFrame
    users: pl.DataFrame

    @staticmethod
    def load(path: str | Path) -> PreparedData:
        """Read the artifact.

        Raises:
            InputError: nothing there, another kind or schema version, or a damaged file.
        """
        folder = Path(path)
        manifest = read_manifest(folder, KIND)
        events, items, users = (_read(folder / f"{name}.parquet") for name in ("events", "items", "users"))
        return PreparedData(folder, manifest, events, items, users)

    @property
    def data_hash(self) -> str:
        """What every artifact made from this data records."""
        return self.manifest.data_hash

    @property
    def n_users(self) -> int:
        return self.users.height

    @property
    def n_items(self) -> int:
        return self.items.height

    def rows(self, *splits: str) -> pl.DataFrame:
        """Events of these splits, in order of ``row_id``."""
        return self.events.filter(pl.col("split").is_in(splits))

    def judged_rows(self) -> NDArray[np.int64]:
        """Row ids of validation and test: what no training may see."""
        return self.rows(VAL, TEST)["row_id"].to_numpy()


class PreparedFiles(NamedTuple):
    """The ``prepared`` artifact with its events left on disk; the same columns as :class:`PreparedData`."""

    path: Path
    events: pl.LazyFrame
    items: pl.DataFrame
    users: pl.DataFrame

    @staticmethod
    def open(path: str | Path) -> PreparedFiles:
        """Check the artifact and read its tables of items and users.

        Raises:
            InputError: as :meth:`PreparedData.load`.
        """
        folder = Path(path)
        read_manifest(folder, KIND)
        items, users = (_read(folder / f"{name}.parquet") for name in ("items", "users"))
        return PreparedFiles(folder, parquet.scan(folder / "events.parquet"), items, users)


def _read(path: Path) -> pl.DataFrame:
    try:
        return parquet.read(path)
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: damaged ({reason}); delete {path.parent} and prepare again.") from None
