from itertools import product

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import normalize

from userip_lightning.catalogue.additive_table import (
    AdditiveTable,
    additive_table,
    directions,
    nearest,
    residual_codebooks,
)
from userip_lightning.catalogue.joint_table import CodeTable

CLASSES = 5


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def table(rng: np.random.Generator) -> CodeTable:
    evidence = np.round(rng.normal(size=(30, CLASSES)) * 2**16) / 2**16
    return CodeTable(evidence, np.round(np.log(rng.dirichlet(np.ones(CLASSES))) * 2**16) / 2**16)


@pytest.fixture
def counts(rng: np.random.Generator) -> csr_matrix:
    return csr_matrix(rng.poisson(0.3, size=(200, 30)).astype(float))


def test_a_direction_is_the_sum_of_one_codeword_of_every_profile(rng: np.random.Generator) -> None:
    codebooks = [rng.normal(size=(size, CLASSES)) for size in (2, 3, 2)]
    wanted = [np.sum(words, axis=0) for words in product(*codebooks)]
    found = directions(codebooks)
    np.testing.assert_allclose(found, normalize(wanted), atol=2.0**-13)
    assert np.array_equal(found * 2**12, np.round(found * 2**12))


def test_a_code_is_the_combination_with_the_largest_cosine_of_all(
    table: CodeTable, counts: csr_matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = additive_table(table, counts, (4, 5), seed=0)
    score = table.scores(counts)
    score -= score.mean(axis=1, keepdims=True)
    cosine = normalize(score) @ normalize(made.directions).T
    found = cosine[np.arange(200), made.codes(counts)]
    np.testing.assert_allclose(found, cosine.max(axis=1), atol=1e-3)  # directions are rounded
    monkeypatch.setattr("userip_lightning.catalogue.additive_table._CELLS", 60)
    assert np.array_equal(made.codes(counts), nearest(table.scores(counts), made.directions))


def test_twice_the_events_have_the_same_code_where_classes_are_alike_in_size(
    table: CodeTable, counts: csr_matrix
) -> None:
    even = table._replace(log_share=np.zeros(CLASSES))
    made = additive_table(even, counts, (4, 4), seed=0)
    assert np.array_equal(made.codes(counts), made.codes(counts * 2))
    assert np.array_equal(made.codes(csr_matrix((1, 30))), [0])  # nothing points anywhere


def test_planted_directions_are_found(rng: np.random.Generator) -> None:
    coarse, fine = np.eye(8)[:4] * 2, np.eye(8)[4:7]
    hobby, background = rng.integers(4, size=600), rng.integers(3, size=600)
    vectors = coarse[hobby] + fine[background] + 0.05 * rng.normal(size=(600, 8))
    found = nearest(vectors, directions(residual_codebooks(vectors, (4, 3), seed=0)))
    one, two = np.unravel_index(found, (4, 3))
    assert adjusted_rand_score(hobby, one) > 0.95
    assert adjusted_rand_score(background, two) > 0.95


def test_codebooks_come_out_the_same_and_other_users_make_others(
    table: CodeTable, counts: csr_matrix
) -> None:
    first, again = (additive_table(table, counts, (4, 4), seed=0) for _ in range(2))
    assert all(np.array_equal(*pair) for pair in zip(first, again, strict=True))
    assert not np.array_equal(first.directions, additive_table(table, counts[:50], (4, 4), 0).directions)


def test_users_without_events_shape_no_codebook(table: CodeTable, counts: csr_matrix) -> None:
    nobody = csr_matrix((np.concatenate([counts.data]), counts.indices, counts.indptr), shape=counts.shape)
    padded = csr_matrix(np.vstack([nobody.toarray(), np.zeros((300, 30))]))
    found = additive_table(table, padded, (4, 4), seed=0)
    assert np.array_equal(found.directions, additive_table(table, counts, (4, 4), seed=0).directions)


@pytest.mark.parametrize("users", [1, 3])
def test_fewer_users_than_codes_leave_codes_unused(table: CodeTable, users: int) -> None:
    few = csr_matrix(np.eye(30)[:users])
    found = additive_table(table, few, (4, 4), seed=0)
    assert isinstance(found, AdditiveTable)
    assert found.directions.shape == (16, CLASSES)
    assert np.isfinite(found.directions).all()
    codes = found.codes(few)
    assert len(np.unique(codes)) == users
