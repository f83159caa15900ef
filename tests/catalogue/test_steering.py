"""Codes that a person steers: anchored to words, and merged."""

from pathlib import Path

import numpy as np
import pytest
from lightning.pytorch import Callback, Trainer

from tests.controls.test_simple import planted
from userip_lightning.bank import FeatureBank
from userip_lightning.catalogue.anchors import Anchor, anchored_order, anchored_weight, find_anchors
from userip_lightning.catalogue.datamodule import CatalogueDataModule
from userip_lightning.catalogue.joint_table import CodeTable
from userip_lightning.catalogue.merging import merged_codes, merged_sizes, merged_table
from userip_lightning.catalogue.module import CatalogueModule
from userip_lightning.catalogue.steering import Steering
from userip_lightning.data.labels import Implicit, RatingThreshold
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.refresh.matching import matched
from userip_lightning.texts.joined import joined_texts
from userip_lightning.texts.source import NoText

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
    log: PreparedData,
    folder: Path,
    epochs: int = 16,
    more: int = 0,
    resume=None,
    text=None,
    stop: int = 99,
    permute_text: bool = False,
    **settings,
):
    given = {} if text is None else {"text": text}
    data = CatalogueDataModule(
        str(log.path), columns=["title", "genres"], block_users=40, permute_text=permute_text, **given
    )
    module = CatalogueModule(SIZES, warm=5, race=8, **settings)
    trainer = Trainer(
        max_epochs=epochs + more,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        default_root_dir=folder,
        callbacks=[StopAfter(stop)],
    )
    trainer.fit(module, datamodule=data, ckpt_path=resume)
    return module, trainer


def users_of(module: CatalogueModule, profile: int, code: int) -> np.ndarray:
    """[U] who have a code."""
    return module._codes(module.table, module.data.events.counts)[:, profile] == code


def share_about(module: CatalogueModule, users: np.ndarray, words: str) -> float:
    """Of what users liked, how much has one of the words."""
    liked = np.asarray(module.data.events.positives()[users].sum(axis=0)).ravel()
    about = np.array([bool(set(words.split()) & set(text.lower().split())) for text in module.data.texts])
    return float(liked[about].sum() / max(liked.sum(), 1))


@pytest.mark.parametrize("code", [0, 3])
def test_an_anchored_code_gets_the_users_of_its_words(log: PreparedData, tmp_path: Path, code: int) -> None:
    explicit = log.events.filter(split="train", logged=True)["label"].n_unique() == 2
    steering = Steering(anchors={"hobby": {code: WORDS}}, strength=4.0 if explicit else 1.0)
    anchored, _ = fitted(log, tmp_path, more=10, steering=steering)
    of_code = [users_of(anchored, 0, other) for other in range(4)]
    about = [share_about(anchored, users, WORDS) for users in of_code]
    assert about[code] == max(about)
    assert about[code] > 0.5  # a quarter of the items are about it
    assert of_code[code].sum() >= 15  # of 150 users


def test_a_stronger_anchor_says_more_of_its_items(log: PreparedData, tmp_path: Path) -> None:
    about = log.items["title"].str.contains("Comet").to_numpy()  # no class of users stands for these alone
    said = []
    for strength in (1e-6, 0.5, 2.0):
        steering = Steering(anchors={"hobby": {1: "comet"}}, strength=strength)
        module, _ = fitted(log, tmp_path, more=10, steering=steering)
        liked = module.table.evidence[-len(about) :].reshape(-1, 4, 3).mean(axis=2)
        apart = liked[about].mean(axis=0) - liked[~about].mean(axis=0)
        said.append(apart[1] - apart[[0, 2, 3]].mean())
    assert said[0] < said[1] < said[2]
    assert said[2] > said[0] + 0.3


def test_words_that_weigh_nothing_change_numbers_alone(log: PreparedData, tmp_path: Path) -> None:
    plain, _ = fitted(log, tmp_path, epochs=26)
    steering = Steering(anchors={"hobby": {0: WORDS}}, strength=1e-9)
    anchored, _ = fitted(log, tmp_path, more=10, steering=steering)
    counts = plain.data.events.counts
    was, now = plain._codes(plain.table, counts), anchored._codes(anchored.table, counts)
    place = matched(was[:, 0], now[:, 0], 4)
    assert np.mean(place[was[:, 0]] == now[:, 0]) > 0.9


def test_an_anchored_run_that_stops_and_goes_on_ends_like_one_that_does_not(
    log: PreparedData, tmp_path: Path
) -> None:
    steering = Steering(anchors={"background": {2: WORDS}}, steps=4)
    whole, _ = fitted(log, tmp_path / "whole", more=4, steering=steering)
    for stopped in (7, 16, 18):  # before the anchors come, when they come, after
        _, first = fitted(log, tmp_path / "first", more=4, stop=stopped, steering=steering)
        first.save_checkpoint(tmp_path / "last.ckpt")
        resumed, _ = fitted(
            log, tmp_path / "second", more=4, resume=str(tmp_path / "last.ckpt"), steering=steering
        )
        assert np.array_equal(resumed.table.evidence, whole.table.evidence)
    with pytest.raises(InputError, match="checkpoint: made with another anchors"):
        fitted(log, tmp_path / "other", more=4, resume=str(tmp_path / "last.ckpt"))
    with pytest.raises(InputError, match=r"another number of EM steps \(20 instead of 24\)"):
        fitted(log, tmp_path / "other", more=8, resume=str(tmp_path / "last.ckpt"), steering=steering)


