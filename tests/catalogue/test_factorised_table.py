import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.special import logsumexp

from userip_lightning.catalogue.factorised_table import FactorisedTable


def drawn(spread: float = 1.0) -> FactorisedTable:
    rng = np.random.default_rng(0)
    sizes = ((6, 3), (6, 4), (3, 4))
    first, second, normaliser = (spread * rng.normal(size=size) for size in sizes)
    return FactorisedTable(first, second, normaliser, np.log(rng.dirichlet(np.ones(12)).reshape(3, 4)))


@pytest.fixture
def counts() -> csr_matrix:
    dense = np.random.default_rng(1).integers(0, 3, size=(7, 6)).astype(float)
    dense[3] = 0
    return csr_matrix(dense)


def by_hand(table: FactorisedTable, counts: csr_matrix) -> np.ndarray:
    """[U, K_1, K_2] scores, one by one."""
    score = np.zeros((counts.shape[0], *table.log_share.shape))
    for u, events in enumerate(counts.toarray()):
        for j, k in np.ndindex(*table.log_share.shape):
            said = sum(n * (table.first[e, j] + table.second[e, k]) for e, n in enumerate(events))
            score[u, j, k] = said - events.sum() * table.log_normaliser[j, k] + table.log_share[j, k]
    return score


@pytest.mark.parametrize("temperature", [1.0, 0.4])
@pytest.mark.parametrize("spread", [1.0, 200.0])  # at 200 products of exponentials underflow
def test_the_e_step_is_bayes_rule_by_brute_force(counts, temperature, spread):
    table = drawn(spread)
    score = temperature * by_hand(table, counts)
    r = np.exp(score - logsumexp(score, axis=(1, 2), keepdims=True))
    r[3] = 0  # without events
    found = table.expected(counts, temperature)
    np.testing.assert_allclose(found.first, counts.T @ r.sum(axis=2), atol=1e-9)
    np.testing.assert_allclose(found.second, counts.T @ r.sum(axis=1), atol=1e-9)
    np.testing.assert_allclose(found.users, r.sum(axis=0), atol=1e-9)
    length = counts.toarray().sum(axis=1)
    np.testing.assert_allclose(found.events, (length[:, None, None] * r).sum(axis=0), atol=1e-9)
    assert found.entropy == pytest.approx(-(r * np.log(r + 1e-300)).sum(), abs=1e-6)


def test_codes_are_the_likeliest_pair(counts):
    table = drawn()
    best = by_hand(table, counts).reshape(7, -1).argmax(axis=1)
    assert np.array_equal(table.codes(counts), np.stack(np.unravel_index(best, (3, 4)), axis=1))


def test_a_code_is_the_same_alone_and_among_others(counts):
    table = drawn()
    alone = np.concatenate([table.codes(counts[u]) for u in range(7)])
    assert np.array_equal(table.codes(counts), alone)


def test_held_out_nats_by_brute_force(counts):
    table = drawn()
    hidden = csr_matrix(np.eye(7, 6))
    gain = [
        logsumexp(by_hand(table, (counts + hidden).tocsr()), axis=(1, 2)),
        logsumexp(by_hand(table, counts), axis=(1, 2)),
    ]
    assert table.held_out(counts, hidden) == pytest.approx((gain[0] - gain[1])[:6].mean())
