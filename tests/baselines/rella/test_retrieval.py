"""The behaviours of a prompt: exact, of the past alone, of training rows alone."""

import numpy as np
import polars as pl
import pytest

from userip_lightning.baselines.history import Histories
from userip_lightning.baselines.rella import retrieval
from userip_lightning.baselines.rella.retrieval import (
    ItemVectors,
    Rows,
    encode_items,
    known_before,
    recent,
    retrieve,
)
from userip_lightning.data.prepared import PreparedData
from userip_lightning.lm.text_encoder import EncoderSource, TextEncoder
from userip_lightning.schema import SUPPORT, TRAIN


def log(users=5, items=12, rows=160, seed=0):
    """A log with moments that several rows share, missing times, sampled negatives and repeated items."""
    rng = np.random.default_rng(seed)
    time = rng.integers(0, 25, rows).astype(object)
    time[rng.random(rows) < 0.1] = None
    return pl.DataFrame(
        {
            "row_id": rng.permutation(rows) + 1000,
            "user": rng.integers(0, users, rows),
            "item": rng.integers(0, items, rows),
            "label": rng.integers(0, 2, rows),
            "rating": rng.integers(1, 6, rows).astype(np.float32),
            "timestamp": pl.Series(time.tolist(), dtype=pl.Int64),
            "split": rng.choice(["train", "support", "val", "test"], rows, p=[0.6, 0.1, 0.1, 0.2]),
            "logged": rng.random(rows) > 0.1,
        },
        schema_overrides={"label": pl.Int8, "user": pl.Int32, "item": pl.Int32},
    )


class Stored:
    """What ``Histories.collect`` asks of prepared data."""

    def __init__(self, events, n_users=6):
        self.events, self.n_users = events, n_users

    def rows(self, *splits):
        return self.events.filter(pl.col("split").is_in(splits))


def vectors(items=12, seed=1):
    """Items 0 and 1 have one text, as have 2 and 3."""
    text = np.array([0, 0, 1, 1, *range(2, items - 2)])
    vector = np.random.default_rng(seed).normal(size=(items - 2, 5)).astype(np.float32)
    return ItemVectors(text, vector / np.linalg.norm(vector, axis=1, keepdims=True))


def brute_force(histories, near, rows, count):
    """One row after the other, one behaviour after the other."""
    found = np.full((len(rows.row_id), count), -1)
    for at, (row, user, item, time) in enumerate(zip(*rows[:4], strict=True)):
        scored = [
            (float(near.vector[near.text[item]] @ near.vector[near.text[histories.item[place]]]), place)
            for place in histories.before(user, row, time).tolist()
        ]
        best = [place for _, place in sorted(scored, reverse=True)][:count]
        found[at, : len(best)] = best
    return found


@pytest.mark.parametrize("count", [1, 3, 100])
@pytest.mark.parametrize("pairs", [1, 1 << 22], ids=["row by row", "whole users"])
def test_the_most_similar_equal_brute_force(count, pairs, monkeypatch):
    monkeypatch.setattr(retrieval, "PAIRS", pairs)
    events = log()
    histories, rows, near = Histories.collect(Stored(events)), Rows.of(events), vectors()
    found = retrieve(histories, near, rows, count)
    assert np.array_equal(found, brute_force(histories, near, rows, count))
    assert (found >= 0).any()
    assert (found < 0).any()


def test_the_latest_are_the_last_that_came_before():
    events = log()
    histories, rows = Histories.collect(Stored(events)), Rows.of(events)
    for at, own in enumerate(recent(histories, rows, 4).tolist()):
        known = histories.before(int(rows.user[at]), int(rows.row_id[at]), float(rows.time[at]))
        assert own == [*known[::-1][:4].tolist(), *[-1] * 4][:4]


def test_many_rows_of_a_user_know_what_each_of_them_knows():
    events = log()
    histories = Histories.collect(Stored(events))
    for user in range(6):
        rows = Rows.of(events.filter(user=user))
        known = known_before(histories, histories.of(user), rows.row_id, rows.time)
        for at, (row, time) in enumerate(zip(rows.row_id, rows.time, strict=True)):
            expected = histories.before(user, int(row), float(time))
            assert histories.of(user)[known[at]].tolist() == expected.tolist()


def test_neither_the_row_itself_nor_a_later_one_nor_one_outside_training(cold):
    prepared = PreparedData.load(cold)
    events = prepared.events
    histories, rows = Histories.collect(prepared), Rows.of(events)
    near = ItemVectors(np.arange(prepared.n_items), np.eye(prepared.n_items, dtype=np.float32))
    allowed = set(prepared.rows(TRAIN, SUPPORT).filter("logged")["row_id"])
    time_of = dict(events.select("row_id", "timestamp").iter_rows())
    user_of = dict(events.select("row_id", "user").iter_rows())
    for found in (retrieve(histories, near, rows, 4), recent(histories, rows, 4)):
        for row, places in zip(rows.row_id.tolist(), found, strict=True):
            for shown in histories.row_id[places[places >= 0]].tolist():
                assert shown in allowed
                assert shown != row
                assert time_of[shown] < time_of[row]
                assert user_of[shown] == user_of[row]


def test_equally_similar_behaviours_the_latest_first():
    events = pl.DataFrame(
        {
            "row_id": [0, 1, 2, 3],
            "user": [0, 0, 0, 0],
            "item": [0, 1, 4, 0],
            "label": [1, 1, 1, 1],
            "rating": [5.0, 5.0, 5.0, 5.0],
            "timestamp": [1, 2, 3, 9],
            "split": ["train", "train", "train", "test"],
            "logged": [True, True, True, True],
        }
    )
    histories = Histories.collect(Stored(events, n_users=1))
    found = retrieve(histories, vectors(), Rows.of(events.tail(1)), 3)
    assert found.tolist() == [[1, 0, 2]]  # items 1 and 0 have one text


def test_vectors_of_items_have_length_one_and_are_shared_by_equal_texts(tiny_encoder):
    found = encode_items(["Heat", "Alien", "Heat"], TextEncoder(EncoderSource(name=str(tiny_encoder))))
    assert found.text.tolist() == [1, 0, 1]
    assert found.vector.shape == (2, 16)
    assert np.allclose(np.linalg.norm(found.vector, axis=1), 1, atol=1e-6)
