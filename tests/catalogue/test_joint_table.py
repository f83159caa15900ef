import numpy as np
import pytest
from scipy.sparse import csr_matrix

from userip_lightning.catalogue.e_step import posterior
from userip_lightning.catalogue.joint_table import CodeTable


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return CodeTable(rng.normal(size=(6, 3)), np.log([0.5, 0.3, 0.2]))


@pytest.fixture
def counts():
    return csr_matrix(np.random.default_rng(1).integers(0, 3, size=(5, 6)).astype(float))


def test_the_e_step_is_bayes_rule_by_brute_force(table, counts):
    for temperature in (1.0, 0.4):
        found = posterior(table.scores(counts), temperature)
        for user, events in enumerate(counts.toarray()):
            weight = np.array(
                [
                    np.exp(
                        temperature
                        * (table.log_share[c] + sum(events[e] * table.evidence[e, c] for e in range(6)))
                    )
                    for c in range(3)
                ]
            )
            np.testing.assert_allclose(found[user], weight / weight.sum(), rtol=1e-12)


def test_codes_are_the_likeliest_classes_and_events_add_up_in_any_order(table, counts):
    assert np.array_equal(table.codes(counts), posterior(table.scores(counts)).argmax(axis=1))
    np.testing.assert_allclose(
        table.scores(counts[:1]) + table.scores(counts[1:2]) - table.log_share,
        table.scores(counts[:1] + counts[1:2]),
    )


def test_a_user_without_events_gets_the_most_frequent_class(table):
    assert table.codes(csr_matrix((1, 6))).tolist() == [0]


def test_held_out_events_gain_nothing_from_a_table_that_says_nothing(table, counts):
    blank = CodeTable(np.zeros((6, 3)), table.log_share)
    assert blank.held_out(counts, counts) == pytest.approx(0, abs=1e-12)


def test_held_out_nats_by_brute_force(table, counts):
    hidden = csr_matrix(np.eye(5, 6))
    placed = posterior(table.scores(counts))
    expected = np.mean([np.log(placed[user] @ np.exp(table.evidence[user])) for user in range(5)])
    assert table.held_out(counts, hidden) == pytest.approx(expected)
