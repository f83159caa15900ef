"""The recommendation loss over the table: what it may know of a label, what it moves, and in a Trainer."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from scipy.sparse import csr_matrix
from scipy.special import softmax
from torch import Tensor

from tests.controls.test_simple import planted
from userip_lightning.bank import FeatureBank
from userip_lightning.catalogue.codebooks import Codebooks
from userip_lightning.catalogue.datamodule import CatalogueDataModule
from userip_lightning.catalogue.em_search import Search, run
from userip_lightning.catalogue.event_model import event_model
from userip_lightning.catalogue.exact_sums import rounded
from userip_lightning.catalogue.joint_em import JointStart
from userip_lightning.catalogue.joint_table import CodeTable
from userip_lightning.catalogue.labelled_rows import Ints, LabelledRows
from userip_lightning.catalogue.module import CatalogueModule
from userip_lightning.catalogue.recommendation import Recommendation, RecommendationTerm
from userip_lightning.data.labels import Implicit, RatingThreshold
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.texts.source import NoText

CLASSES, ITEMS, USERS = 3, 30, 400


def by_chance(explicit: bool, seed: int = 0) -> tuple[csr_matrix, LabelledRows]:
    """A log in which nothing tells a label: fair coins for ratings, or items and negatives drawn alike."""
    rng = np.random.default_rng(seed)
    met = [rng.permutation(ITEMS)[: 2 * rng.integers(1, 5)] for _ in range(USERS)]
    user, item = np.repeat(np.arange(USERS), [len(own) for own in met]), np.concatenate(met)
    label = (
        rng.integers(2, size=item.size) if explicit else np.concatenate([np.arange(len(o)) % 2 for o in met])
    )
    event = item + ITEMS * label if explicit else np.where(label == 1, item, -1)
    logged = event >= 0
    shape = (USERS, ITEMS * (2 if explicit else 1))
    counts = csr_matrix((np.ones(logged.sum()), (user[logged], event[logged])), shape=shape)
    return counts, LabelledRows(np.arange(user.size), user, item, label, event)


def a_table(counts: csr_matrix, explicit: bool, seed: int = 0) -> CodeTable:
    """Classes that differ much."""
    expected = (
        counts.sum()
        / counts.shape[1]
        * np.random.default_rng(seed).dirichlet(np.full(CLASSES, 0.1), counts.shape[1])
    )
    return event_model(explicit, None, CLASSES, 0.5).table(expected, np.full(CLASSES, USERS / CLASSES))


def a_term(explicit: bool, table: CodeTable | None = None, rate: float = 0.03) -> RecommendationTerm:
    counts, rows = by_chance(explicit)
    chosen = Recommendation(users=64, rate=rate, surrogate_rate=0.02)
    term = RecommendationTerm(counts, explicit, rows, CLASSES, None, chosen, 0)
    term.start(a_table(counts, explicit) if table is None else table)
    return term


def descend(term: RecommendationTerm, epochs: int) -> float:
    """The lowest loss of held-out users."""
    torch.manual_seed(0)
    optimizer = term.optimizer()
    for epoch in range(epochs):
        for at, users in enumerate(term.steps(0, USERS, epoch)):
            optimizer.zero_grad()
            torch.autograd.backward(term.total(term.losses(users, (epoch, at))))
            optimizer.step()
        term.judge()
    return float(term.lowest)


@pytest.mark.parametrize("explicit", [True, False])
def test_labels_drawn_at_random_are_not_learned(explicit: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same log is learned at once where rows keep their own events, or negatives all of their user's."""
    chance = np.log(2)
    assert descend(a_term(explicit), 8) > chance - 0.01
    left_out = RecommendationTerm._left_out

    def nothing(term: RecommendationTerm, rows: Ints, rng: np.random.Generator) -> tuple[Ints, Tensor]:
        place, times = left_out(term, rows, rng)
        return place, torch.zeros_like(times)

    monkeypatch.setattr(RecommendationTerm, "_left_out", nothing)
    assert descend(a_term(explicit), 8) < chance - 0.03


