"""Prepared data as FuxiCTR reads it: CSV files and a dataset configuration."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from userip_lightning.data.prepared import PreparedFiles
from userip_lightning.data.tools.export_files import own_attributes, replacing
from userip_lightning.schema import SUPPORT, TEST, TRAIN, VAL

_PARTS = {TRAIN: "train", VAL: "valid", TEST: "test", SUPPORT: "support"}


def export_fuxictr(prepared: PreparedFiles, folder: Path, attributes: Sequence[str] = ()) -> None:
    """``train.csv``, ``valid.csv``, ``test.csv`` and ``dataset_config.yaml``.

    The configuration's one entry has the folder's name. Support rows, which no CTR model trains on, are in
    ``support.csv``, which the configuration does not name.

    Args:
        prepared: the data.
        folder: where the files go; files of these names there are replaced.
        attributes: columns of the item and user tables that become categorical fields.

    Raises:
        InputError: there is no such attribute, or the files cannot be written.
    """
    own = own_attributes(prepared, attributes)
    events = prepared.events.select("split", "label", "user_id", "item_id")
    for kind, table in (("item", prepared.items), ("user", prepared.users)):
        key = f"{kind}_id"
        events = events.join(table.lazy().select(key, *own[kind]), on=key, how="left", maintain_order="left")
    fields = ["user_id", "item_id", *own["item"], *own["user"]]
    with replacing(folder) as draft:
        for split, name in _PARTS.items():
            rows = events.filter(split=split).select("label", *fields)
            if split != SUPPORT or rows.head(1).collect().height:
                rows.sink_csv(draft / f"{name}.csv")
        config = draft / "dataset_config.yaml"
        config.write_text(_config(folder.resolve().name, fields), encoding="utf-8")


def _config(name: str, fields: Sequence[str]) -> str:
    named = "".join(
        f"\n    - {{name: {field}, active: true, dtype: str, type: categorical}}" for field in fields
    )
    return f"""# paths are seen from the folder above this one
{name}:
  data_root: ./
  data_format: csv
  train_data: ./{name}/train.csv
  valid_data: ./{name}/valid.csv
  test_data: ./{name}/test.csv
  min_categr_count: 1
  feature_cols:{named}
  label_col: {{name: label, dtype: float}}
"""
