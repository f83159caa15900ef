"""Scores of words on planted users, and of words that know nothing."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from userip_lightning.reproduce.case_study.histories import title_words
from userip_lightning.reproduce.case_study.hits import Ground, ground, score

#: A title of two words: one of a series of ten, one of its own.
SERIES = [f"series{number // 10}" for number in range(60)]
TITLES = [f"title{number}" for number in range(60)]
WORDS = sorted({*SERIES, *TITLES})
HAS = np.array([[float(word in pair) for word in WORDS] for pair in zip(SERIES, TITLES, strict=True)])


def paired(held: Sequence[Sequence[int]], met: Sequence[Sequence[int]], seed: int = 0) -> Ground:
    held_out, before = (
        csr_matrix([[float(title in own) for title in range(60)] for own in users]) for users in (held, met)
    )
    return ground(held_out, before, csr_matrix(HAS), WORDS, seed=seed)


def histories(rng: np.random.Generator, taste: float, users: int = 80) -> tuple[list, list]:
    """Busy and idle users who meet popular titles, each once, and those of their own series more."""
    popular = np.exp(-np.arange(60)[rng.permutation(60)] / 15)
    met, held = [], []
    for user in range(users):
        odds = popular * np.where(np.arange(60) // 10 == user % 6, np.exp(taste), 1.0)
        count = int(rng.integers(6, 30))
        drawn = rng.choice(60, count, replace=False, p=odds / odds.sum())
        met.append(drawn[: count // 2].tolist())
        held.append(drawn[count // 2 :].tolist())
    return held, met


def own_words(met: Sequence[Sequence[int]]) -> list[list[str]]:
    return [[*{SERIES[title] for title in own}, *(TITLES[title] for title in own)] for own in met]


def test_planted_words_are_found_and_handed_to_others_they_are_not():
    held, met = histories(np.random.default_rng(0), taste=3.0)
    words = [[f"series{user % 6}"] for user in range(80)]
    found = score(words, paired(held, met))
    assert found is not None
    assert found.found
    assert found.score.low > 0.05
    assert found.shuffled.low <= 0 <= found.shuffled.high


@pytest.fixture(scope="module")
def tasteless() -> list[tuple[list, list, Ground]]:
    """Twenty logs in which users differ by nothing but how much they do."""
    logs = [histories(np.random.default_rng(seed), taste=0.0) for seed in range(20)]
    return [(held, met, paired(held, met, seed)) for seed, (held, met) in enumerate(logs)]


@pytest.mark.parametrize("kind", ["popular", "own", "busy"])
def test_without_taste_every_word_scores_zero(kind, tasteless):
    """Neither popular words, nor words of titles met once, nor busy users pass for taste."""
    inside, means = 0, []
    for held, met, users in tasteless:
        words = own_words(met)
        if kind != "own":
            seen = np.concatenate([*held]).astype(int)
            often = [TITLES[title] for title in np.argsort(-np.bincount(seen, minlength=60))]
            words = [often[:6] if kind == "popular" or len(own) > 8 else often[-6:] for own in met]
        found = score(words, users)
        assert found is not None
        inside += found.score.low <= 0 <= found.score.high
        means.append(found.score.difference)
    assert inside >= 15
    assert abs(np.mean(means)) < 3 * np.std(means) / np.sqrt(20)


def test_titles_that_either_has_met_do_not_count():
    met = [[0], [1], [2]]
    held = [[1, 10], [0, 20], [0, 1, 30]]
    users = paired(held, met)
    column = users.column
    for user, own, other in ((0, 10, {20, 30}), (1, 20, {10, 30})):
        assert users.own[user][:, column[TITLES[own]]].all()
        assert users.theirs[user][:, [column[TITLES[title]] for title in other]].any()
    assert not users.theirs[0][:, column["title0"]].any()  # user 0 had met it
    assert not users.theirs[1][:, column["title1"]].any()


def test_words_that_all_users_share_cancel():
    held, met = histories(np.random.default_rng(3), taste=1.0)
    found = score([TITLES[:20]] * 80, paired(held, met))
    assert found is not None
    assert found.score.difference == pytest.approx(0, abs=1e-12)


def test_a_share_is_of_the_words_that_were_retrieved():
    users = paired([[10], [20], [30], [40]], [[0], [1], [2], [3]])
    found = score([["title10", "x"], ["title20"], [], ["y", "title40"]], users)
    assert found is not None
    assert found.users == 3
    assert found.own == pytest.approx((0.5 + 1 + 0.5) / 3)
    assert found.others == 0


def test_only_columns_of_words_that_can_be_retrieved_are_kept_and_the_score_stays():
    held, met = histories(np.random.default_rng(1), taste=3.0)
    words = [[f"series{user % 6}"] for user in range(80)]
    held_out, before = (
        csr_matrix([[float(t in own) for t in range(60)] for own in of]) for of in (held, met)
    )
    few = ground(held_out, before, csr_matrix(HAS), WORDS, among={word for own in words for word in own})
    assert sorted(few.column) == [f"series{number}" for number in range(6)]
    assert few.own[0].shape[1] == 6
    assert score(words, few) == score(words, paired(held, met))


def test_too_few_users_have_no_score():
    users = paired([[10], [20], [30]], [[0], [1], [2]])
    assert score([["title10"], ["title20"], []], users) is None


def test_words_of_titles_are_folded_and_stop_words_left_out():
    assert title_words("The Return of the JEDI (1983)") == {"return", "jedi"}
