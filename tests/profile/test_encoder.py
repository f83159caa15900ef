"""An amortised start: what the encoder may know, what its gradient reaches, what its epochs leave behind."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor
from torch.optim import SGD, Adam

from tests.profile.runner import Run
from userip_lightning.batches import KnownItems
from userip_lightning.errors import InputError
from userip_lightning.pipeline.resume import LastCheckpoint
from userip_lightning.profile.em import e_step
from userip_lightning.profile.encoder import BehaviourEncoder, EncoderStep
from userip_lightning.profile.module import ProfileModule
from userip_lightning.profile.start import embed_start
from userip_lightning.profile.trainer_settings import refuse_epochs

EVERYBODY = torch.arange(40)


def encoder(**settings: object) -> BehaviourEncoder:
    return BehaviourEncoder(**{"rank": 8, "epochs": 2, **settings})


def known(rows: list[tuple[int, int, int]]) -> KnownItems:
    return KnownItems(*torch.tensor(rows, dtype=torch.long).view(-1, 3).unbind(1))


def built(vectors: Tensor, rank: int = 8) -> BehaviourEncoder:
    network = BehaviourEncoder(rank)
    embedding = torch.randn(20, vectors.shape[1], generator=torch.Generator().manual_seed(0))
    network.setup((2, 2, vectors.shape[1]), embedding, vectors.numpy().astype(np.float16), seed=0)
    return network


@pytest.fixture(scope="module")
def learned(prepared: Path, tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> ProfileModule:
    """A run that ended with its encoder's epochs."""
    return Run(prepared, tiny_llama).fit(tmp_path_factory.mktemp("learned"), epochs=2, encoder=encoder())


def test_tastes_are_the_standardised_means_of_liked_and_of_disliked_items() -> None:
    vectors = torch.tensor([[1.0, 0.0], [3.0, 4.0], [0.0, 0.0], [2.0, 2.0]])  # the third has no text
    items = known([(0, 0, 0), (0, 0, 1), (0, 1, 3), (2, 1, 0)])
    # mean of the items with text: (2, 2); mean square deviation: (1 + 4 + 1 + 4 + 0 + 0) / 6
    spread = (10 / 6) ** 0.5
    expected = torch.tensor([[[0, 0], [0, 0]], [[0, 0], [0, 0]], [[0, 0], [-1, -2]]]) / spread
    torch.testing.assert_close(built(vectors).tastes(items, 3), expected)


@pytest.mark.parametrize("rank", [0, 8])
def test_untrained_it_leaves_the_start_as_it_is(rank: int) -> None:
    start = torch.randn(3, 2, 2, 4)
    assert torch.equal(built(torch.randn(5, 4), rank)(start, torch.randn(3, 2, 4)), start)


def test_an_e_step_moves_it_by_the_mean_gradient_of_the_users_whose_loss_is_finite() -> None:
    network = built(torch.randn(5, 4), rank=0)
    z = network(torch.zeros(2, 2, 2, 4), torch.zeros(2, 2, 4))
    leaf = z.detach().requires_grad_()
    slope = torch.tensor([3.0, float("nan")])
    optimizer = EncoderStep(leaf, z, SGD(network.parameters(), lr=1.0))
    step = e_step(leaf, [lambda z: z.flatten(1).sum(1) * slope], optimizer)
    assert step.finite.tolist() == [True, False]
    assert torch.equal(network.shift.detach(), torch.full((2, 2, 4), -1.5))


def test_its_gradient_reaches_all_of_it_and_nothing_of_the_lm(learned: ProfileModule) -> None:
    step = next(iter(learned.data.train_dataloader().dataset.teaching))
    learned.zero_grad()
    z = learned._start_from(step.batch.user, step.known)
    learned._likelihood(z, step.batch).per_token.sum().backward()
    assert all((weight.grad != 0).any() for weight in learned.encoder.parameters())
    assert all(weight.grad is None for weight in learned._likelihood.backbone.parameters())


def test_before_it_learns_users_start_at_their_words(run: Run, tmp_path: Path) -> None:
    plain = run.fit(tmp_path / "a", epochs=1)
    frozen = run.fit(tmp_path / "b", epochs=1, encoder=encoder(epochs=0))
    assert torch.equal(plain.table.z, frozen.table.z)


