"""Stage 1 through the Trainer, on tiny data with a tiny Llama."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning.pytorch import Trainer
from torch import Tensor, nn
from torch.optim import SGD

from tests.profile.runner import Run
from userip_lightning.artifact import read_manifest
from userip_lightning.batches import RecBatch
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.leak_audit import rows_seen
from userip_lightning.lm.backbone import load_backbone
from userip_lightning.lm.prompt import PromptTemplate
from userip_lightning.lm.source import LMSource
from userip_lightning.profile.em import PriorLoss
from userip_lightning.profile.module import ProfileModule
from userip_lightning.profile.steps import IDLE
from userip_lightning.schema import ProfileVectors


class Pull(nn.Module):
    """A prior that pulls z to one learned point."""

    def __init__(self, at: float = 0.0) -> None:
        super().__init__()
        self.at = at

    def setup(self, z: Tensor, names: tuple[str, ...], n_items: int, seed: int) -> None:
        self.point = nn.Parameter(torch.full(z.shape[1:], self.at))

    def forward(self, z: Tensor, rows: RecBatch) -> PriorLoss:
        assert rows.user.max() < len(z)
        loss = (z - self.point).square().flatten(1).sum(1).mean()
        return PriorLoss(loss, {"pull": loss.detach()})


def test_staged_training_lowers_the_objective_and_exports(run: Run, tmp_path: Path) -> None:
    module, data = run.module(), run.data()
    trainer = run.trainer(tmp_path, 3)
    trainer.fit(module, datamodule=data)
    first = module.table.z.clone()
    assert trainer.callback_metrics["profile/objective"] < 8.0
    trainer.test(module, datamodule=data, verbose=False)
    target = module.export(tmp_path / "profiles")
    manifest = read_manifest(target, "profiles")
    vectors = ProfileVectors.load(target, tuple(manifest.extra["names"]))
    assert vectors.z.shape == (40, 2, 2, 32)
    assert np.array_equal(vectors.z, first.numpy())
    assert vectors.user_ids.tolist() == PreparedData.load(run.prepared).users["user_id"].to_list()
    train = PreparedData.load(run.prepared).rows("train", "support")["row_id"].to_numpy()
    assert np.array_equal(rows_seen(target), np.sort(train))
    held_out = json.loads((target / "profile_eval.json").read_text())
    assert set(held_out) == {"own", "other", "none"}
    assert len(held_out["own"]) == len(held_out["none"]) > 1
    assert all(own != other for own, other in zip(held_out["own"], held_out["other"], strict=True))


def test_every_user_moves_from_his_start(run: Run, tmp_path: Path) -> None:
    module = run.fit(tmp_path, epochs=1)
    start = module._start(torch.arange(40))
    assert (module.table.z != start).flatten(1).any(1).all()


@pytest.mark.parametrize("start", ["words", "random"])
def test_weights_stay_bit_identical_and_out_of_checkpoints(run: Run, tmp_path: Path, start: str) -> None:
    module = run.module(start=start)
    trainer = run.trainer(tmp_path, 2)
    trainer.fit(module, datamodule=run.data())
    fresh = load_backbone(run.lm).state_dict()
    trained = module.likelihood.backbone.state_dict()
    assert all(torch.equal(trained[name], weight) for name, weight in fresh.items())
    saved = torch.load(tmp_path / "last.ckpt", weights_only=True)["state_dict"]
    assert set(saved) == {"table.z", "table.state.step", "table.state.exp_avg", "table.state.exp_avg_sq"}


def test_a_resumed_run_equals_an_uninterrupted_one(run: Run, tmp_path: Path) -> None:
    whole = run.fit(tmp_path / "whole", epochs=4)
    run.fit(tmp_path / "half", epochs=2)
    resumed = run.fit(tmp_path / "rest", epochs=4, ckpt=tmp_path / "half" / "last.ckpt")
    assert torch.equal(whole.table.z, resumed.table.z)


def test_same_seed_same_vectors(run: Run, tmp_path: Path) -> None:
    first, second = (run.fit(tmp_path / name, start="random") for name in "ab")
    other = run.fit(tmp_path / "c", start="random", seed=1)
    assert torch.equal(first.table.z, second.table.z)
    assert not torch.equal(first.table.z, other.table.z)


def test_streaming_keeps_nothing_but_shards(run: Run, tmp_path: Path) -> None:
    module = run.fit(tmp_path, epochs=1, schedule="streaming")
    assert torch.load(tmp_path / "last.ckpt", weights_only=True)["state_dict"] == {}
    assert module.table is None
    assert len(list((tmp_path / "shards").glob("*.npy"))) == 3
    assert module.all_vectors().shape == (40, 2, 2, 32)


@pytest.mark.parametrize("kept", [0, 2])
def test_streaming_that_was_cut_short_ends_like_one_that_was_not(run: Run, tmp_path: Path, kept: int) -> None:
    whole = run.fit(tmp_path, epochs=1, schedule="streaming", inner_steps=2).all_vectors().copy()
    shards = sorted((tmp_path / "shards").glob("0*.npy"))
    before = shards[kept].read_bytes()
    for shard in set(shards) - {shards[kept]}:
        shard.unlink()
    resumed = run.fit(tmp_path, epochs=1, schedule="streaming", inner_steps=2)
    assert shards[kept].read_bytes() == before
    assert np.array_equal(resumed.all_vectors(), whole)


def test_a_process_without_users_predicts_nothing(run: Run, tmp_path: Path) -> None:
    assert run.fit(tmp_path, epochs=1).predict_step(IDLE, 0).shape == (0, 2, 2, 32)


def test_streaming_takes_one_epoch(run: Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"profile\.trainer\.max_epochs: 2"):
        run.fit(tmp_path, epochs=2, schedule="streaming")


def test_an_end_in_steps_is_refused(run: Run, tmp_path: Path) -> None:
    trainer = Trainer(default_root_dir=tmp_path, max_steps=3, accelerator="cpu", logger=False)
    with pytest.raises(InputError, match=r"profile\.trainer\.max_steps: 3"):
        trainer.fit(run.module(), datamodule=run.data())


def test_a_user_whose_loss_is_not_finite_is_named_and_the_others_go_on(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start = ProfileModule._start

    def broken(module: ProfileModule, users: Tensor) -> Tensor:
        return start(module, users).masked_fill((users == 7)[:, None, None, None], float("nan"))

    whole = run.fit(tmp_path / "whole", epochs=1)
    monkeypatch.setattr(ProfileModule, "_start", broken)
    module = run.fit(tmp_path, epochs=1)
    others = torch.arange(40) != 7
    torch.testing.assert_close(module.table.z[others], whole.table.z[others])
    assert module.table.z[7].isnan().all()
    user = module.data.user_id(7)
    (told,) = [line for line in capsys.readouterr().out.splitlines() if "not finite" in line]
    assert told.startswith(f"profile: user {user!r} had a likelihood that is not finite in epoch 1, step ")


@pytest.mark.parametrize(("precision", "schedule"), [("64-true", "staged"), ("bf16-true", "joint")])
def test_a_precision_that_would_reach_the_soft_tokens_is_refused(
    run: Run, precision: str, schedule: str
) -> None:
    settings = {"max_epochs": 1, "accelerator": "cpu", "logger": False, "enable_checkpointing": False}
    prior = Pull() if schedule == "joint" else None
    with pytest.raises(InputError, match=r"use 32-true or bf16-mixed"):
        Trainer(precision=precision, **settings).fit(
            run.module(schedule=schedule, prior=prior), datamodule=run.data()
        )


def test_joint_moves_prior_and_vectors(run: Run, tmp_path: Path) -> None:
    module = run.fit(tmp_path, epochs=2, schedule="joint", prior=Pull(), m_steps=2)
    staged = run.fit(tmp_path / "staged", epochs=2)
    assert (module.prior.point != 0).any()
    assert not torch.equal(module.table.z, staged.table.z)
    target = module.export(tmp_path / "profiles")
    assert set(torch.load(target / "prior.pt", weights_only=True)) == {"point"}


def test_the_prior_moves_in_the_e_step_and_z_by_its_weight(run: Run, tmp_path: Path) -> None:
    joint = {"epochs": 1, "schedule": "joint", "m_steps": 0}
    weightless = run.fit(tmp_path / "a", prior=Pull(), prior_weight=0.0, **joint)
    far = run.fit(tmp_path / "far", prior=Pull(9.0), prior_weight=0.0, **joint)
    weighted = run.fit(tmp_path / "b", prior=Pull(), prior_weight=1.0, **joint)
    assert torch.equal(weightless.table.z, far.table.z)
    assert not torch.equal(weighted.table.z, weightless.table.z)
    assert (weightless.prior.point == 0).all()
    assert (weighted.prior.point != 0).any()


@pytest.mark.parametrize("batch_size", [5, 64])
def test_eq_7_weighs_the_prior_alike_for_z_and_its_own_parameters(
    run: Run, tmp_path: Path, batch_size: int
) -> None:
    """With L_q = mean_u ‖z_u - p‖² and weight w, the gradient is 2w(z_u - p) by a user's z and
    -2w mean_u(z_u - p) by p, whatever the number of users in the batch."""

    def fit(weight: float) -> ProfileModule:
        optimizers = {"optimizer": partial(SGD, lr=0.1), "prior_optimizer": partial(SGD, lr=0.01)}
        module = run.module(schedule="joint", prior=Pull(0.5), prior_weight=weight, m_steps=0, **optimizers)
        trainer = run.trainer(tmp_path / str(weight), 1)
        trainer.limit_train_batches = 1
        trainer.fit(module, datamodule=run.data(batch_size=batch_size))
        return module

    without, module = fit(0.0), fit(0.25)
    start, point = module._start(torch.arange(len(module.table.z))), torch.full_like(module.prior.point, 0.5)
    pull = (module.table.z - without.table.z).flatten(1).norm(dim=1) > 0
    assert pull.sum() == min(batch_size, 40)
    force = 0.25 * 2 * (start[pull] - point)
    torch.testing.assert_close((module.table.z - without.table.z)[pull], -0.1 * force, atol=1e-6, rtol=1e-3)
    torch.testing.assert_close(module.prior.point - point, 0.01 * force.mean(0), atol=1e-6, rtol=1e-3)


def test_eq_7_gradients_reach_what_they_should(run: Run, tmp_path: Path) -> None:
    """L_lm reaches z alone; the prior reaches z and its own parameters; nothing reaches the LM."""
    module = run.fit(tmp_path, epochs=1, schedule="joint", prior=Pull(), m_steps=0)
    batch = next(iter(module.data.train_dataloader())).batch
    for weight, reaches_prior in ((0.0, False), (1.0, True)):
        module.zero_grad()
        z = module.table.z[batch.user].requires_grad_()
        nats = module._likelihood(z, batch).per_token
        (nats + weight * module.prior(z, batch.rows).loss).sum().backward()
        assert (z.grad.flatten(1).norm(dim=1) > 0).all()
        assert bool((module.prior.point.grad != 0).any()) == reaches_prior
        assert all(w.grad is None for w in module._likelihood.backbone.parameters())


@pytest.mark.parametrize(("schedule", "prior"), [("joint", None), ("staged", Pull()), ("streaming", Pull())])
def test_a_prior_belongs_to_joint(schedule: str, prior: nn.Module | None) -> None:
    with pytest.raises(InputError, match=r"profile\.model\.prior"):
        ProfileModule(schedule=schedule, prior=prior)


def test_a_checkpoint_of_another_prompt_is_refused(run: Run, tmp_path: Path) -> None:
    run.fit(tmp_path, epochs=1)
    with pytest.raises(InputError, match="another prompt"):
        run.fit(
            tmp_path / "b",
            epochs=2,
            ckpt=tmp_path / "last.ckpt",
            prompt=PromptTemplate(soft_tokens=2, liked=" Hm"),
        )


def test_a_checkpoint_of_another_lm_is_refused(run: Run, tiny_gpt2: Path, tmp_path: Path) -> None:
    run.fit(tmp_path, epochs=1)
    with pytest.raises(InputError, match="another language model"):
        run.fit(tmp_path / "b", epochs=2, ckpt=tmp_path / "last.ckpt", lm=LMSource(str(tiny_gpt2)))
