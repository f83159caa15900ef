"""Sums of additive codebooks, by themselves."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from tests.serving.small_bank import CLASSES, SIZES, random_table, scores_of
from userip_lightning.catalogue.additive_table import additive_table
from userip_lightning.catalogue.joint_table import CodeTable
from userip_lightning.serving import additive_sums
from userip_lightning.serving.additive_sums import AdditiveSums
from userip_lightning.serving.joint_sums import JointSums

EVENTS, USERS = 50, 300


@pytest.fixture
def table():
    return random_table("additive", EVENTS, SIZES, np.random.default_rng(0))


@pytest.fixture
def sums(table):
    classes = JointSums(table.evidence.astype(np.float32), table.log_share.astype(np.float32))
    return AdditiveSums(classes, table.directions.astype(np.float32))


@pytest.fixture
def log():
    """Events of all users, and where each user's begin; one has none."""
    rng = np.random.default_rng(1)
    offset = np.concatenate([[0, 0], np.cumsum(rng.integers(1, 200, USERS - 1))])
    return rng.integers(0, EVENTS, offset[-1]), offset


def test_a_table_has_as_many_figures_as_classes_and_as_many_scores_as_combinations(sums):
    assert (sums.width, sums.events, sums.combinations) == (CLASSES, EVENTS, 12)
    assert sums.start().shape == (CLASSES,)
    assert sums.scores(sums.start()).shape == (12,)


def test_scores_are_those_of_the_rule_bit_for_bit(table, sums, log):
    states = sums.states(*log)
    rows = sums.score_rows(states)
    for user in range(0, USERS, 7):
        events = log[0][log[1][user] : log[1][user + 1]]
        expected = scores_of(table, np.bincount(events, minlength=EVENTS))
        assert rows[user].tobytes() == expected.tobytes()
        assert sums.scores(states[user]).tobytes() == expected.tobytes()


@pytest.mark.parametrize("cells", [1, 100, 2**20])
def test_the_best_combination_has_the_highest_score_however_many_users_at_a_time(
    sums, log, cells, monkeypatch
):
    monkeypatch.setattr(additive_sums, "_CELLS", cells)
    states = sums.states(*log)
    best = sums.best(states)
    assert best.dtype == np.int64
    assert np.array_equal(best, sums.score_rows(states).argmax(axis=1))
    assert len(np.unique(best)) > 8
    assert sums.best(states[:0]).shape == (0,)


def test_the_first_of_equal_combinations_is_the_best(table):
    again = np.concatenate([table.directions, table.directions])
    sums = AdditiveSums(JointSums(table.evidence.astype(np.float32), table.log_share), again)
    states = sums.states(np.arange(EVENTS), np.arange(EVENTS + 1))
    assert sums.best(states).max() < 12


def test_scores_do_not_depend_on_the_order_of_events(sums, log):
    rng = np.random.default_rng(2)
    events = log[0][:5000]
    scores = sums.scores(sums.states(events, np.array([0, 5000]))[0])
    for _ in range(5):
        state = sums.start()
        for event in rng.permutation(events):
            sums.add(state, int(event), 1)
        assert sums.scores(state).tobytes() == scores.tobytes()


def test_what_events_add_to_a_score_adds_up_to_it_exactly(sums, log):
    events = log[0][:5000]
    score, start = (
        sums.scores(state) for state in (sums.states(events, np.array([0, 5000]))[0], sums.start())
    )
    for combination in range(sums.combinations):
        nats = sums.nats(events, combination)
        assert nats.shape == (5000,)
        assert nats.sum() + start[combination] == score[combination]
    assert sums.nats(events[:0], 3).shape == (0,)


def test_what_an_event_says_of_all_classes_alike_moves_no_score(table):
    """Labelled events take more from every class than they tell classes apart."""
    classes = CodeTable(table.evidence, table.log_share)
    counts = csr_matrix(np.random.default_rng(3).poisson(0.5, (USERS, EVENTS)).astype(float))
    learned = additive_table(classes, counts, SIZES, seed=0).directions.astype(np.float32)
    alike = table.evidence.astype(np.float32) - np.arange(EVENTS, dtype=np.float32)[:, None]
    one, other = (AdditiveSums(JointSums(e, table.log_share), learned) for e in (table.evidence, alike))
    events, offset = np.arange(EVENTS), np.array([0, EVENTS])
    assert other.states(events, offset).mean() < -1000
    assert np.array_equal(*(s.score_rows(s.states(events, offset)) for s in (one, other)))
    assert np.array_equal(learned * 2**12, np.round(learned * 2**12))


def test_further_rows_are_behind_the_known_ones_and_move_nothing(sums, log):
    new = np.random.default_rng(3).integers(-9, 9, (1, 4, CLASSES)) / 2
    more = sums.extended(new)
    assert (more.events, more.width, more.combinations) == (EVENTS + 4, CLASSES, 12)
    assert np.array_equal(more.states(*log), sums.states(*log))
    for number in range(4):
        told = [more.nats(np.array([EVENTS + number]), c)[0] for c in range(12)]
        assert np.array_equal(told, sums.directions @ new[0, number])