def test_the_number_of_events_left_does_not_tell_a_negative(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two classes have half of the items each: a user with many events is in the one that has all."""
    home = np.arange(ITEMS) % 2
    halves = np.stack([np.full(ITEMS, 1.0), 2.0 * home + 1e-3, 2.0 * (1 - home) + 1e-3], axis=1)
    table = CodeTable(np.log(halves), np.log([0.2, 0.4, 0.4]))
    assert descend(a_term(False, table), 8) > np.log(2) - 0.002
    left_out = RecommendationTerm._left_out

    def of_positives(term: RecommendationTerm, rows: Ints, rng: np.random.Generator) -> tuple[Ints, Tensor]:
        place, times = left_out(term, rows, rng)
        return place, times * torch.from_numpy(term.rows.label[rows] == 1)

    monkeypatch.setattr(RecommendationTerm, "_left_out", of_positives)
    assert descend(a_term(False, table), 8) < np.log(2) - 0.005


@pytest.mark.parametrize("explicit", [True, False])
def test_a_row_is_told_by_the_posterior_of_all_other_events(explicit: bool) -> None:
    term = a_term(explicit).eval()
    rows, counts, table = term.rows, term.counts, term.table
    users = np.array([7, 3, 11])
    losses = term._told(users, np.random.default_rng(0))[1].detach().numpy()
    chosen = np.concatenate([np.flatnonzero(rows.user == user) for user in users])
    assert len(losses) == len(chosen)
    code = torch.eye(CLASSES)
    for row, loss in zip(chosen, losses, strict=True):
        if rows.event[row] < 0:
            continue
        others = counts[rows.user[row]].toarray()[0]
        others[rows.event[row]] = 0
        posterior = softmax(others @ table.evidence + table.log_share)
        logit = term.surrogate([code], torch.full((CLASSES,), int(rows.item[row]))).detach().double().numpy()
        bce = np.logaddexp(0, logit) - logit * rows.label[row]
        assert loss == pytest.approx(posterior @ bce, abs=1e-5)


@pytest.mark.parametrize("explicit", [True, False])
def test_it_begins_at_the_table_of_em(explicit: bool) -> None:
    counts, rows = by_chance(explicit)
    model = event_model(explicit, None, CLASSES)
    found = run(Search([JointStart(counts.shape[1], CLASSES, model)], 0), counts).table
    term = RecommendationTerm(counts, explicit, rows, CLASSES, None, Recommendation(), 0)
    assert not term.started
    term.start(found)
    np.testing.assert_allclose(term.table.evidence, found.evidence, atol=1e-4)
    np.testing.assert_allclose(term.table.log_share, found.log_share, atol=1e-5)
    assert term.losses(np.arange(9), (0,))["anchor"].item() == 0


def test_evidence_stays_evidence() -> None:
    for explicit in (True, False):
        term = a_term(explicit, rate=0.3)
        descend(term, 2)
        evidence = term.table.evidence
        if explicit:
            np.testing.assert_allclose(np.exp(np.logaddexp(*np.split(evidence, 2))), 1, atol=1e-5)
        else:
            popularity = np.asarray(term.counts.sum(axis=0)).ravel() + 0.01
            np.testing.assert_allclose(popularity / popularity.sum() @ np.exp(evidence), 1, atol=1e-5)
        assert np.exp(term.table.log_share).sum() == pytest.approx(1, abs=1e-5)
        assert np.abs(evidence - term.begun.numpy()).max() > 0.1


def test_held_out_users_teach_nothing() -> None:
    one, other = a_term(True), a_term(True)
    held = np.isin(other.rows.user, other.held_out)
    assert 0 < held.sum() < held.size / 4
    other.rows = other.rows._replace(label=np.where(held, 1 - other.rows.label, other.rows.label))
    descend(one, 1)
    descend(other, 1)
    assert torch.equal(one.free, other.free)
    assert float(one.lowest) != float(other.lowest)


def test_labels_that_classes_decide_are_learned() -> None:
    counts, rows = by_chance(True)
    taste = np.random.default_rng(1).integers(2, size=USERS)
    label = (rows.item + taste[rows.user]) % 2
    event = rows.item + ITEMS * label
    counts = csr_matrix((np.ones(label.size), (rows.user, event)), shape=counts.shape)
    model = event_model(True, None, CLASSES)
    found = run(Search([JointStart(2 * ITEMS, CLASSES, model)], 0), counts).table
    rows = rows._replace(label=label, event=event)
    term = RecommendationTerm(counts, True, rows, CLASSES, None, Recommendation(users=64), 0)
    term.start(found)
    assert descend(term, 12) < 0.5


def test_users_without_rows_or_events_and_nobody_held_out() -> None:
    """Four users: one has both, one events alone, one a negative alone, one nothing."""
    counts = csr_matrix(([1.0, 1.0, 1.0], ([0, 0, 1], [0, 1, 1])), shape=(4, 3))
    row, item = np.arange(3), np.array([0, 2, 2])
    rows = LabelledRows(row, np.array([0, 0, 2]), item, np.array([1, 0, 0]), np.array([0, -1, -1]))
    term = RecommendationTerm(counts, False, rows, 2, None, Recommendation(), 1)
    term.start(CodeTable(np.log([[1.5, 0.5], [0.5, 1.5], [1.0, 1.0]]), np.log([0.5, 0.5])))
    assert term.held_out.size == 0
    for users in ([0, 1, 2, 3], [1], [2], [3]):
        torch.autograd.backward(term.total(term.losses(np.array(users), (0,))))
        assert all(torch.isfinite(part.grad).all() for part in term.parameters() if part.grad is not None)
    with torch.no_grad():
        term.free[0, 0] += 1
    assert np.isnan(term.judge())
    assert np.abs(term.table.evidence - term.begun.numpy()).max() > 0.1  # the last table is kept


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> PreparedData:
    return planted(tmp_path_factory.mktemp("cache"), Implicit())


class Stop(Callback):
    """Ends a run of many epochs after some of them, as a kill would."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        trainer.should_stop = trainer.current_epoch + 1 >= self.epochs


def trained(
    log: PreparedData,
    folder: Path,
    epochs: int = 12,
    resume: str | None = None,
    weight: float = 1.0,
    planned: int = 12,
) -> tuple[CatalogueModule, Trainer]:
    data = CatalogueDataModule(str(log.path), NoText(), block_users=40)
    settings = Recommendation(weight, epochs=4, users=16)
    module = CatalogueModule({"hobby": 2, "background": 2}, warm=5, race=6, recommendation=settings)
    trainer = Trainer(
        max_epochs=planned,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        default_root_dir=folder,
        callbacks=[Stop(epochs)],
    )
    trainer.fit(module, datamodule=data, ckpt_path=resume)
    return module, trainer


def test_the_bank_holds_the_codes_of_the_moved_table(log: PreparedData, tmp_path: Path) -> None:
    module, trainer = trained(log, tmp_path)
    told = {name: float(value) for name, value in trainer.logged_metrics.items()}
    assert {"catalogue/recommendation", "catalogue/event_nats", "catalogue/recommendation_held_out"} <= set(
        told
    )
    assert np.isfinite(list(told.values())).all()
    assert module.term is not None
    assert np.abs(module.term.evidence - module.term.begun).max() > 0.01
    bank = FeatureBank.open(module.export(tmp_path / "bank"))
    evidence = np.load(bank.path / "evidence.npy")
    moved = rounded(module.term.evidence.double().numpy())
    assert sorted(map(tuple, evidence.T)) == sorted(map(tuple, moved.T))
    seen = set(np.load(bank.path / "rows_seen.npy").tolist())
    assert set(module.term.rows.row_id.tolist()) <= seen
    assert not seen & set(log.judged_rows().tolist())


def test_a_run_that_stops_and_goes_on_ends_like_one_that_does_not(log: PreparedData, tmp_path: Path) -> None:
    whole, _ = trained(log, tmp_path)
    for stopped in (3, 8, 10):  # in EM, at its end, after it
        _, first = trained(log, tmp_path, epochs=stopped)
        first.save_checkpoint(tmp_path / "last.ckpt")
        resumed, _ = trained(log, tmp_path, resume=str(tmp_path / "last.ckpt"))
        assert np.array_equal(resumed.table[0], whole.table[0])
    with pytest.raises(InputError, match=r"made with another recommendation .*'weight': 1\.0"):
        trained(log, tmp_path, resume=str(tmp_path / "last.ckpt"), weight=2.0)
    with pytest.raises(InputError, match=r"made with another number of EM steps \(8 instead of 12\)"):
        trained(log, tmp_path, resume=str(tmp_path / "last.ckpt"), planned=16)


def test_labels_of_an_explicit_log_name_their_events(tmp_path: Path) -> None:
    data = CatalogueDataModule(str(planted(tmp_path, RatingThreshold()).path), NoText())
    data.setup("fit")
    rows, counts = data.labelled_rows(), data.events.counts.sorted_indices()
    assert data.events.explicit
    place = rows.places(counts)
    assert (counts.indices[place] == rows.item + len(data.item_ids) * rows.label).all()
    assert (np.searchsorted(counts.indptr, place, "right") - 1 == rows.user).all()


@pytest.mark.parametrize("broken", [{"weight": 0}, {"epochs": 0}, {"rate": -1}, {"users": 0}, {"anchor": -1}])
def test_settings_that_mean_nothing_are_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="null leaves this loss out"):
        replace(Recommendation(), **broken)


@pytest.mark.parametrize(
    ("codebooks", "epochs", "message"),
    [("additive", 12, "are additive"), ("joint", 4, "leaves none to EM")],
)
def test_additive_codebooks_and_too_few_epochs_are_refused(
    log: PreparedData, codebooks: Codebooks, epochs: int, message: str
) -> None:
    module = CatalogueModule(codebooks=codebooks, recommendation=Recommendation(epochs=4))
    trainer = Trainer(max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False)
    with pytest.raises(InputError, match=message):
        trainer.fit(module, datamodule=CatalogueDataModule(str(log.path), NoText()))


def test_a_gpu_is_refused(log: PreparedData) -> None:
    """Lightning would move the table there, away from the events."""
    data = CatalogueDataModule(str(log.path), NoText())
    data.setup("fit")
    module = CatalogueModule({"hobby": 2, "background": 2}, recommendation=Recommendation(epochs=4))
    strategy = SimpleNamespace(root_device=torch.device("cuda"))
    module._trainer = cast(Any, SimpleNamespace(datamodule=data, max_epochs=12, strategy=strategy))
    with pytest.raises(InputError, match="set accelerator to cpu"):
        module.setup("fit")
