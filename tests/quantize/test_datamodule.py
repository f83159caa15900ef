from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from tests.forged import forge
from tests.quantize.conftest import DATA_HASH, Planted, plant, write_profiles
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.quantize.datamodule import QuantizeDataModule
from userip_lightning.schema import SUPPORT, TRAIN

__all__ = ["plant"]  # the fixture
Plant = Callable[..., Planted]


def triples(module: QuantizeDataModule, held: bool = False) -> set[tuple[str, int, float]]:
    loaders = module.val_dataloader() if held else [module.train_dataloader()]
    batches = [batch for loader in loaders for batch in loader]
    ids = module.profiles.user_ids
    return {
        (str(ids[u]), int(i), float(y))
        for batch in batches
        for u, i, y in zip(batch.user, batch.item, batch.label, strict=True)
    }


def test_rows_are_those_of_training_and_support_with_users_in_profile_order(plant: Plant) -> None:
    planted = plant()
    module = planted.datamodule(batch_size=100)
    module.setup("fit")
    events = PreparedData.load(planted.prepared).rows(TRAIN, SUPPORT)
    expected = {(u, i, float(y)) for u, i, y in events.select("user_id", "item", "label").iter_rows()}
    assert triples(module) | triples(module, held=True) == expected
    assert np.array_equal(module.rows_seen, events["row_id"].sort().to_numpy())
    assert module.n_items == 24


def test_held_out_rows_are_training_rows_that_no_step_uses(plant: Plant) -> None:
    planted = plant()
    module = planted.datamodule(holdout=0.25)
    module.setup("fit")
    held, fit = triples(module, held=True), triples(module)
    assert not held & fit
    train = PreparedData.load(planted.prepared).rows(TRAIN).height
    assert len(held) == pytest.approx(train / 4, rel=0.15)
    support = PreparedData.load(planted.prepared).rows(SUPPORT)
    assert not held & {(u, i, float(y)) for u, i, y in support.select("user_id", "item", "label").iter_rows()}
    whole = planted.datamodule(holdout=0.0)
    whole.setup("fit")
    assert whole.val_dataloader() == []


def test_a_batch_is_one_slice_of_tensors(plant: Plant) -> None:
    module = plant().datamodule(batch_size=100)
    module.setup("fit")
    batch = next(iter(module.train_dataloader()))
    assert type(batch).__name__ == "RecBatch"
    assert [c.dtype for c in batch] == [torch.int64, torch.int64, torch.float32]
    assert {len(c) for c in batch} == {100}


def test_profiles_that_saw_a_judged_row_are_refused(plant: Plant) -> None:
    planted = plant()
    module = planted.datamodule()
    module.setup("fit")
    judged = PreparedData.load(planted.prepared).judged_rows()
    rows = np.append(module.rows_seen, judged[:1])
    profiles = module.profiles
    write_profiles(planted.profiles, profiles.user_ids.tolist(), profiles.names, np.array(profiles.z), rows)
    with pytest.raises(InputError, match="leak, 1 rows"):
        planted.datamodule().setup("fit")
    QuantizeDataModule(str(planted.prepared), str(planted.profiles), audit=False).setup("fit")


def test_profiles_of_other_data_are_refused(plant: Plant) -> None:
    planted = plant()
    z = np.zeros((1, 1, 1, 6), dtype=np.float32)
    write_profiles(planted.profiles, ["u000"], ("hobby",), z, np.empty(0, dtype=np.int64), "e" * 16)
    with pytest.raises(InputError, match=f"made from data {'e' * 16}, but this run uses data {DATA_HASH}"):
        planted.datamodule().setup("fit")


def test_a_user_without_profile_is_named(plant: Plant) -> None:
    planted = plant()
    z = np.zeros((1, 1, 1, 6), dtype=np.float32)
    write_profiles(planted.profiles, ["u000"], ("hobby",), z, np.empty(0, dtype=np.int64))
    with pytest.raises(InputError, match="user 'u001' has training rows but no profile"):
        planted.datamodule().setup("fit")


def test_missing_profiles_are_refused(plant: Plant, tmp_path: Path) -> None:
    planted = plant()
    with pytest.raises(InputError, match="no profiles artifact here"):
        QuantizeDataModule(str(planted.prepared), str(tmp_path / "nowhere")).setup("fit")


def test_data_without_training_rows_are_refused(plant: Plant) -> None:
    planted = plant()
    events = pl.read_parquet(planted.prepared / "events.parquet").filter(pl.col("split") == "test")
    events.write_parquet(planted.prepared / "events.parquet")
    forge(planted.prepared)
    with pytest.raises(InputError, match="no training rows"):
        planted.datamodule().setup("fit")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"batch_size": 0}, "data.batch_size is 0; give a number of rows, at least 1."),
        ({"holdout": 1.0}, "data.holdout is 1.0; give a share of the rows, from 0 to below 1."),
        ({"holdout": float("nan")}, "data.holdout is nan; give a share of the rows, from 0 to below 1."),
    ],
)
def test_sizes_that_cannot_be_are_refused(settings: dict[str, float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        QuantizeDataModule("prepared", "profiles", **settings)
