"""Codes that a person steers: anchored to words, and merged."""

from pathlib import Path

import numpy as np
import pytest
from lightning.pytorch import Callback, Trainer

from tests.data.test_controls import planted
from userip_lightning.bank import FeatureBank
from userip_lightning.catalogue.anchors import anchored_events, find_anchors
from userip_lightning.catalogue.code_table import CodeTable
from userip_lightning.catalogue.merging import merged_codes, merged_sizes, merged_table
from userip_lightning.catalogue.module import CatalogueModule
from userip_lightning.catalogue.steering import Steering
from userip_lightning.catalogue.text_reader import WordReader
from userip_lightning.catalogue.text_source import NoText
from userip_lightning.data.catalogue_datamodule import CatalogueDataModule
from userip_lightning.data.labels import Implicit, RatingThreshold
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.serving.profiler import Profiler

SIZES = {"hobby": 4, "background": 3}
WORDS = "astronomy comet stellar"


@pytest.fixture(scope="module", params=[Implicit(), RatingThreshold()], ids=["implicit", "explicit"])
def log(request, tmp_path_factory: pytest.TempPathFactory) -> PreparedData:
    return planted(tmp_path_factory.mktemp("cache"), request.param)


class StopAfter(Callback):
    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_train_epoch_end(self, trainer: Trainer, pl_module: CatalogueModule) -> None:
        trainer.should_stop = trainer.should_stop or trainer.current_epoch + 1 >= self.epochs


def fitted(
    log: PreparedData, folder: Path, epochs: int = 16, resume=None, text=None, stop: int = 99, **settings
):
    given = {} if text is None else {"text": text}
    data = CatalogueDataModule(str(log.path), columns=["title", "genres"], block_users=40, **given)
    module = CatalogueModule(SIZES, warm=5, race=8, **settings)
    trainer = Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_progress_bar=False,
        enable_model_summary=False, enable_checkpointing=False, default_root_dir=folder,
        callbacks=[StopAfter(stop)],
    )  # fmt: skip
    trainer.fit(module, datamodule=data, ckpt_path=resume)
    return module, trainer


def share_of_topic(module: CatalogueModule, log: PreparedData, code: int) -> float:
    """Of the events of users with a hobby code, how many are about astronomy."""
    counts = module.data.events.counts
    users = module._codes(module.table, counts)[:, 0] == code
    liked = counts[:, -len(log.items) :][users].sum(axis=0)
    about = (log.items["genres"] == "astronomy").to_numpy()
    return float(np.asarray(liked).ravel()[about].sum() / max(liked.sum(), 1))


@pytest.mark.parametrize("code", [0, 3])
def test_an_anchored_code_gets_the_users_of_its_words(log: PreparedData, tmp_path: Path, code: int) -> None:
    anchored, _ = fitted(log, tmp_path, steering=Steering(anchors={"hobby": {code: WORDS}}))
    plain, _ = fitted(log, tmp_path)
    assert share_of_topic(anchored, log, code) > 0.4  # a quarter of the items are about it
    if not anchored.data.events.explicit:  # there most users rate all topics
        assert share_of_topic(plain, log, code) < 0.4 or code == 3
        assert share_of_topic(anchored, log, code) > 0.7
    bank = FeatureBank.open(anchored.export(tmp_path / "bank"))
    profiler = Profiler.load(bank.path)
    about = log.items.filter(genres="astronomy")["item_id"].to_list()
    state = profiler.start()
    for item in about[:6]:
        profiler.update(state, item)
    assert profiler.code(state)[0] == code


def test_a_stronger_anchor_says_more_of_its_items(log: PreparedData, tmp_path: Path) -> None:
    about = log.items["title"].str.contains("Comet").to_numpy()  # no class of users stands for these alone
    said = []
    for strength in (1e-6, 0.5, 2.0):
        steering = Steering(anchors={"hobby": {1: "comet"}}, strength=strength)
        module, _ = fitted(log, tmp_path, steering=steering)
        liked = module.table.evidence[-len(about) :].reshape(-1, 4, 3)[:, 1].mean(axis=1)
        said.append(liked[about].mean() - liked[~about].mean())
    assert min(said[1:]) > said[0] + 0.1


def test_an_anchored_run_that_stops_and_goes_on_ends_like_one_that_does_not(
    log: PreparedData, tmp_path: Path
) -> None:
    steering = Steering(anchors={"background": {2: WORDS}})
    whole, _ = fitted(log, tmp_path / "whole", steering=steering)
    for stopped in (7, 8, 11):  # before the anchors come, when they come, after
        _, first = fitted(log, tmp_path / "first", stop=stopped, steering=steering)
        first.save_checkpoint(tmp_path / "last.ckpt")
        resumed, _ = fitted(log, tmp_path / "second", resume=str(tmp_path / "last.ckpt"), steering=steering)
        assert np.array_equal(resumed.table.evidence, whole.table.evidence)
    with pytest.raises(InputError, match="checkpoint: made with another anchors"):
        fitted(log, tmp_path / "other", resume=str(tmp_path / "last.ckpt"))


