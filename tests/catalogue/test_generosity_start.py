import numpy as np
from scipy.sparse import csr_matrix

from userip_lightning.catalogue.event_model import event_model
from userip_lightning.catalogue.generosity_start import generosity_opening
from userip_lightning.catalogue.joint_em import fit


def rated(users: int = 400, items: int = 30) -> csr_matrix:
    """Users like a share of twenty items that goes from .1 to .9."""
    rng = np.random.default_rng(0)
    user, item = np.repeat(np.arange(users), 20), rng.integers(items, size=users * 20)
    liked = rng.random(user.size) < np.linspace(0.1, 0.9, users)[user]
    return csr_matrix((np.ones(user.size), (user, item + items * liked)), shape=(users, 2 * items))


def test_an_opening_is_the_quantile_of_generosity_whatever_the_block():
    counts = rated()
    opening = generosity_opening(counts, 4)
    classes = opening(counts)
    assert np.bincount(classes).min() > 80
    liked = np.asarray(counts[:, 30:].sum(axis=1)).ravel()
    assert np.all(np.diff([liked[classes == c].mean() for c in range(4)]) > 1)
    assert np.array_equal(opening(counts[100:110]), classes[100:110])


def test_a_search_starts_at_its_opening():
    counts = rated()
    ordered = fit(
        counts,
        4,
        lambda: event_model(True, None, 4, 1e6),
        0,
        restarts=1,
        opening=generosity_opening(counts, 4),
    ).codes(counts)
    alike = np.zeros(counts.shape[0], dtype=np.int64)
    single = fit(
        counts, 4, lambda: event_model(True, None, 4, 1e6), 0, restarts=1, opening=lambda part: alike
    ).codes(counts)
    assert not np.array_equal(ordered, single)
    means = [np.flatnonzero(ordered == c).mean() for c in np.unique(ordered)]
    assert means == sorted(means)
