"""Soft tokens tuned through a tiny LM on a planted log, from start words to the table."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.sparse import hstack

from tests.catalogue.planted import CLASSES, ITEMS, planted
from userip_lightning.arrays import Floats
from userip_lightning.catalogue.likelihood_text import Likelihood
from userip_lightning.catalogue.soft_token_module import ItemDraws, SoftTokenModule
from userip_lightning.catalogue.soft_tokens import SoftTokens, start_words
from userip_lightning.errors import InputError
from userip_lightning.lm.prompt import PromptTemplate
from userip_lightning.lm.source import LMSource
from userip_lightning.texts.source import BagOfWords, Joined
from userip_lightning.texts.vectors import text_vectors

WORDS = ["red rose garden", "old map sea", "tea and cake", "robot war star"]
TEXTS = [f"{WORDS[item % CLASSES]} {item}" for item in range(ITEMS)]


class Events:
    """Of the planted log."""

    counts = planted().counts
    explicit = False


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("USERIP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "text"


def source(folder: Path, **settings: object) -> Likelihood:
    given = {"sizes": (2, 2), "steps": 30, "items": 16, "exact": None, "rate": 0.5, "layer": 1, **settings}
    return Likelihood(lm=LMSource(str(folder), dtype="float32"), **given)  # type: ignore[arg-type]  # settings of several types


def told(cache: Path) -> dict[str, list[float]]:
    (file,) = cache.glob("*.json")
    found: dict[str, list[float]] = json.loads(file.read_text())
    return found


def made(chosen: Likelihood) -> Floats:
    vectors = text_vectors(chosen, TEXTS, Events())
    assert vectors is not None
    return vectors


def separation(vectors: Floats) -> float:
    """Variance between items of a class over all variance; the planted class is item % CLASSES."""
    means = np.stack([vectors[c::CLASSES].mean(0) for c in range(CLASSES)])
    return float(means[np.arange(ITEMS) % CLASSES].var(0).sum() / vectors.var(0).sum())


def test_tuned_soft_tokens_tell_the_planted_classes_apart(tiny_llama: Path, cache: Path) -> None:
    vectors = made(source(tiny_llama))
    assert vectors.shape == (ITEMS, 4)
    np.testing.assert_allclose(vectors.mean(1), 0.0, atol=1e-5)
    losses = told(cache)["losses"]
    assert len(losses) == 3
    assert losses[-1] < losses[0] - 0.1
    assert separation(vectors) > 0.8


def test_sums_over_profiles_learn_too(tiny_llama: Path, cache: Path) -> None:
    added = made(source(tiny_llama, added=True))
    assert told(cache)["losses"][-1] < told(cache)["losses"][0] - 0.1
    by_code = added.reshape(ITEMS, 2, 2)
    odd = by_code[:, 0, 0] - by_code[:, 0, 1] - by_code[:, 1, 0] + by_code[:, 1, 1]
    np.testing.assert_allclose(odd, 0.0, atol=1e-4)  # what a sum over profiles cannot say


def test_a_run_that_was_cut_short_goes_on(
    tiny_llama: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = made(source(tiny_llama))
    for file in cache.glob("*.npy"):
        file.unlink()
    step, reached = SoftTokenModule.training_step, 0

    def dies(module: SoftTokenModule, batch: object, batch_idx: int) -> torch.Tensor:
        nonlocal reached
        reached += 1
        if reached > 25:
            raise RuntimeError("power cut")
        return step(module, batch, batch_idx)  # type: ignore[arg-type]  # of any batch, handed on

    monkeypatch.setattr(SoftTokenModule, "training_step", dies)
    with pytest.raises(RuntimeError, match="power cut"):
        made(source(tiny_llama))
    reached = 0
    np.testing.assert_allclose(made(source(tiny_llama)), whole, atol=1e-6)
    assert reached == 10  # of three epochs of ten steps, two were kept


def test_rows_of_a_tuning_that_is_lost_are_scored_anew(
    tiny_llama: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Likelihood, "_table", lambda *_: pytest.fail("power cut"))
        with pytest.raises(BaseException, match="power cut"):
            made(source(tiny_llama, steps=10))
    (last,) = cache.glob("*/last.ckpt")
    rows = last.with_name("rows-000000.npy")
    for whole in (True, False):
        np.save(rows, np.zeros((ITEMS, 4)))
        if not whole:
            last.write_bytes(last.read_bytes()[:-9])
        with monkeypatch.context() as patch:
            patch.setattr(Likelihood, "_table", lambda *_: pytest.fail("power cut"))
            with pytest.raises(BaseException, match="power cut"):
                made(source(tiny_llama, steps=10))
        assert rows.is_file() == whole


def test_the_same_log_is_read_once_and_another_anew(
    tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = made(source(tiny_llama, steps=0))
    monkeypatch.setattr(Likelihood, "learn", lambda *_: pytest.fail("learned again"))
    np.testing.assert_array_equal(made(source(tiny_llama, steps=0)), first)

    class Other:
        counts = planted(seed=1).counts
        explicit = False

    with pytest.raises(BaseException, match="learned again"):
        text_vectors(source(tiny_llama, steps=0), TEXTS, Other())


def test_rare_items_are_predicted_from_hidden_states(tiny_llama: Path, cache: Path) -> None:
    whole = made(source(tiny_llama, steps=0))
    part = made(source(tiny_llama, steps=0, exact=60))
    exact = np.isclose(part, whole, atol=1e-5).all(1)
    assert exact.sum() == 60
    apart = np.corrcoef(part[~exact].ravel(), whole[~exact].ravel())[0, 1]
    assert apart > 0.8


def test_an_item_that_the_model_cannot_score_is_named_and_the_rest_goes_on(
    tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence = SoftTokenModule.evidence

    def broken(module: SoftTokenModule, items: list[int]) -> torch.Tensor:
        found = evidence(module, items).clone()
        found[[item == 7 for item in items]] = torch.nan
        return found

    monkeypatch.setattr(SoftTokenModule, "evidence", broken)
    with pytest.warns(UserWarning, match="robot war star 7"):
        vectors = made(source(tiny_llama, steps=0))
    assert np.isfinite(vectors).all()


def test_items_without_text_say_nothing(tiny_llama: Path) -> None:
    vectors = text_vectors(source(tiny_llama, steps=0), [*TEXTS[:-1], " "], Events())
    assert vectors is not None
    assert not vectors[-1].any()
    assert vectors[:-1].any(1).all()


def test_texts_of_items_that_nobody_had_are_nothing_to_learn_from(tiny_llama: Path) -> None:
    class Unmet:
        counts = planted().counts.multiply(np.arange(ITEMS) > 1).tocsr()
        explicit = False

    with pytest.raises(InputError, match="no item that a user had has a text, so there is nothing to learn"):
        text_vectors(source(tiny_llama), [*TEXTS[:2], *[""] * (ITEMS - 2)], Unmet())


def test_an_explicit_log_is_read_by_what_is_liked_and_disliked(tiny_llama: Path, cache: Path) -> None:
    liked, disliked = planted(), planted(seed=3)

    class Explicit:
        counts = hstack([disliked.counts[:, ::-1], liked.counts]).tocsr()
        explicit = True

    vectors = text_vectors(source(tiny_llama, steps=20, rate=2.0, items=ITEMS), TEXTS, Explicit())
    assert vectors is not None
    assert vectors.shape == (ITEMS, 4)
    losses = told(cache)["losses"]
    assert losses[0] > losses[1]  # all items in every step, so no draw decides


def test_without_a_log_it_is_refused_also_within_others(tiny_llama: Path) -> None:
    with pytest.raises(InputError, match="learns from a log"):
        text_vectors(Joined([BagOfWords(), source(tiny_llama)]), TEXTS)


def test_sizes_have_to_fit_the_prompt(tiny_llama: Path) -> None:
    with pytest.raises(InputError, match="hobby, background"):
        source(tiny_llama, sizes=(12,))
    with pytest.raises(InputError, match=r"4,096 combinations of codes, at most 256 .*such as \[4, 3\]"):
        source(tiny_llama, sizes=(64, 64))
    assert source(tiny_llama, sizes=(64, 64), added=True).sizes == (64, 64)


def test_combinations_are_those_of_the_codes() -> None:
    books = SoftTokens([torch.arange(2.0).view(2, 1, 1), 10 + torch.arange(3.0).view(3, 1, 1)])
    found = books().flatten(1).tolist()
    assert found == [[0, 10], [0, 11], [0, 12], [1, 10], [1, 11], [1, 12]]


def test_codes_start_at_the_words_of_their_items() -> None:
    tokens = [[1, 5], [2, 5], [3, 5], [4, 5]]
    weight = np.eye(4) * 100
    hobby, background = start_words(tokens, weight, (2, 2), 2, np.ones(6, dtype=bool))
    assert [set(row) for row in hobby.tolist()] == [{1, 2}, {3, 4}]
    assert [set(row) for row in background.tolist()] == [{1, 3}, {2, 4}]
    assert start_words(tokens, weight, (2, 2), 3, np.ones(6, dtype=bool))[0][0].tolist()[2] == -1


def test_items_without_weight_are_never_drawn() -> None:
    weight = np.array([0.0, 1.0, 5.0, 0.0, 1.0])
    drawn = [ItemDraws(weight, first, 2, 0)[step] for first in (0, 10) for step in range(10)]
    assert set(np.concatenate(drawn)) == {1, 2, 4}
    assert np.array_equal(ItemDraws(weight, 5, 2, 0)[5], ItemDraws(weight, 10, 2, 0)[0])


@pytest.mark.parametrize("wrong", [{"items": 0}, {"max_tokens": 0}, {"exact": 0}, {"steps": -1}])
def test_settings_that_count_nothing_are_refused(tiny_llama: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(InputError, match="from 1 up"):
        source(tiny_llama, **wrong)


def test_items_that_see_each_other_are_refused(tiny_llama: Path) -> None:
    with pytest.raises(InputError, match="independent"):
        source(tiny_llama, prompt=PromptTemplate(independent=False))


def test_one_exact_item_predicts_no_others(tiny_llama: Path) -> None:
    with pytest.raises(InputError, match="too few to predict"):
        made(source(tiny_llama, steps=0, exact=1))