def test_an_item_is_as_near_as_its_words_are() -> None:
    texts = ["stellar comet", "stellar roses", "mossy roses", "comet"]
    (anchor,) = find_anchors(Steering(anchors={"hobby": {2: "comet"}}), list(SIZES), texts)
    assert (anchor.profile, anchor.code) == (0, 2)
    assert anchor.near.argmax() == 3
    assert anchor.near[3] == 1
    assert anchor.near[[1, 2]].tolist() == [0, 0]
    weight = anchored_weight([anchor], 0.5, SIZES).reshape(4, 4, 3)
    assert weight[3, 2].tolist() == [0.5, 0.5, 0.5]
    assert (weight[:, [0, 1, 3]] == 0).all()


def test_codes_change_numbers_as_wholes() -> None:
    near, popularity = np.array([1.0, 0.0]), np.array([5.0, 5.0])
    evidence = np.zeros((2, 12))
    evidence[0, 3:6] = 1.0  # hobby 1 favours item 0
    table = CodeTable(evidence, np.log(np.full(12, 1 / 12)))
    order = anchored_order([Anchor(0, 3, near)], table, popularity, SIZES)
    assert order.tolist() == [0, 1, 2, 9, 10, 11, 6, 7, 8, 3, 4, 5]
    both = anchored_order([Anchor(0, 3, near), Anchor(0, 0, near)], table, popularity, SIZES)
    assert both[9:].tolist() == [3, 4, 5]  # the first one has chosen


def test_with_permuted_texts_words_stand_for_other_items(log: PreparedData, tmp_path: Path) -> None:
    """The control of a steered experiment: its prior and its anchors read the same permuted texts."""
    steering = Steering(anchors={"hobby": {0: WORDS}})
    module, _ = fitted(log, tmp_path, more=10, steering=steering, permute_text=True)
    own = joined_texts(log.items, ["title", "genres"], "columns")
    assert module.data.texts != own
    assert sorted(module.data.texts) == sorted(own)


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
        (
            Steering(anchors={"hobbies": {0: "x"}}),
            r"^catalogue\.model\.steering\.anchors: no profile",
        ),
        (Steering(anchors={"hobby": {4: "x"}}), r"anchors\.hobby: no code 4; there are 0 to 3"),
        (Steering(anchors={"hobby": {1: " "}}), r"anchors\.hobby\.1: no words given"),
        (Steering(anchors={"hobby": {1: "x"}}, strength=0), "strength: 0 given"),
        (Steering(anchors={"hobby": {1: "x"}}, strength=float("nan")), "strength: nan given"),
        (Steering(anchors={"hobby": {1: "x"}}, steps=0), "steps: 0 given"),
        (Steering(merge={"hobby": [[1, 9]]}), r"merge\.hobby: no code 9"),
        (Steering(merge={"hobby": [[1]]}), "groups of two or more"),
        (Steering(merge={"hobby": [[1, 2], [2, 3]]}), "each code in one group"),
        (Steering(anchors={"hobby": {1: "x"}}, merge={"hobby": [[1, 2]]}), "names an anchored code"),
    ],
)
def test_what_cannot_be_steered_is_refused(steering: Steering, told: str) -> None:
    with pytest.raises(InputError, match=told):
        CatalogueModule(SIZES, steering=steering)


def test_anchors_need_words_of_the_texts_and_steps_of_their_own(log: PreparedData, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none of the words in 'zzyzx' occurs"):
        fitted(log, tmp_path, more=10, steering=Steering(anchors={"hobby": {0: "zzyzx"}}))
    with pytest.raises(InputError, match=r"give more catalogue\.trainer\.max_epochs"):
        fitted(log, tmp_path, steering=Steering(anchors={"hobby": {0: "comet"}}))
    with pytest.raises(InputError, match="no item has a text"):
        find_anchors(Steering(anchors={"hobby": {0: "comet"}}), list(SIZES), ["", ""])


def test_words_are_compared_whatever_the_prior_reads(log: PreparedData, tmp_path: Path) -> None:
    steering = Steering(anchors={"hobby": {0: WORDS}}, strength=2.0)
    module, _ = fitted(log, tmp_path, more=10, text=NoText(), steering=steering)
    plain, _ = fitted(log, tmp_path, epochs=26, text=NoText())
    liked, before = (found.table.evidence[-len(log.items) :].reshape(-1, 4, 3) for found in (module, plain))
    about = (log.items["genres"] == "astronomy").to_numpy()
    apart = [
        figures[about].mean(axis=(0, 2)) - figures[~about].mean(axis=(0, 2)) for figures in (liked, before)
    ]
    assert apart[0].argmax() == 0
    assert apart[0][0] > apart[1].max()
