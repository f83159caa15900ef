import numpy as np
import pytest
from scipy.sparse import csr_matrix, hstack
from scipy.special import logsumexp
from sklearn.metrics import adjusted_rand_score

from tests.catalogue.planted import CLASSES, ITEMS, planted
from userip_lightning.catalogue.em_search import Block, Search, hide, run
from userip_lightning.catalogue.event_model import ItemEvents, LabelledItemEvents
from userip_lightning.catalogue.joint_em import JointStart, fit
from userip_lightning.catalogue.label_prior import LikePrior
from userip_lightning.catalogue.text_prior import ClassShares, TextPrior

WORDS = np.eye(CLASSES)[np.arange(ITEMS) % CLASSES]  # a text that names the item's class


def counting():
    return ItemEvents(ClassShares())


def test_planted_classes_are_found_and_permuted_users_agree_with_nothing():
    log = planted()
    codes = fit(log.counts, CLASSES, counting, seed=0).codes(log.counts)
    assert adjusted_rand_score(log.truth, codes) >= 0.95
    assert abs(adjusted_rand_score(np.random.default_rng(0).permutation(log.truth), codes)) < 0.03


def test_new_users_are_coded_by_the_table_of_others():
    table = fit(planted(seed=1).counts, CLASSES, counting, seed=0)
    fresh = planted(seed=2)
    assert adjusted_rand_score(fresh.truth, table.codes(fresh.counts)) >= 0.9


def test_the_same_seed_gives_the_same_table():
    log = planted()
    first, again, other = (fit(log.counts, CLASSES, counting, seed) for seed in (3, 3, 4))
    assert np.array_equal(first.evidence, again.evidence)
    assert not np.array_equal(first.evidence, other.evidence)


def test_single_events_cannot_judge_starts_so_one_goes_on_without_a_figure():
    counts = csr_matrix(np.eye(CLASSES)[np.arange(60) % CLASSES])
    starts = [JointStart(CLASSES, CLASSES, counting()) for _ in range(3)]
    search = Search(starts, seed=0)
    for _ in range(3):
        search.observe(Block(0, *hide(counts, seed=0)))
        assert np.isnan(search.finish().held_out)
        assert search.starts == starts[:1]
    others = [run(Search([JointStart(CLASSES, CLASSES, counting())], seed), counts).table for seed in (1, 2)]
    likelihoods = [logsumexp(table.scores(counts), axis=1).mean() for table in others]
    assert likelihoods[0] == pytest.approx(likelihoods[1], abs=1e-6)  # of what is seen


def test_text_tells_the_class_of_items_that_nobody_had():
    log = planted()
    known = np.arange(ITEMS) < ITEMS // 2
    seen = log.counts.multiply(known).tocsr()
    table = fit(seen, CLASSES, lambda: ItemEvents(TextPrior(WORDS, CLASSES)), seed=0)
    fresh = planted(seed=5)
    unseen = fresh.counts.multiply(~known).tocsr()
    assert adjusted_rand_score(fresh.truth, table.codes(unseen)) >= 0.8
    blind = fit(seen, CLASSES, counting, seed=0)
    np.testing.assert_allclose(np.ptp(blind.evidence[~known], axis=0), 0, atol=1e-12)


def test_texts_of_items_without_events_have_no_say_in_the_fit():
    rng = np.random.default_rng(0)
    texts, expected = rng.normal(size=(40, 3)), rng.gamma(1.0, size=(40, 2))
    expected[20:] = 0.0
    fitted = TextPrior(texts, 2)
    told = fitted(expected, np.full(2, 0.5))
    unmet, met = (np.concatenate([texts[:20][::a], texts[20:][::b]]) for a, b in ((1, -1), (-1, 1)))
    same, other = TextPrior(unmet, 2), TextPrior(met, 2)
    np.testing.assert_allclose(same(expected, np.full(2, 0.5))[20:], told[20:][::-1], atol=1e-12)
    np.testing.assert_allclose(same.weight, fitted.weight, atol=1e-12)
    other(expected, np.full(2, 0.5))
    assert abs(other.weight - fitted.weight).max() > 0.01


def test_generosity_is_found_where_events_have_labels():
    rng = np.random.default_rng(0)
    generous = rng.random(300) < 0.5
    user, item = np.repeat(np.arange(300), 20), rng.integers(40, size=6000)
    liked = rng.random(6000) < np.where(generous[user], 0.8, 0.3)
    counts = csr_matrix((np.ones(6000), (user, item + 40 * liked)), shape=(300, 80))
    codes = fit(counts, 2, lambda: LabelledItemEvents(LikePrior(None, 2)), seed=0).codes(counts)
    assert adjusted_rand_score(generous, codes) >= 0.9


def test_a_log_too_small_for_its_classes_is_sound():
    lonely = csr_matrix(np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]))
    for counts in (lonely, lonely[:, :1]):
        table = fit(counts, 12, counting, seed=0)
        assert np.isfinite(table.evidence).all()
        assert np.isfinite(table.log_share).all()
    pairs = hstack([lonely, lonely]).tocsr()
    assert np.isfinite(fit(pairs, 3, lambda: LabelledItemEvents(LikePrior(None, 3)), seed=0).evidence).all()


@pytest.mark.parametrize(("strength", "says"), [(1e-9, "counts"), (1e12, "prior")])
def test_strength_goes_from_the_counts_alone_to_the_prior_alone(strength, says):
    log = planted()
    posterior = np.eye(CLASSES)[log.truth]
    expected = np.asarray(log.counts.T @ posterior)
    table = ItemEvents(ClassShares(), strength).table(expected, posterior.sum(axis=0))
    if says == "prior":
        np.testing.assert_allclose(table.evidence, 0, atol=1e-6)
    else:
        given = expected / expected.sum(axis=1, keepdims=True)
        popularity = expected.sum(axis=1) + 0.01
        alone = popularity / popularity.sum() @ given
        np.testing.assert_allclose(np.exp(table.evidence), given / alone, atol=1e-6)
