"""A table under other names: codes, and rows of items that nobody had, follow."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from userip_lightning.catalogue.code_order import split_classes
from userip_lightning.catalogue.joint_table import CodeTable
from userip_lightning.catalogue.unseen_items import UnseenItems
from userip_lightning.refresh.renaming import like_before

SIZES, EVENTS, USERS, WIDTH = (3, 4), 40, 400, 5


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def counts(rng):
    return csr_matrix(rng.poisson(0.3, (USERS, EVENTS)).astype(float))


def _unseen(rng, columns):
    return UnseenItems(rng.normal(size=(WIDTH + 1, columns)), rng.normal(size=columns))


def _moved(rng, codes):
    """Codes of the same users before: a tenth of them was elsewhere."""
    elsewhere = rng.random(USERS) < 0.1
    other = np.stack([rng.integers(0, size, USERS) for size in SIZES], axis=1)
    return np.where(elsewhere[:, None], other, codes)


def test_joint_codes_get_their_names_back(rng, counts):
    table = CodeTable(rng.normal(size=(EVENTS, 12)), np.log(np.full(12, 1 / 12)))
    unseen, vectors = _unseen(rng, 12), rng.normal(size=(3, WIDTH))
    own = split_classes(table.codes(counts), SIZES)
    name = rng.permutation(12)  # class c used to be called name[c]
    before = split_classes(name[np.ravel_multi_index(tuple(own.T), SIZES)], SIZES)

    renamed, rows = like_before(table, unseen, _moved(rng, before), own, SIZES)

    assert isinstance(renamed, CodeTable)
    np.testing.assert_array_equal(split_classes(renamed.codes(counts), SIZES), before)
    np.testing.assert_allclose(rows.items(vectors)[:, name], unseen.items(vectors))
    np.testing.assert_array_equal(renamed.evidence[:, name], table.evidence)
