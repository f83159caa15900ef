"""Stage 2 through the real Trainer on planted users: recovery, repeatability, export."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from sklearn.metrics import adjusted_rand_score

from tests.quantize.conftest import USERS, Planted
from userip_lightning.bank import FeatureBank
from userip_lightning.errors import InputError
from userip_lightning.leak_audit import rows_seen
from userip_lightning.quantize.module import QuantizeModule

Plant = Callable[..., Planted]


def trainer(
    folder: Path, epochs: int, checkpoints: bool = False, callbacks: list[Callback] | None = None
) -> Trainer:
    return Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        default_root_dir=folder,
        enable_checkpointing=checkpoints,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        callbacks=callbacks,
    )


def fitted(planted: Planted, folder: Path, module: QuantizeModule, epochs: int = 3) -> QuantizeModule:
    trainer(folder, epochs).fit(module, planted.datamodule())
    return module


def recovery(planted: Planted, module: QuantizeModule) -> float:
    """Adjusted Rand index of the planted classes, 1 when recovered and about 0 by chance."""
    return float(adjusted_rand_score(planted.latent, module.codes[:, 0].numpy()))


def test_straight_through_finds_generous_users_from_random_soft_tokens(plant: Plant, tmp_path: Path) -> None:
    planted = plant(taste=False)
    found = fitted(planted, tmp_path, QuantizeModule({"hobby": 2}, code_dim=4), epochs=12)
    assert recovery(planted, found) > 0.8
    fixed = fitted(planted, tmp_path, QuantizeModule({"hobby": 2}, code_dim=4, e_step="none"))
    assert recovery(planted, fixed) < 0.1


def test_users_that_may_not_move_stay_where_stage_one_left_them(plant: Plant, tmp_path: Path) -> None:
    planted = plant()
    module = fitted(planted, tmp_path, QuantizeModule({"hobby": 3}, e_step="none"))
    z = torch.from_numpy(np.array(module.data.profiles.z))
    assert torch.equal(module.users.weight, module.quantizer.space(z).flatten(1))


def test_the_anchor_holds_users(plant: Plant, tmp_path: Path) -> None:
    planted, distance = plant(), {}
    for anchor in (0.0, 1000.0):
        module = fitted(planted, tmp_path, QuantizeModule({"hobby": 2}, anchor=anchor))
        z = torch.from_numpy(np.array(module.data.profiles.z))
        v_0 = module.quantizer.space(z).flatten(1)
        distance[anchor] = float((module.users.weight.detach() - v_0).square().mean())
    assert distance[1000.0] < 0.1 * distance[0.0]


def test_the_same_seed_gives_the_same_bits(plant: Plant, tmp_path: Path) -> None:
    planted = plant()
    one, two = (fitted(planted, tmp_path, QuantizeModule({"hobby": 3}, seed=5)) for _ in range(2))
    assert same_bits(one, two)
    assert not same_bits(one, fitted(planted, tmp_path, QuantizeModule({"hobby": 3}, seed=6)))


class Stop(Callback):
    """Ends a run after an epoch, as a kill after its checkpoint would."""

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        trainer.should_stop = trainer.current_epoch == 1


def test_a_resumed_run_equals_an_uninterrupted_one(plant: Plant, tmp_path: Path) -> None:
    planted = plant(names=("hobby", "background"))
    sizes = {"hobby": 4, "background": 3}
    whole = fitted(planted, tmp_path, QuantizeModule(sizes), epochs=4)
    first = trainer(tmp_path / "first", 4, checkpoints=True, callbacks=[Stop()])
    first.fit(QuantizeModule(sizes), planted.datamodule())
    assert first.current_epoch == 2
    resumed = QuantizeModule(sizes)
    checkpoint = next((tmp_path / "first").rglob("*.ckpt"))
    trainer(tmp_path, 4).fit(resumed, planted.datamodule(), ckpt_path=checkpoint)
    assert same_bits(whole, resumed)


def same_bits(one: QuantizeModule, two: QuantizeModule) -> bool:
    pairs = zip(one.state_dict().items(), two.state_dict().items(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


def test_codebooks_stand_still_in_the_last_epochs(plant: Plant, tmp_path: Path) -> None:
    books: list[torch.Tensor] = []

    class Watch(Callback):
        def on_train_epoch_end(self, trainer: Trainer, pl_module: QuantizeModule) -> None:
            books.append(pl_module.quantizer.books()[0].embedding.detach().clone())

    module = QuantizeModule({"hobby": 3}, freeze_fraction=0.5)
    trainer(tmp_path, 4, callbacks=[Watch()]).fit(module, plant().datamodule())
    assert not torch.equal(books[0], books[1])
    assert torch.equal(books[1], books[2])
    assert torch.equal(books[2], books[3])


def test_every_epoch_is_watched(plant: Plant, tmp_path: Path) -> None:
    run = trainer(tmp_path, 2)
    run.fit(QuantizeModule({"hobby": 3}), plant().datamodule())
    terms = ("codebook", "commitment", "recommendation", "anchor", "val_recommendation")
    expected = {f"quantize/{t}" for t in terms} | {
        f"codes/hobby/{x}" for x in ("usage_min", "perplexity", "flips")
    }
    assert set(run.callback_metrics) == expected
    assert 1 / 3 <= run.callback_metrics["codes/hobby/perplexity"] <= 1


def test_the_bank_holds_the_nearest_codes(plant: Plant, tmp_path: Path) -> None:
    planted = plant(names=("hobby", "background"))
    module = fitted(planted, tmp_path, QuantizeModule({"background": 3, "hobby": 4}))
    folder = module.export(tmp_path / "bank")
    bank = FeatureBank.open(tmp_path / "bank")
    v = module.users.weight.detach().view(USERS, 2, -1)
    books = module.quantizer.books()
    assert [book.size for book in books] == [4, 3]  # in the order of the profiles, not of the sizes
    nearest = [((v[:, p, None] - b.embedding) ** 2).sum(2).argmin(1).numpy() for p, b in enumerate(books)]
    assert np.array_equal(bank.lookup(module.data.profiles.user_ids), np.stack(nearest, 1))
    assert np.array_equal(rows_seen(folder), module.data.rows_seen)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["kind"], manifest["lm"], manifest["users"]) == ("bank", "tiny", USERS)


def test_an_unused_code_is_not_exported_unless_asked(plant: Plant, tmp_path: Path) -> None:
    module = fitted(plant(), tmp_path, QuantizeModule({"hobby": 3}))
    with torch.no_grad():
        module.quantizer.books()[0].embedding[1] = 1e6
    with pytest.raises(InputError, match=r"codes \[1\] of 3 have no user"):
        module.export(tmp_path / "bank")
    assert not (tmp_path / "bank").exists()
    module.allow_unused = True
    module.export(tmp_path / "bank")
    assert FeatureBank.open(tmp_path / "bank").info()


def test_a_dead_code_is_brought_back(plant: Plant, tmp_path: Path) -> None:
    class Kill(Callback):
        def on_train_epoch_start(self, trainer: Trainer, pl_module: QuantizeModule) -> None:
            if trainer.current_epoch == 0:
                with torch.no_grad():
                    pl_module.quantizer.books()[0].embedding[1] = 1e6

    for reseed in (True, False):
        module = QuantizeModule({"hobby": 3}, reseed_dead=reseed)
        trainer(tmp_path, 4, callbacks=[Kill()]).fit(module, plant().datamodule())
        assert bool((torch.bincount(module.codes[:, 0], minlength=3) > 0).all()) is reseed


def test_more_codes_than_users_is_refused(plant: Plant, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"{USERS + 1} codes for {USERS} users"):
        fitted(plant(), tmp_path, QuantizeModule({"hobby": USERS + 1}))


def test_sizes_of_other_profiles_are_refused(plant: Plant, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sizes: keys \['mood'\], expected one per profile, \['hobby'\]"):
        fitted(plant(), tmp_path, QuantizeModule({"mood": 2}))


def test_users_outside_training_can_be_coded(plant: Plant, tmp_path: Path) -> None:
    module = fitted(plant(), tmp_path, QuantizeModule({"hobby": 3}, e_step="none"))
    z = torch.from_numpy(np.array(module.data.profiles.z))
    assert torch.equal(module.assign(z), module.codes)
