import numpy as np
import pytest
import torch

from userip_lightning.ctr.layers.basic import MLP, CrossNetwork, Dropout, FirstOrder, FusedEmbedding
from userip_lightning.schema import FeatureSchema, Field

SCHEMA = FeatureSchema((Field("user_id", 3), Field("item_id", 4), Field("code_hobby", 2)))
FIELDS = torch.tensor([[0, 0, 0], [2, 3, 1]])


def test_fused_embedding_gives_every_field_its_own_rows() -> None:
    embedding = FusedEmbedding(SCHEMA, dim=5)
    table = embedding.table.weight
    assert table.shape == (9, 5)
    expected = torch.stack([table[[0, 3, 7]], table[[2, 6, 8]]])
    assert torch.equal(embedding(FIELDS), expected)


def test_fused_embedding_saves_its_table_alone() -> None:
    assert list(FusedEmbedding(SCHEMA, dim=5).state_dict()) == ["table.weight"]


def test_a_field_with_vectors_maps_them_in_its_own_place() -> None:
    vectors = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, -1.0]], dtype=np.float32)
    schema = FeatureSchema((Field("user_id", 3), Field("z_hobby", 3, vectors), Field("item_id", 4)))
    embedding = FusedEmbedding(schema, dim=2)
    weight = torch.tensor([[1.0, 10.0], [0.0, -1.0]])
    with torch.no_grad():
        embedding.frozen["1"].project.weight.copy_(weight)
    table = embedding.table.weight
    assert table.shape == (7, 2)
    out = embedding(torch.tensor([[2, 1, 0], [0, 2, 3], [1, 0, 1]]))
    expected = [
        torch.stack([table[2], torch.tensor([21.0, -2.0]), table[3]]),
        torch.stack([table[0], torch.tensor([-7.0, 1.0]), table[6]]),
        torch.stack([table[1], torch.zeros(2), table[4]]),
    ]
    assert torch.equal(out, torch.stack(expected))
    assert list(embedding.state_dict()) == ["table.weight", "frozen.1.project.weight"]


def test_first_order_weighs_the_entries_of_a_vector() -> None:
    schema = FeatureSchema((Field("item_id", 2), Field("z", 2, np.eye(2, 3, dtype=np.float32))))
    linear = FirstOrder(schema)
    with torch.no_grad():
        linear.weight.table.weight.zero_()
        linear.weight.frozen["1"].project.weight.copy_(torch.tensor([[5.0, 7.0, 9.0]]))
    assert linear(torch.tensor([[0, 0], [1, 1]])).tolist() == [5.0, 7.0]


def test_first_order_sums_one_weight_per_field() -> None:
    linear = FirstOrder(SCHEMA)
    with torch.no_grad():
        linear.weight.table.weight.copy_(torch.arange(9.0).unsqueeze(1))
        linear.bias.fill_(0.5)
    assert torch.equal(linear(FIELDS), torch.tensor([0 + 3 + 7 + 0.5, 2 + 6 + 8 + 0.5]))


def test_cross_network_is_its_equation_row_by_row() -> None:
    torch.manual_seed(0)
    cross = CrossNetwork(dim=4, layers=3)
    torch.nn.init.normal_(cross.bias)
    x0 = torch.randn(6, 4)
    rows = []
    for row in x0:
        x = row
        for weight, bias in zip(cross.weight, cross.bias, strict=True):
            x = row * sum(x[i] * weight[i] for i in range(4)) + bias + x
        rows.append(x)
    assert torch.allclose(cross(x0), torch.stack(rows), atol=1e-6)


@pytest.mark.parametrize("layers", [0, 1, 3])
def test_the_projection_of_a_cross_network_is_that_of_its_output(layers: int) -> None:
    torch.manual_seed(0)
    cross, x0, direction = CrossNetwork(4, layers), torch.randn(6, 4), torch.randn(4)
    torch.nn.init.normal_(cross.bias)
    assert torch.allclose(cross.project(x0, direction), cross(x0) @ direction, atol=1e-5)


def test_cross_network_without_layers_is_the_identity() -> None:
    x0 = torch.randn(2, 4)
    assert torch.equal(CrossNetwork(4, 0)(x0), x0)


def test_mlp_drops_in_training_alone() -> None:
    torch.manual_seed(0)
    mlp = MLP(4, (16, 8), dropout=0.5)
    x = torch.randn(3, 4)
    assert mlp.out_dim == 8
    assert not torch.equal(mlp(x), mlp(x))
    mlp.eval()
    assert torch.equal(mlp(x), mlp(x))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dropout_keeps_the_share_and_the_mean(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    dropout, x = Dropout(0.2), torch.ones(40_000, dtype=dtype, requires_grad=True)
    out = dropout(x)
    out.sum().backward()
    kept = out != 0
    assert out.dtype == dtype
    assert kept.float().mean().item() == pytest.approx(0.8, abs=0.01)
    assert (out[kept] == torch.tensor(1.25, dtype=dtype)).all()
    assert torch.equal(x.grad, out.detach())
    assert dropout.eval()(x) is x


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_dropout_of_nothing_and_of_everything(p: float) -> None:
    assert torch.equal(Dropout(p)(torch.ones(5)), torch.full((5,), 1 - p))


@pytest.mark.parametrize("hidden", [(), []])
def test_mlp_without_layers_is_the_identity(hidden: list[int]) -> None:
    mlp = MLP(4, hidden, dropout=0.5)
    x = torch.randn(3, 4)
    assert mlp.out_dim == 4
    assert torch.equal(mlp(x), x)
