"""Prepared data as RecBole reads it: atomic files, with the split as its benchmark files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from userip_lightning.data.prepared import PreparedFiles
from userip_lightning.data.tools.export_files import own_attributes, plain, replacing
from userip_lightning.schema import SUPPORT, TEST, TRAIN, VAL

_PARTS = {TRAIN: "train", VAL: "valid", TEST: "test", SUPPORT: "support"}


def export_recbole(prepared: PreparedFiles, folder: Path, attributes: Sequence[str] = ()) -> None:
    """``NAME.inter`` with all rows, one such file per split, ``NAME.item``, ``NAME.user`` and ``NAME.yaml``.

    NAME is the folder's. Support rows, which no CTR model trains on, are in ``NAME.support.inter``, which the
    configuration does not name.

    Args:
        prepared: the data.
        folder: where the files go; files of these names there are replaced.
        attributes: columns of the item and user tables, besides the title, that go along.

    Raises:
        InputError: there is no such attribute, or the files cannot be written.
    """
    own, name = own_attributes(prepared, attributes), folder.resolve().name
    own["item"] = ["title", *(column for column in own["item"] if column != "title")]
    rows = prepared.events.select("split", *_columns(prepared))
    with replacing(folder) as draft:
        rows.drop("split").sink_csv(draft / f"{name}.inter", separator="\t", quote_style="never")
        for split, part in _PARTS.items():
            chosen = rows.filter(split=split).drop("split")
            if split != SUPPORT or chosen.head(1).collect().height:
                chosen.sink_csv(draft / f"{name}.{part}.inter", separator="\t", quote_style="never")
        for kind, table in (("item", prepared.items), ("user", prepared.users)):
            columns = [plain(column).alias(f"{column}:token_seq") for column in own[kind]]
            side = table.select(plain(f"{kind}_id").alias(f"{kind}_id:token"), *columns)
            side.write_csv(draft / f"{name}.{kind}", separator="\t", quote_style="never")
        (draft / f"{name}.yaml").write_text(_config(rows.collect_schema().names(), own), encoding="utf-8")


def _columns(prepared: PreparedFiles) -> list[pl.Expr]:
    """Rating and timestamp go along where every event has one."""
    numbers = ("rating", "timestamp")
    empty = (
        prepared.events.select(pl.col(numbers).null_count()).collect(engine="streaming").row(0, named=True)
    )
    full = [pl.col(name).alias(f"{name}:float") for name in numbers if not empty[name]]
    ids = [plain(name).alias(f"{name}:token") for name in ("user_id", "item_id")]
    return [*ids, *full, pl.col("label").alias("label:float")]


def _config(names: Sequence[str], own: dict[str, list[str]]) -> str:
    inter = ", ".join(name.split(":")[0] for name in names if name != "split")
    return f"""# give it to RecBole with config_file_list; data_path is the folder above this one
benchmark_filename: [train, valid, test]
USER_ID_FIELD: user_id
ITEM_ID_FIELD: item_id
LABEL_FIELD: label
load_col:
  inter: [{inter}]
  item: [{", ".join(["item_id", *own["item"]])}]
  user: [{", ".join(["user_id", *own["user"]])}]
"""
