from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from tests.forged import forge
from userip_lightning.artifact import Manifest, read_manifest, writing
from userip_lightning.bank import FeatureBank
from userip_lightning.ctr.datamodule import CTRDataModule
from userip_lightning.data.preparation import Preparation
from userip_lightning.data.prepared import PreparedData
from userip_lightning.data.sources.synthesize import Planted
from userip_lightning.data.splits import ColdUsers
from userip_lightning.errors import InputError
from userip_lightning.schema import SUPPORT, TEST, TRAIN, VAL, Field, ProfileVectors

SIZES = (4, 3)


@pytest.fixture(scope="module")
def cold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepared folder where a quarter of the users has no TRAIN row."""
    preparation = Preparation(Planted(users=40, rows_per_user=12), split=ColdUsers(fraction=0.25, support=6))
    return preparation.run(tmp_path_factory.mktemp("cold"), lambda _: None)


def write_bank(
    root: Path, prepared: PreparedData, split: str = TRAIN, data_hash: str | None = None
) -> np.ndarray:
    """A bank that knows every user but the last; returns the codes [U, P] it should give, by user."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, SIZES, (prepared.n_users, 2))
    users = prepared.users["user_id"].to_list()
    manifest = Manifest("bank", "c", data_hash or prepared.data_hash, users=0)
    seen = prepared.rows(split)["row_id"].to_numpy()
    FeatureBank.write(root, users[:-1], codes[:-1], ("hobby", "background"), SIZES, manifest, seen)
    codes[-1] = SIZES
    return codes


def test_ids_without_a_train_row_are_out_of_vocabulary(cold: Path) -> None:
    data, prepared = CTRDataModule(str(cold), batch_size=10_000), PreparedData.load(cold)
    train = prepared.rows(TRAIN)
    (batch,) = data.train_dataloader()
    users, items = batch.fields.T
    assert sorted(batch.row_id.tolist()) == train["row_id"].sort().to_list()
    assert users.unique().tolist() == list(range(1, train["user_id"].n_unique() + 1))
    assert items.unique().tolist() == list(range(1, train["item_id"].n_unique() + 1))
    assert data.feature_schema.fields == (
        Field("user_id", train["user_id"].n_unique() + 1),
        Field("item_id", train["item_id"].n_unique() + 1),
    )
    (judged,) = data.test_dataloader()
    assert (judged.fields[:, 0] == 0).all()
    known = set(train["item"])
    item_of = dict(prepared.rows(VAL, TEST).select("row_id", "item").iter_rows())
    for row, value in zip(judged.row_id.tolist(), judged.fields[:, 1].tolist(), strict=True):
        assert (value > 0) == (item_of[row] in known)


def test_a_row_keeps_its_ids_and_its_label(cold: Path) -> None:
    prepared = PreparedData.load(cold)
    (batch,) = CTRDataModule(str(cold), batch_size=10_000).train_dataloader()
    events = prepared.rows(TRAIN)
    rows = pl.DataFrame(
        {"row_id": batch.row_id.numpy(), "u": batch.fields[:, 0].numpy(), "y": batch.label.numpy()}
    )
    joined = rows.join(events, on="row_id")
    assert joined.height == events.height
    assert (joined["y"] == joined["label"].cast(pl.Float32)).all()
    assert joined.select("u", "user_id").unique().height == events["user_id"].n_unique()


def test_support_rows_are_in_no_loader(cold: Path) -> None:
    data, prepared = CTRDataModule(str(cold)), PreparedData.load(cold)
    loaders = (data.train_dataloader(), data.val_dataloader(), data.test_dataloader())
    given = {int(row) for loader in loaders for batch in loader for row in batch.row_id}
    assert prepared.rows(SUPPORT).height > 0
    assert given == set(prepared.rows(TRAIN, VAL, TEST)["row_id"])
    assert data.judged.height == prepared.judged_rows().size
    assert set(data.rows_seen) == set(prepared.rows(TRAIN)["row_id"])


