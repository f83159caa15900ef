"""Codes of the Profiler are those of the table, however the events come in."""

import numpy as np
import polars as pl
import pytest

from tests.serving.small_bank import FORMS, bank, codes_of, counted, log
from userip_lightning.serving import Profiler


@pytest.fixture(scope="module", params=FORMS, ids=lambda form: f"{form[0]}-{form[1]}")
def made(request, tmp_path_factory):
    """A bank's table and its Profiler."""
    folder = tmp_path_factory.mktemp("bank")
    table = bank(folder, *request.param)
    return table, Profiler.load(folder)


def test_codes_are_those_of_the_table(made):
    table, profiler = made
    events = log()
    users, counts = counted(events, profiler.explicit)
    found = profiler.codes(events)
    assert found.schema == {
        "user_id": pl.String,
        "hobby": pl.Int64,
        "background": pl.Int64,
        "known_behaviours": pl.Int64,
    }
    assert found["user_id"].to_list() == users
    assert np.array_equal(found.select("hobby", "background").to_numpy(), codes_of(table, counts))
    assert found["known_behaviours"].to_list() == counts.sum(axis=1).ravel().tolist()[0]
    assert found.n_unique(["hobby", "background"]) > 2


def test_states_are_those_of_the_table_bit_for_bit(made):
    table, profiler = made
    events = log()
    users, counts = counted(events, profiler.explicit)
    ids, states, known = profiler.states(events)
    assert ids.tolist() == users
    assert np.array_equal(states, table.states(counts))
    assert known.tolist() == counts.sum(axis=1).ravel().tolist()[0]
    assert np.array_equal(profiler.decode(states), codes_of(table, counts))
