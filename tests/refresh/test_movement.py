"""What a refresh says of who moved."""

import polars as pl
import pytest

from userip_lightning.refresh.movement import movement

BEFORE = pl.DataFrame({"user_id": ["a", "b", "c", "d"], "hobby": [0, 0, 1, 1], "mood": [0, 1, 0, 1]})
AFTER = pl.DataFrame(
    {"user_id": ["a", "b", "c", "d", "e"], "hobby": [0, 1, 1, 1, 2], "mood": [0, 1, 0, 0, 1]}
)


@pytest.fixture
def found():
    return movement(BEFORE, AFTER, {"hobby": 3, "mood": 2}, pl.Series(["b", "c", "e"]), 8, 2)


def test_counts(found):
    assert (found.users, found.new_users, found.active, found.moved) == (4, 1, 2, 2)
    assert found.moved_share == 0.5
    assert found.unknown_share == 0.25


def test_transitions_go_from_row_to_column(found):
    assert found.transitions["hobby"] == [[1, 1, 0], [0, 2, 0], [0, 0, 0]]
    assert found.transitions["mood"] == [[2, 0], [1, 1]]


def test_drift_is_half_the_distance_of_shares(found):
    # hobby: (.5, .5, 0) to (.2, .6, .2); mood: (.5, .5) to (.6, .4)
    assert found.drift["hobby"] == pytest.approx(0.3)
    assert found.drift["mood"] == pytest.approx(0.1)


def test_says_it_in_sentences(found):
    said = found.sentences()
    assert said[0].startswith("8 new events, 25.0% of them")
    assert "2 of 4 users with new events, 1 new user" in said[1]
    assert "50.0%" in said[2]
    assert "  1  1  0" in said


def test_nobody_and_nothing():
    empty = BEFORE.clear()
    found = movement(empty, empty, {"hobby": 3, "mood": 2}, pl.Series([], dtype=pl.String), 0, 0)
    assert (found.moved_share, found.unknown_share, found.drift["hobby"]) == (0.0, 0.0, 0.0)
