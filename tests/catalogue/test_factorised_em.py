"""Two planted profiles: EM finds either one, its likelihood rises, and the ends of its settings are known."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.metrics import adjusted_rand_score

from userip_lightning.catalogue.codebooks import factorised_starts
from userip_lightning.catalogue.em_search import Block, Search, hide, run
from userip_lightning.catalogue.event_model import ItemEvents
from userip_lightning.catalogue.factorised_events import FactorisedItemEvents
from userip_lightning.catalogue.factorised_table import PairSums
from userip_lightning.catalogue.text_prior import ClassShares, TextPrior, item_prior

ONE, TWO, ITEMS = 4, 3, 96
NUMBER = np.arange(ITEMS)
HOBBY = NUMBER // 12 % 2 == 0  # of an item: whether the first profile decides on it, or the second
KIND = np.where(HOBBY, NUMBER % ONE, -1), np.where(HOBBY, -1, NUMBER % TWO)
WORDS = np.concatenate([np.eye(ONE + 1)[KIND[0]], np.eye(TWO + 1)[KIND[1]]], axis=1)


def planted(users: int = 600, events: int = 24, odds: float = 2.5, seed: int = 0):
    """Events [U, ITEMS] of users whose two traits each raise the log-odds of one kind of items."""
    rng = np.random.default_rng(seed)
    truth = np.stack([rng.integers(ONE, size=users), rng.integers(TWO, size=users)], axis=1)
    score = odds * ((KIND[0] == truth[:, :1]).astype(float) + (KIND[1] == truth[:, 1:]))
    likely = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
    return csr_matrix(np.stack([rng.multinomial(events, p) for p in likely]).astype(float)), truth


def search(counts, vectors=None, seed=0, starts=3):
    return Search(factorised_starts(counts, (ONE, TWO), vectors, None, starts), seed)


def agreement(codes, truth):
    return [adjusted_rand_score(truth[:, p], codes[:, p]) for p in range(2)]


def test_both_planted_profiles_are_found_and_new_users_coded_alike():
    counts, truth = planted()
    table = run(search(counts), counts).table
    assert min(agreement(table.codes(counts), truth)) >= 0.95
    fresh, theirs = planted(seed=1)
    assert min(agreement(table.codes(fresh), theirs)) >= 0.9
    permuted = np.random.default_rng(0).permutation(truth)
    assert max(map(abs, agreement(table.codes(counts), permuted))) < 0.03


def test_held_out_likelihood_never_falls_at_steps_that_are_not_annealed():
    counts, _ = planted(users=3000)
    em = search(counts, starts=1)
    seen, hidden = hide(counts, 0)
    block = Block(0, seen, csr_matrix(seen.shape))
    nats = []
    for step in range(35):
        em.observe(block)
        em.finish()
        if step >= em.schedule.warm:
            nats.append(em.best.held_out(seen, hidden))
    assert nats[0] > 0.1
    assert min(np.diff(nats)) > -1e-3


def test_likelihood_of_what_it_learns_from_rises_at_every_step():
    counts, _ = planted(odds=1.0, events=8)
    start = factorised_starts(counts, (ONE, TWO), None, 1e-6, 1)[0]
    start.draw(counts, np.random.default_rng(0))
    start.finish()
    nats = []
    for _ in range(25):
        nats.append(start.table.log_evidence(counts).mean())
        start.observe(counts, 1.0)
        start.finish()
    assert min(np.diff(nats)) > -1e-6
    assert nats[-1] > nats[0] + 0.1


def test_text_places_items_that_nobody_had():
    counts, _ = planted()
    known = np.arange(ITEMS) < ITEMS // 2
    seen = counts.multiply(known).tocsr()
    fresh, theirs = planted(seed=5)
    unseen = fresh.multiply(~known).tocsr()
    found = run(search(seen, WORDS), seen).table
    assert min(agreement(found.codes(unseen), theirs)) >= 0.5
    blind = run(search(seen), seen).table
    for evidence in blind[:2]:
        np.testing.assert_allclose(np.ptp(evidence[~known], axis=0), 0, atol=1e-9)


@pytest.mark.parametrize("vectors", [None, WORDS])
def test_with_one_code_in_the_other_profile_it_is_the_joint_m_step(vectors):
    counts, truth = planted()
    posterior = np.eye(ONE)[truth[:, 0]]
    expected, users = np.asarray(counts.T @ posterior), posterior.sum(axis=0)
    length = np.asarray(counts.sum(axis=1))
    sums = PairSums(
        expected,
        expected.sum(axis=1, keepdims=True),
        users[:, None],
        (length * posterior).sum(axis=0)[:, None],
        0.0,
    )
    # a text's intercept would start elsewhere: here all classes have about as many users
    priors = (item_prior(vectors, ONE), ClassShares())
    table = FactorisedItemEvents(priors, strength=10.0).table(sums, None)
    joint = ItemEvents(item_prior(vectors, ONE)).table(expected, users)
    if vectors is None:
        joint = ItemEvents(_Shares(length, posterior)).table(expected, users)
    found = table.first + table.second - table.log_normaliser[:, 0]
    np.testing.assert_allclose(found, joint.evidence, atol=0.05 if vectors is not None else 5e-3)


def test_m_steps_end_where_the_table_expects_what_was_counted():
    """Both profiles decide on every item here, so neither is right that leaves out what the other says."""
    rng = np.random.default_rng(0)
    counted = rng.gamma(2.0, 20.0, size=(30, ONE, TWO))  # events of item i by users with codes j and k
    sums = PairSums(counted.sum(axis=2), counted.sum(axis=1), np.ones((ONE, TWO)), counted.sum(axis=0), 0.0)
    model = FactorisedItemEvents((ClassShares(), ClassShares()), strength=1e-9)
    table = model.table(sums, None)
    for _ in range(60):
        table = model.table(sums, table)
    popularity = counted.sum(axis=(1, 2)) / counted.sum()
    odds = table.first[:, :, None] + table.second[:, None, :] - table.log_normaliser
    expected = sums.events * popularity[:, None, None] * np.exp(odds)
    np.testing.assert_allclose(expected.sum(axis=0), sums.events, rtol=1e-4)
    np.testing.assert_allclose(expected.sum(axis=2), sums.first, rtol=1e-3)
    np.testing.assert_allclose(expected.sum(axis=1), sums.second, rtol=1e-3)


class _Shares(ClassShares):
    """Of events in place of users, as items without text are expected."""

    def __init__(self, length, posterior) -> None:
        super().__init__()
        self.share = (length * posterior).sum(axis=0) / length.sum()

    def __call__(self, expected, share):
        return self.share[None]


def test_a_prior_that_outweighs_all_counts_says_nothing_without_text():
    counts, _ = planted()
    starts = factorised_starts(counts, (ONE, TWO), None, 1e12, 1)
    table = run(Search(starts, 0), counts).table
    np.testing.assert_allclose(np.ptp(table.first, axis=0), 0, atol=1e-6)
    assert isinstance(factorised_starts(counts, (ONE, TWO), WORDS, None, 1)[0].model.priors[0], TextPrior)


def test_a_log_too_small_for_its_codes_is_sound():
    lonely = csr_matrix(np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]))
    for counts in (lonely, lonely[:, :1]):
        table = run(Search(factorised_starts(counts, (8, 8), None, None, 3), 0), counts).table
        assert all(np.isfinite(part).all() for part in table)
        assert table.codes(counts).shape == (3, 2)
