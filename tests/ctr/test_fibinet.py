import torch

from userip_lightning.ctr.networks.fibinet import FiBiNET, SqueezeExcitation
from userip_lightning.schema import FeatureSchema, Field

SCHEMA = FeatureSchema((Field("user_id", 7), Field("item_id", 11), Field("hobby", 4)))


def test_importance_comes_from_the_means_of_all_fields() -> None:
    importance = SqueezeExcitation(fields=6, reduction=3)
    assert importance.squeeze.weight.shape == (2, 6)
    embeddings = torch.randn(5, 6, 4)
    for row, out in zip(embeddings, importance(embeddings), strict=True):
        means = row.mean(dim=1)
        narrow = torch.relu(importance.squeeze.weight @ means)
        weights = torch.relu(importance.excite.weight @ narrow)
        assert torch.allclose(out, weights, atol=1e-6)


def test_no_field_starts_without_importance() -> None:
    for seed in range(20):
        torch.manual_seed(seed)
        importance = SqueezeExcitation(fields=2, reduction=3)
        assert importance(torch.randn(50, 2, 4)).any(dim=0).all()


def test_the_mlp_is_given_both_branches_through_the_same_matrices() -> None:
    torch.manual_seed(0)
    net = FiBiNET(SCHEMA, embedding_dim=4).eval()
    given: list[torch.Tensor] = []
    net.deep.register_forward_pre_hook(lambda module, args: given.append(args[0]))
    fields = torch.tensor([[0, 3, 1], [6, 10, 3]])
    net(fields)
    e = net.embedding(fields)
    scaled = net.importance(e).unsqueeze(2) * e
    expected = torch.cat([net.bilinear(scaled).flatten(1), net.bilinear(e).flatten(1)], dim=1)
    assert torch.allclose(given[0], expected, atol=1e-9)
    assert given[0][:, :12].any()
    assert given[0].shape == (2, 2 * 3 * 4)
