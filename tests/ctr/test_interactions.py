import pytest
import torch

from userip_lightning.ctr.layers.interactions import (
    BilinearProducts,
    FieldAwareProducts,
    PairwiseProducts,
    factorization_machine,
    field_pairs,
)
from userip_lightning.errors import InputError
from userip_lightning.schema import FeatureSchema, Field

SCHEMA = FeatureSchema((Field("user_id", 3), Field("item_id", 4), Field("hobby", 2), Field("age", 5)))
EMBEDDINGS = torch.randn(6, 4, 5, generator=torch.Generator().manual_seed(0))


def test_pairs_go_in_order() -> None:
    assert field_pairs(SCHEMA).T.tolist() == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]


@pytest.mark.parametrize(("fields", "named"), [((), "none"), ((Field("user_id", 3),), "user_id")])
def test_one_field_has_no_pairs(fields: tuple[Field, ...], named: str) -> None:
    with pytest.raises(InputError, match=f"at least two fields; there is {named}"):
        field_pairs(FeatureSchema(fields))


def test_factorization_machine_is_a_double_loop() -> None:
    expected = []
    for row in EMBEDDINGS.tolist():
        pairs = ((row[i], row[j]) for i in range(4) for j in range(i + 1, 4))
        expected.append(sum(a * b for left, right in pairs for a, b in zip(left, right, strict=True)))
    assert torch.allclose(factorization_machine(EMBEDDINGS), torch.tensor(expected), atol=1e-5)


def test_pairwise_products_sum_to_a_factorization_machine() -> None:
    products = PairwiseProducts(SCHEMA)(EMBEDDINGS)
    assert torch.equal(products[:, 4], EMBEDDINGS[:, 1] * EMBEDDINGS[:, 3])
    assert torch.allclose(products.sum(dim=(1, 2)), factorization_machine(EMBEDDINGS), atol=1e-5)


def test_bilinear_products_have_a_matrix_per_pair() -> None:
    torch.manual_seed(0)
    bilinear = BilinearProducts(SCHEMA, embedding_dim=5)
    out = bilinear(EMBEDDINGS)
    for pair, (i, j) in enumerate(field_pairs(SCHEMA).T.tolist()):
        for row in range(6):
            expected = (bilinear.weight[pair] @ EMBEDDINGS[row, i]) * EMBEDDINGS[row, j]
            assert torch.allclose(out[row, pair], expected, atol=1e-5)


def test_a_value_has_one_vector_for_each_other_field_and_none_for_its_own() -> None:
    products = FieldAwareProducts(SCHEMA, embedding_dim=2)
    table = products.embedding.table.weight
    assert table.shape == (14, 3 * 2)
    with torch.no_grad():
        table.copy_(torch.arange(84.0).view(14, 6))
    out = products(torch.tensor([[2, 0, 1, 4]]))[0]
    # Rows 2, 3, 8 and 13. Field 1 shows its three vectors to the fields 0, 2 and 3.
    assert torch.equal(out[0], table[2, 0:2] * table[3, 0:2])
    assert torch.equal(out[2], table[2, 4:6] * table[13, 0:2])
    assert torch.equal(out[3], table[3, 2:4] * table[8, 2:4])
    assert torch.equal(out[5], table[8, 4:6] * table[13, 4:6])


def test_pair_indexes_are_in_no_checkpoint() -> None:
    assert list(FieldAwareProducts(SCHEMA, 2).state_dict()) == ["embedding.table.weight"]
    assert list(PairwiseProducts(SCHEMA).state_dict()) == []
    assert list(BilinearProducts(SCHEMA, 2).state_dict()) == ["weight"]