def test_anchor_events_are_as_many_as_the_strength_says() -> None:
    vectors = np.eye(4)
    reader = WordReader({"comet": 0, "roses": 1}, np.ones(2), np.eye(4)[:, :2])
    popularity = np.array([10.0, 10.0, 20.0, 0.0])
    steering = Steering(anchors={"hobby": {2: "comet"}}, strength=0.5)
    anchors = find_anchors(steering, SIZES, popularity, vectors, [reader])
    more = anchored_events(anchors, 12).reshape(4, 4, 3)
    assert more.sum() == pytest.approx(0.5 * 40 / 4)
    assert (more[:, [0, 1, 3]] == 0).all()
    np.testing.assert_allclose(more[:, 2], more[:, 2, :1].repeat(3, axis=1))
    assert more[:, 2, 0].argmax() == 0
    (rated,) = find_anchors(steering, SIZES, np.concatenate([2 * popularity, popularity]), vectors, [reader])
    disliked, liked = np.split(rated.events, 2)
    np.testing.assert_allclose(liked, more[:, 2].sum(axis=1))
    assert disliked.sum() == pytest.approx(2 * liked.sum())
    assert disliked[0] < disliked[1]


def test_merged_codes_are_one_in_table_bank_and_codes(log: PreparedData, tmp_path: Path) -> None:
    plain, _ = fitted(log, tmp_path)
    merged, _ = fitted(log, tmp_path, steering=Steering(merge={"hobby": [[1, 3]]}))
    bank = FeatureBank.open(merged.export(tmp_path / "bank"))
    assert dict(zip(bank.names, bank.sizes, strict=True)) == {"hobby": 3, "background": 3}
    counts = merged.data.events.counts
    before, after = plain._codes(plain.table, counts), merged._codes(merged.table, counts)
    new = np.array([0, 1, 2, 1])[before[:, 0]]
    assert np.mean(new == after[:, 0]) > 0.85
    assert bank.manifest.extra["new_items"] == {
        "refused": "its codes were merged, and the prior does not follow"
    }


def test_of_one_event_a_merged_table_says_what_its_classes_said() -> None:
    rng = np.random.default_rng(0)
    share = rng.dirichlet(np.ones(12))
    given = rng.dirichlet(np.ones(12), size=5)  # p(c | e)
    popularity = np.full(5, 0.2)
    alone = popularity @ given
    table = CodeTable(np.log(given) - np.log(share), np.log(share))
    assert not np.allclose(alone, share)
    after = merged_table(table, SIZES, {"hobby": [[0, 2]], "background": [[1, 2]]})
    assert after.evidence.shape == (5, 6)
    posterior = np.exp(table.evidence + table.log_share).reshape(5, 4, 3)
    expected = np.stack([posterior[:, 0] + posterior[:, 2], posterior[:, 1], posterior[:, 3]], axis=1)
    expected = np.stack([expected[..., 0], expected[..., 1] + expected[..., 2]], axis=2).reshape(5, 6)
    np.testing.assert_allclose(np.exp(after.evidence + after.log_share), expected)
    np.testing.assert_allclose(np.exp(after.log_share).sum(), 1.0)


def test_codes_after_a_merged_one_move_up() -> None:
    assert merged_codes(SIZES, {"hobby": [[1, 2]]}) == {"hobby": [0, 1, 1, 2], "background": [0, 1, 2]}
    assert merged_sizes(SIZES, {"hobby": [[0, 3], [1, 2]]}) == {"hobby": 2, "background": 3}
    assert merged_sizes(SIZES, {}) == SIZES


@pytest.mark.parametrize(
    ("steering", "told"),
    [
        (Steering(anchors={"hobbies": {0: "x"}}), "no profile 'hobbies'; there are hobby, background"),
        (Steering(anchors={"hobby": {4: "x"}}), r"anchors\.hobby: no code 4; there are 0 to 3"),
        (Steering(anchors={"hobby": {1: " "}}), r"anchors\.hobby\.1: no words given"),
        (Steering(anchors={"hobby": {1: "x"}}, strength=0), "strength: 0 given"),
        (Steering(merge={"hobby": [[1, 9]]}), r"merge\.hobby: no code 9"),
        (Steering(merge={"hobby": [[1]]}), "groups of two or more"),
        (Steering(merge={"hobby": [[1, 2], [2, 3]]}), "each code in one group"),
        (Steering(anchors={"hobby": {1: "x"}}, merge={"hobby": [[1, 2]]}), "names an anchored code"),
    ],
)
def test_what_cannot_be_steered_is_refused(steering: Steering, told: str) -> None:
    with pytest.raises(InputError, match=told):
        CatalogueModule(SIZES, steering=steering)


def test_anchors_need_texts_they_can_be_compared_with(log: PreparedData, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"set catalogue\.data\.text"):
        fitted(log, tmp_path, text=NoText(), steering=Steering(anchors={"hobby": {0: "comet"}}))
    with pytest.raises(InputError, match=r"none of the words in 'zzyzx' occurs"):
        fitted(log, tmp_path, steering=Steering(anchors={"hobby": {0: "zzyzx"}}))
    with pytest.raises(InputError, match="anchors begin after step 8"):
        fitted(log, tmp_path, epochs=8, steering=Steering(anchors={"hobby": {0: "comet"}}))