def test_the_model_is_selected_on_validation_rows_alone(cold: Path) -> None:
    given = [int(row) for batch in CTRDataModule(str(cold)).val_dataloader() for row in batch.row_id]
    assert sorted(given) == PreparedData.load(cold).rows(VAL)["row_id"].sort().to_list()


def test_codes_come_from_the_bank(cold: Path, tmp_path: Path) -> None:
    prepared = PreparedData.load(cold)
    codes = write_bank(tmp_path, prepared)
    data = CTRDataModule(str(cold), bank=str(tmp_path), batch_size=10_000)
    assert data.feature_schema.fields[2:] == (Field("code_hobby", 5), Field("code_background", 4))
    user_of = dict(prepared.events.select("row_id", "user").iter_rows())
    for (batch,) in (data.train_dataloader(), data.test_dataloader()):
        users = [user_of[row] for row in batch.row_id.tolist()]
        assert np.array_equal(batch.fields[:, 2:].numpy(), codes[users])


def write_profiles(
    folder: Path, prepared: PreparedData, split: str = TRAIN, data_hash: str | None = None
) -> np.ndarray:
    """Profiles of every user but the last, in another order than the users'; returns z [U - 1, 2, 3, 4]."""
    z = np.random.default_rng(0).normal(5, 3, (prepared.n_users - 1, 2, 3, 4)).astype(np.float32)
    z[..., 3] = 1.0  # a dimension that says nothing
    backwards = prepared.users["user_id"].to_numpy().astype(np.str_)[:-1][::-1]
    extra = {"names": ["hobby", "background"]}
    manifest = Manifest("profiles", "c", data_hash or prepared.data_hash, prepared.n_users - 1, extra=extra)
    with writing(folder, manifest, prepared.rows(split)["row_id"].to_numpy()) as draft:
        ProfileVectors(backwards, ("hobby", "background"), z).save(draft)
    return z[::-1]


def test_profiles_become_standardised_vectors(cold: Path, tmp_path: Path) -> None:
    prepared = PreparedData.load(cold)
    z = write_profiles(tmp_path / "profiles", prepared).mean(axis=2)
    expected = np.zeros((prepared.n_users, 2, 4), np.float32)  # the last user has no profile
    expected[:-1, :, :3] = (z - z.mean(axis=0))[..., :3] / z.std(axis=0)[..., :3]
    write_bank(tmp_path / "bank", prepared)
    data = CTRDataModule(
        str(cold), bank=str(tmp_path / "bank"), profiles=str(tmp_path / "profiles"), batch_size=10_000
    )
    names = [field.name for field in data.feature_schema.fields]
    assert names == ["user_id", "item_id", "code_hobby", "code_background", "z_hobby", "z_background"]
    user_of = dict(prepared.events.select("row_id", "user").iter_rows())
    for (batch,) in (data.train_dataloader(), data.test_dataloader()):
        users = [user_of[row] for row in batch.row_id.tolist()]
        for p, column in enumerate((4, 5)):
            vectors = data.feature_schema.fields[column].vectors
            assert vectors is not None
            assert vectors.shape == (prepared.n_users, 4)
            assert np.allclose(vectors[batch.fields[:, column]], expected[users, p], atol=1e-5)


def test_profiles_that_saw_a_judged_row_or_other_data_are_refused(cold: Path, tmp_path: Path) -> None:
    prepared = PreparedData.load(cold)
    write_profiles(tmp_path / "leak", prepared, split=TEST)
    with pytest.raises(InputError, match="leak"):
        CTRDataModule(str(cold), profiles=str(tmp_path / "leak")).setup("fit")
    CTRDataModule(str(cold), profiles=str(tmp_path / "leak"), audit=False).setup("fit")
    write_profiles(tmp_path / "other", prepared, data_hash="other")
    with pytest.raises(InputError, match="made from data other"):
        CTRDataModule(str(cold), profiles=str(tmp_path / "other")).setup("fit")