def test_a_teaching_step_makes_items_likely_that_it_does_not_know(learned: ProfileModule) -> None:
    data = learned.data
    behaviours = data.store.splits["train"]
    users = np.arange(40)
    told, rest = behaviours.divide(users, 3, np.random.default_rng(0))
    every = behaviours.everything(users)
    for user in users:
        own = sorted(every.item[every.user == user])
        first, others = told.item[told.user == user], rest.item[rest.user == user]
        assert len(first) == min(3, max(len(own) // 2, 1))
        assert sorted([*first, *others]) == own
    steps = data.train_dataloader().dataset.teaching
    assert sorted(int(user) for step in steps for user in step.batch.user) == users.tolist()
    assert len(list(steps)) == len(steps)


def test_learning_lowers_the_objective_of_everybody_s_start(run: Run, tmp_path: Path) -> None:
    def nats(module: ProfileModule) -> float:
        steps = list(module.data.train_dataloader().dataset.teaching)
        with torch.no_grad():
            scores = [module._likelihood(module._start(s.batch.user), s.batch).per_token for s in steps]
        return float(torch.cat(scores).mean())

    network = encoder(optimizer=lambda params: Adam(params, lr=0.3))
    untaught = nats(run.fit(tmp_path / "a", epochs=1, encoder=encoder(epochs=1, optimizer=still)))
    assert nats(run.fit(tmp_path / "b", epochs=2, encoder=network)) < untaught - 0.003


def still(parameters: object) -> SGD:
    """An optimizer that moves nothing."""
    return SGD(parameters, lr=0.0)


def test_users_start_their_steps_where_it_puts_them(learned: ProfileModule, run: Run, tmp_path: Path) -> None:
    start = learned._start(EVERYBODY)
    words = embed_start(
        learned.data.start_ids(learned.data.known_items(EVERYBODY.numpy()), 40),
        learned._likelihood.backbone.embedding,
    )
    assert torch.equal(learned.table.z, start)
    assert (start != words).flatten(1).any(1).all()
    moved = run.fit(tmp_path / "c", epochs=3, encoder=encoder())
    assert torch.equal(moved._start(EVERYBODY), start)
    assert (moved.table.z != start).flatten(1).any(1).all()
    assert (moved.table.state.step == 1).all()


def test_validation_judges_its_start_while_it_learns(learned: ProfileModule) -> None:
    users = learned.data.judged_users("val")
    assert torch.equal(learned.judged.users, users)
    assert torch.equal(learned.judged.z, learned._start(users))


def test_another_user_s_data_does_not_reach_a_user_s_start(learned: ProfileModule) -> None:
    users = torch.tensor([3, 7, 20])
    items = learned.data.known_items(users.numpy())
    other = items._replace(item=torch.where(items.user == 1, items.item, items.item.flip(0)))
    with torch.no_grad():
        z, changed = (learned._start_from(users, one) for one in (items, other))
    assert torch.equal(z[1], changed[1])
    assert (z[0] != changed[0]).any()
    torch.testing.assert_close(z, torch.cat([learned._start(user[None]) for user in users]))


class StopAfter(Callback):
    """Ends a run after some epochs."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        trainer.should_stop = trainer.current_epoch == self.epochs - 1


@pytest.mark.parametrize("half", [1, 2])
def test_a_resumed_run_equals_an_uninterrupted_one(run: Run, tmp_path: Path, half: int) -> None:
    whole = run.fit(tmp_path / "whole", epochs=3, encoder=encoder())
    trainer = run.trainer(tmp_path / "half", 3)
    trainer.callbacks = [StopAfter(half), LastCheckpoint()]
    trainer.fit(run.module(encoder=encoder()), datamodule=run.data())
    assert trainer.current_epoch == half
    resumed = run.fit(tmp_path / "rest", epochs=3, ckpt=tmp_path / "half" / "last.ckpt", encoder=encoder())
    assert torch.equal(whole.table.z, resumed.table.z)
    for name, weight in whole.encoder.state_dict().items():
        assert torch.equal(weight, resumed.encoder.state_dict()[name]), name


@pytest.mark.parametrize("inner_steps", [0, 2])
def test_streaming_and_prediction_start_there(run: Run, tmp_path: Path, inner_steps: int) -> None:
    settings = {"schedule": "streaming", "inner_steps": inner_steps}
    module = run.fit(tmp_path / "a", epochs=3, encoder=encoder(), **settings)
    z = torch.from_numpy(module.all_vectors().copy())
    start = module._start(EVERYBODY)
    assert torch.equal(z, start) == (inner_steps == 0)
    folder = module.export(tmp_path / "profiles")
    trained = encoder(epochs=0, weights=str(folder / "encoder.pt"))
    other = run.module(encoder=trained, **settings)
    predicted = torch.cat(run.trainer(tmp_path / "b", 1).predict(other, datamodule=run.data()))
    assert torch.equal(other._start(EVERYBODY), start)
    assert torch.equal(predicted, start) == (inner_steps == 0)
    again = run.fit(tmp_path / "c", epochs=1, encoder=trained, **settings)
    assert torch.equal(again._start(EVERYBODY), start)


def test_streaming_that_was_cut_short_ends_like_one_that_was_not(run: Run, tmp_path: Path) -> None:
    settings = {"schedule": "streaming", "epochs": 3}
    whole = run.fit(tmp_path, encoder=encoder(), **settings).all_vectors().copy()
    shards = sorted((tmp_path / "shards").glob("0*.npy"))
    for shard in shards[1:]:
        shard.unlink()
    resumed = run.fit(tmp_path, encoder=encoder(), **settings)
    assert np.array_equal(resumed.all_vectors(), whole)


@pytest.mark.parametrize(
    ("settings", "epochs", "message"),
    [
        ({"encoder": {"epochs": 3}}, 2, "the encoder alone learns for 3"),
        ({"encoder": {"epochs": 2}, "schedule": "streaming"}, 1, "after the encoder's 2 epochs; set it to 3"),
        ({"encoder": {"weights": "absent.pt"}}, 2, "absent.pt"),
    ],
)
def test_what_cannot_work_is_refused(
    run: Run, tmp_path: Path, settings: dict[str, object], epochs: int, message: str
) -> None:
    network = encoder(**settings.pop("encoder"))
    with pytest.raises(InputError, match=message):
        run.fit(tmp_path, epochs=epochs, encoder=network, **settings)


def test_several_processes_are_refused_while_it_learns() -> None:
    two = SimpleNamespace(max_epochs=3, max_steps=-1, world_size=2)
    with pytest.raises(InputError, match="an encoder learns in one process, not 2"):
        refuse_epochs(two, "staged", 2)
    refuse_epochs(two, "staged", 0)


def test_a_rank_below_zero_is_refused() -> None:
    with pytest.raises(InputError, match=r"profile\.model\.encoder: rank -1"):
        BehaviourEncoder(rank=-1)


def test_joint_takes_no_encoder(run: Run) -> None:
    with pytest.raises(InputError, match="schedule 'joint' builds its prior"):
        run.module(schedule="joint", prior=torch.nn.Identity(), encoder=encoder())


def test_bf16_true_is_refused(run: Run) -> None:
    trainer = Trainer(precision="bf16-true", max_epochs=2, accelerator="cpu", logger=False)
    with pytest.raises(InputError, match="without prior and encoder bf16-true"):
        trainer.fit(run.module(encoder=encoder()), datamodule=run.data())


def test_a_checkpoint_or_weights_of_another_encoder_are_refused(run: Run, tmp_path: Path) -> None:
    folder = run.fit(tmp_path, epochs=2, encoder=encoder()).export(tmp_path / "profiles")
    for other in (encoder(rank=4), None):
        with pytest.raises(InputError, match="another encoder"):
            run.fit(tmp_path / "b", epochs=3, ckpt=tmp_path / "last.ckpt", encoder=other)
    smaller = encoder(rank=4, epochs=0, weights=str(folder / "encoder.pt"))
    with pytest.raises(InputError, match=r"encoder\.pt does not fit"):
        run.fit(tmp_path / "c", epochs=1, encoder=smaller)
