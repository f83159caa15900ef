"""Distinctive words of users from word lists of items."""

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from tests.lm.test_prompt import Letters
from userip_lightning.profile.prompt_bodies import Ints
from userip_lightning.profile.words import Words, inverse_frequency, item_words, start_ids


def words_of(texts: list[str | None], user: Ints, item: Ints, users: int) -> Words:
    words, spelling = item_words(texts, Letters())
    return Words(words, spelling, inverse_frequency([(user, item)], words, users, len(spelling.offset) - 1))


def ids(
    texts: list[str | None], owner: list[int], item: list[int], users: int, places: int
) -> list[list[int]]:
    user, items = np.array(owner, dtype=np.int64), np.array(item, dtype=np.int64)
    return start_ids(user, items, words_of(texts, user, items, users), users, places).tolist()


def test_words_that_everybody_uses_come_last() -> None:
    texts = ["the red dragon the red", "the blue submarine", "the blue tea"]
    spelt = ids(texts, [0, 1, 2], [0, 1, 2], 3, 10)
    assert "".join(map(chr, spelt[0])) == " red drago"
    assert "".join(map(chr, spelt[1])) == " submarine"
    assert "".join(map(chr, spelt[2])) == " tea blue "


def test_words_are_spelt_over_the_soft_tokens_and_repeat() -> None:
    a, b, c, space = ord("a"), ord("b"), ord("c"), ord(" ")
    spelt = ids(["ab", None, "abcd"], [0, 1, 2], [0, 1, 2], 3, 4)
    assert spelt == [[space, a, b, space], [-1] * 4, [space, a, b, c]]


def test_nobody_liked_anything() -> None:
    assert ids(["ab"], [], [], 2, 3) == [[-1] * 3] * 2


def test_the_ranking_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    vocabulary = [f"{first}{second}" for first in "abcdefgh" for second in "xyzuvw"]
    share = 1 / np.arange(1, len(vocabulary) + 1)
    texts: list[str | None] = [
        " ".join(rng.choice(vocabulary, rng.integers(1, 6), p=share / share.sum())).title() for _ in range(40)
    ]
    user = np.sort(rng.integers(50, size=300))
    item = rng.integers(40, size=300)
    joined = [" ".join(str(texts[i]) for i in item[user == u]) for u in range(50)]
    vectorizer = TfidfVectorizer(token_pattern=r"(?u)\b\w[\w'-]+\b", sublinear_tf=True)
    weights = vectorizer.fit_transform(joined).toarray()
    ours = words_of(texts, user, item, 50)
    np.testing.assert_allclose(ours.idf, vectorizer.idf_, rtol=1e-12)
    for u, row in enumerate(start_ids(user, item, ours, 50, 6)):
        best = np.lexsort((np.arange(weights.shape[1]), -weights[u].round(12)))[: (weights[u] > 0).sum()]
        spelt = "".join(" " + vectorizer.get_feature_names_out()[w] for w in best)
        assert "".join(map(chr, row)) == (spelt * 6)[:6]