def write_knowledge(
    folder: Path, prepared: PreparedData, split: str = TRAIN, data_hash: str | None = None, users: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Vectors [U, 5] and [I, 5]; nothing is known of user 1 and of the last item."""
    rng = np.random.default_rng(0)
    vectors = [rng.normal(3, 2, (n, 5)).astype(np.float32) for n in (prepared.n_users, prepared.n_items)]
    vectors[0][1] = vectors[1][-1] = 0
    manifest = Manifest("knowledge", "c", data_hash or prepared.data_hash, prepared.n_users)
    with writing(folder, manifest, prepared.rows(split)["row_id"].to_numpy()) as draft:
        np.save(draft / "users.npy", vectors[0][users:])
        np.save(draft / "items.npy", vectors[1])
    return vectors[0], vectors[1]


def test_knowledge_becomes_standardised_vectors(cold: Path, tmp_path: Path) -> None:
    prepared = PreparedData.load(cold)
    expected = {}
    for side, rows in zip(("user", "item"), write_knowledge(tmp_path / "k", prepared), strict=True):
        known = rows.any(axis=1)
        expected[side] = np.zeros_like(rows)
        expected[side][known] = (rows[known] - rows[known].mean(axis=0)) / rows[known].std(axis=0)
        assert known.sum() == len(rows) - 1
    data = CTRDataModule(str(cold), knowledge=str(tmp_path / "k"), attributes=True, batch_size=10_000)
    fields = data.feature_schema.fields
    assert [field.name for field in fields[:4]] == ["user_id", "item_id", "user_knowledge", "item_knowledge"]
    events = {row["row_id"]: row for row in prepared.events.iter_rows(named=True)}
    for (batch,) in (data.train_dataloader(), data.test_dataloader()):
        for column, side in ((2, "user"), (3, "item")):
            at = [events[row][side] for row in batch.row_id.tolist()]
            vectors = fields[column].vectors
            assert vectors is not None
            assert vectors.shape == (fields[column].size, 5)
            assert np.allclose(vectors[batch.fields[:, column]], expected[side][at], atol=1e-5)
            nobody = np.array(at) == (1 if side == "user" else prepared.n_items - 1)
            assert np.array_equal(batch.fields[:, column].numpy() == 0, nobody)


def test_knowledge_of_judged_rows_or_other_data_is_refused(cold: Path, tmp_path: Path) -> None:
    prepared = PreparedData.load(cold)
    write_knowledge(tmp_path / "leak", prepared, split=VAL)
    with pytest.raises(InputError, match="leak"):
        CTRDataModule(str(cold), knowledge=str(tmp_path / "leak")).setup("fit")
    CTRDataModule(str(cold), knowledge=str(tmp_path / "leak"), audit=False).setup("fit")
    write_knowledge(tmp_path / "other", prepared, data_hash="other")
    with pytest.raises(InputError, match="made from data other"):
        CTRDataModule(str(cold), knowledge=str(tmp_path / "other")).setup("fit")
    write_knowledge(tmp_path / "few", prepared, users=3)
    with pytest.raises(InputError, match=r"users\.npy: a row of numbers for each of 40 users was expected"):
        CTRDataModule(str(cold), knowledge=str(tmp_path / "few")).setup("fit")
    write_profiles(tmp_path / "profiles", prepared)
    with pytest.raises(InputError, match="a 'knowledge' one was expected"):
        CTRDataModule(str(cold), knowledge=str(tmp_path / "profiles")).setup("fit")


def test_attributes_become_fields(cold: Path) -> None:
    prepared = PreparedData.load(cold)
    data = CTRDataModule(str(cold), attributes=True, batch_size=10_000)
    names = [field.name for field in data.feature_schema.fields]
    assert names == ["user_id", "item_id", "user_hobby", "user_background", "item_genres", "item_price_level"]
    (batch,) = data.train_dataloader()
    hobby = dict(prepared.events.join(prepared.users, on="user").select("row_id", "hobby").iter_rows())
    sorted_hobbies = sorted(set(hobby.values()))
    expected = [1 + sorted_hobbies.index(hobby[row]) for row in batch.row_id.tolist()]
    assert batch.fields[:, 2].tolist() == expected


def test_a_missing_attribute_and_one_without_train_row_are_zero(cold: Path, tmp_path: Path) -> None:
    prepared = PreparedData.load(cold)
    warm = prepared.rows(TRAIN)["user"][0]
    strange = prepared.rows(TEST)["user"][0]
    hobby = pl.when(user=strange).then(pl.lit("rare")).when(user=warm).then(None).otherwise(pl.col("hobby"))
    with writing(tmp_path / "data", read_manifest(cold, "prepared")) as draft:
        prepared.events.write_parquet(draft / "events.parquet")
        prepared.items.write_parquet(draft / "items.parquet")
        prepared.users.with_columns(hobby=hobby).write_parquet(draft / "users.parquet")
    data = CTRDataModule(str(tmp_path / "data"), attributes=True, batch_size=10_000)
    assert data.feature_schema.fields[2] == Field("user_hobby", 5)
    user_of = dict(prepared.events.select("row_id", "user").iter_rows())
    for (batch,) in (data.train_dataloader(), data.test_dataloader()):
        for row, value in zip(batch.row_id.tolist(), batch.fields[:, 2].tolist(), strict=True):
            assert (value == 0) == (user_of[row] in (warm, strange))


@pytest.mark.parametrize("split", [VAL, TEST])
def test_a_bank_that_saw_a_judged_row_is_refused(cold: Path, tmp_path: Path, split: str) -> None:
    write_bank(tmp_path, PreparedData.load(cold), split=split)
    with pytest.raises(InputError, match="leak"):
        CTRDataModule(str(cold), bank=str(tmp_path)).setup("fit")
    CTRDataModule(str(cold), bank=str(tmp_path), audit=False).setup("fit")


def test_a_bank_of_other_data_is_refused(cold: Path, tmp_path: Path) -> None:
    write_bank(tmp_path, PreparedData.load(cold), data_hash="other")
    with pytest.raises(InputError, match="made from data other"):
        CTRDataModule(str(cold), bank=str(tmp_path)).setup("fit")


def test_a_bank_with_a_code_out_of_range_is_refused(cold: Path, tmp_path: Path) -> None:
    write_bank(tmp_path, PreparedData.load(cold))
    version = FeatureBank.open(tmp_path).path
    np.save(version / "codes.npy", np.load(version / "codes.npy") + 5)
    forge(version)
    with pytest.raises(InputError, match=r"damaged \(a code that its codebook does not have"):
        CTRDataModule(str(cold), bank=str(tmp_path)).setup("fit")


def test_a_folder_that_is_not_prepared_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no prepared artifact here"):
        CTRDataModule(str(tmp_path)).setup("fit")


def test_an_empty_split_is_refused(cold: Path, tmp_path: Path) -> None:
    prepared = PreparedData.load(cold)
    with writing(tmp_path / "data", replace(prepared.manifest, files={})) as draft:
        prepared.events.filter(pl.col("split") != VAL).write_parquet(draft / "events.parquet")
        prepared.items.write_parquet(draft / "items.parquet")
        prepared.users.write_parquet(draft / "users.parquet")
    with pytest.raises(InputError, match="the split 'val' has no rows"):
        CTRDataModule(str(tmp_path / "data")).setup("fit")


@pytest.mark.parametrize(
    ("batch_size", "seed", "message"), [(0, 0, "batch_size is 0"), (1, -1, "seed is -1")]
)
def test_impossible_settings_are_refused(batch_size: int, seed: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        CTRDataModule("anywhere", batch_size=batch_size, seed=seed)


def test_every_value_fits_its_field(cold: Path, tmp_path: Path) -> None:
    write_bank(tmp_path, PreparedData.load(cold))
    data = CTRDataModule(str(cold), bank=str(tmp_path), attributes=True, batch_size=10_000)
    sizes = torch.tensor([field.size for field in data.feature_schema.fields])
    for (batch,) in (data.train_dataloader(), data.test_dataloader()):
        assert (batch.fields >= 0).all()
        assert (batch.fields < sizes).all()
