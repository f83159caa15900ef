"""Words against held-out titles in a log where users meet the same item again and again."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from userip_lightning.artifact import Manifest
from userip_lightning.data.prepared import PreparedData
from userip_lightning.reproduce.case_study.histories import Histories, histories, word_counts
from userip_lightning.reproduce.case_study.hits import Score, ground, score
from userip_lightning.schema import TEST, TRAIN

USERS, ITEMS = 80, 60


def letters(number: int) -> str:
    """A word of its own for every item."""
    return "".join(chr(ord("a") + int(digit)) for digit in f"{number:03d}")


def repeating(seed: int) -> PreparedData:
    """Users without taste who like ten items in training, and later four of them again and ten new ones."""
    rng = np.random.default_rng(seed)
    popular = np.exp(-np.arange(ITEMS) / 15) / np.exp(-np.arange(ITEMS) / 15).sum()
    drawn = [rng.choice(ITEMS, 20, replace=False, p=popular) for _ in range(USERS)]
    events = [
        (user, int(item), split)
        for user, items in enumerate(drawn)
        for split, part in ((TRAIN, items[:10]), (TEST, items[6:]))
        for item in part
    ]
    table = pl.DataFrame(events, schema=["user", "item", "split"], orient="row").with_columns(
        label=pl.lit(1, pl.Int8), logged=pl.lit(True)
    )
    items = pl.DataFrame({"item": range(ITEMS), "title": [letters(item) for item in range(ITEMS)]})
    users = pl.DataFrame({"user": range(USERS), "user_id": [str(user) for user in range(USERS)]})
    return PreparedData(Path("log"), Manifest("prepared", "", "", USERS), table, items, users)


def scored(people: Histories) -> Score:
    """Words of the titles that a user liked in training."""
    has, vocabulary = word_counts(people.words)
    words = [[people.titles[item] for item in row.indices] for row in people.liked]
    found = score(words, ground(people.held_out, people.met, has, vocabulary))
    assert found is not None
    return found


def test_titles_met_before_do_not_count_as_held_out():
    people = histories(repeating(0))
    assert people.held_out.multiply(people.met).nnz == 0
    assert people.held_out.nnz == USERS * 10


@pytest.mark.parametrize("seed", range(3))
def test_words_of_titles_met_before_score_zero_where_users_have_no_taste(seed):
    found = scored(histories(repeating(seed)))
    assert found.score.low <= 0 <= found.score.high
    assert abs(found.score.difference) < 0.02
