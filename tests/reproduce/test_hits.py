"""Scores of words on planted users, and of words that know nothing."""

import numpy as np
import pytest

from userip_lightning.reproduce.case_study.histories import title_words
from userip_lightning.reproduce.case_study.hits import score

WORDS = [f"word{number}" for number in range(60)]


def planted(rng: np.random.Generator, users: int = 120) -> tuple[list[int], list[frozenset[str]]]:
    """Users of six tastes, busy and idle ones; popular words are in everybody's titles."""
    taste = [user % 6 for user in range(users)]
    held = []
    for kind in taste:
        count = int(rng.integers(1, 12))
        own = rng.choice(WORDS[10 * kind : 10 * kind + 10], min(count, 9), replace=False)
        held.append(frozenset([*own, *rng.choice(WORDS[:12], count // 2, replace=False)]))
    return taste, held


def test_planted_words_are_found_and_handed_to_others_they_are_not():
    rng = np.random.default_rng(0)
    taste, held = planted(rng)
    words = [list(rng.choice(WORDS[10 * kind : 10 * kind + 10], 4, replace=False)) for kind in taste]
    found = score(words, held)
    assert found is not None
    assert found.found
    assert found.own > 0.3
    assert found.score.low > 0.2
    assert found.shuffled.low <= 0 <= found.shuffled.high


def test_words_that_know_nothing_score_zero_however_popular_they_are():
    """95 % intervals over forty draws: a bias of busy users or popular words would show."""
    held_zero, means = 0, []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        _, held = planted(rng)
        words = [list(rng.choice(WORDS[:20], 4, replace=False)) for _ in held]
        found = score(words, held, seed)
        assert found is not None
        held_zero += found.score.low <= 0 <= found.score.high
        means.append(found.score.difference)
    assert held_zero >= 34
    assert abs(np.mean(means)) < 2.5 * np.std(means) / np.sqrt(40)


def test_words_of_busy_users_are_held_against_users_as_busy():
    """Busy users get popular words: against all users that would pass for taste."""
    rng = np.random.default_rng(1)
    count = rng.integers(1, 40, 200)
    held = [frozenset(rng.choice(WORDS, min(size, 59), replace=False)) for size in count]
    words = [WORDS[:8] if size > 20 else [f"rare{number}" for number in range(8)] for size in count]
    found = score(words, held)
    assert found is not None
    assert abs(found.score.difference) < 0.02
    own = np.array([len(set(mine) & of) / 8 for mine, of in zip(words, held, strict=True)])
    everyone = np.array([np.mean([len(set(mine) & of) / 8 for of in held]) for mine in words])
    assert (own - everyone).mean() > 0.05  # what holding against all users would say


def test_a_share_is_of_the_words_that_were_retrieved():
    held = [frozenset({"a", "b"}), frozenset({"c"}), frozenset({"d"}), frozenset({"e"})]
    found = score([["a", "x"], ["c"], [], ["y", "e"]], held)
    assert found is not None
    assert found.users == 3
    assert found.own == pytest.approx((0.5 + 1 + 0.5) / 3)
    assert found.others == 0


def test_too_few_users_have_no_score():
    assert score([["a"], ["b"], []], [frozenset({"a"})] * 3) is None


def test_words_of_titles_are_folded_and_stop_words_left_out():
    assert title_words("The Return of the JEDI (1983)") == {"return", "jedi"}
