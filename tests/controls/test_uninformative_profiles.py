"""z of other users, and noise in its place."""

from collections.abc import Callable

import numpy as np
import pytest
from lightning.pytorch import Trainer
from sklearn.metrics import adjusted_rand_score

from tests.quantize.conftest import Planted, plant, write_profiles
from userip_lightning.bank import FeatureBank
from userip_lightning.controls import uninformative_profiles as z_controls
from userip_lightning.controls.uninformative_profiles import Z, replaced
from userip_lightning.data.derangement import cycle
from userip_lightning.errors import InputError
from userip_lightning.quantize.datamodule import QuantizeDataModule
from userip_lightning.quantize.module import QuantizeModule
from userip_lightning.schema import ProfileVectors

__all__ = ["plant"]  # the fixture
Plant = Callable[..., Planted]


@pytest.fixture
def profiles() -> ProfileVectors:
    rng = np.random.default_rng(3)
    z = rng.normal(rng.normal(size=(2, 1, 6)), rng.uniform(0.1, 2.0, (2, 1, 6)), (4000, 2, 1, 6))
    ids = np.array([f"u{u}" for u in range(4000)])
    return ProfileVectors(ids, ("hobby", "background"), z.astype(np.float32))


def of_user(profiles: ProfileVectors) -> dict[str, bytes]:
    return {str(user): z.tobytes() for user, z in zip(profiles.user_ids, profiles.z, strict=True)}


@pytest.mark.parametrize("count", [2, 3, 50])
def test_a_cycle_leaves_nobody_in_place_and_nobody_out(count: int) -> None:
    other = cycle(count, np.random.default_rng(0))
    assert sorted(other) == list(range(count))
    assert not (other == np.arange(count)).any()


def test_permuted_profiles_are_all_there_each_with_another_user(profiles: ProfileVectors) -> None:
    own, other = of_user(profiles), of_user(replaced(profiles, "permuted", 0))
    assert sorted(own) == sorted(other)
    assert sorted(own.values()) == sorted(other.values())
    assert not any(own[user] == other[user] for user in own)


def test_own_profiles_are_left_alone_and_permuted_ones_not_copied(profiles: ProfileVectors) -> None:
    assert replaced(profiles, "own", 0) is profiles
    assert replaced(profiles, "permuted", 0).z is profiles.z


def test_noise_has_mean_and_spread_of_every_coordinate_and_nothing_else(
    profiles: ProfileVectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(z_controls, "_BLOCK", 1500)  # the last block is smaller
    noise = replaced(profiles, "noise", 0)
    assert noise.z.dtype == np.float32
    assert noise.user_ids is profiles.user_ids
    spread = profiles.z.std(axis=0)
    np.testing.assert_allclose((noise.z.mean(axis=0) - profiles.z.mean(axis=0)) / spread, 0, atol=0.06)
    np.testing.assert_allclose(noise.z.std(axis=0) / spread, 1, atol=0.05)
    for own, drawn in zip(profiles.z.reshape(4000, -1).T, noise.z.reshape(4000, -1).T, strict=True):
        assert abs(np.corrcoef(own, drawn)[0, 1]) < 0.06


@pytest.mark.parametrize("z", ["permuted", "noise"])
def test_each_seed_draws_its_own(profiles: ProfileVectors, z: Z) -> None:
    drawn = [of_user(replaced(profiles, z, seed)) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_one_user_cannot_be_permuted(profiles: ProfileVectors) -> None:
    one = ProfileVectors(profiles.user_ids[:1], profiles.names, profiles.z[:1])
    with pytest.raises(InputError, match="permuted_z: the profiles have one user, and at least two"):
        replaced(one, "permuted", 0)


@pytest.mark.parametrize("z", ["permuted", "noise"])
def test_rows_stay_with_their_users(plant: Plant, z: Z) -> None:
    planted = plant()
    found = []
    for whose in ("own", z):
        module = QuantizeDataModule(str(planted.prepared), str(planted.profiles), z=whose)
        module.setup("fit")
        ids = module.profiles.user_ids
        batches = [*module.train_dataloader(), *module.val_dataloader()[0]]
        rows = [
            zip(ids[batch.user], batch.item.tolist(), batch.label.tolist(), strict=True) for batch in batches
        ]
        found.append([sorted(batch) for batch in rows])
    assert found[0] == found[1]


def test_codes_tell_planted_classes_from_own_z_alone(plant: Plant, tmp_path) -> None:
    planted = plant()
    module = planted.datamodule()
    module.setup("fit")
    ids, rows = module.profiles.user_ids.tolist(), module.rows_seen
    z = (
        np.random.default_rng(0).normal(size=module.profiles.z.shape) * 0.1
        + planted.latent[:, None, None, None]
    )
    write_profiles(planted.profiles, ids, ("hobby",), z.astype(np.float32), rows)
    found = {}
    for whose in ("own", "permuted", "noise"):
        data = QuantizeDataModule(str(planted.prepared), str(planted.profiles), z=whose)
        stage = QuantizeModule({"hobby": 2}, e_step="none")
        quiet = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
        Trainer(max_epochs=1, accelerator="cpu", logger=False, **quiet).fit(stage, datamodule=data)
        codes = FeatureBank.open(stage.export(tmp_path / whose)).lookup(np.array(ids))
        found[whose] = adjusted_rand_score(planted.latent, codes[:, 0])
    assert found["own"] > 0.95
    assert abs(found["permuted"]) < 0.15
    assert abs(found["noise"]) < 0.15
