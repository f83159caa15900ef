import torch

from userip_lightning.ctr.networks.biased_mf import BiasedMF
from userip_lightning.schema import FeatureSchema, Field

SCHEMA = FeatureSchema((Field("hobby", 4), Field("item_id", 11), Field("user_id", 7)))


def test_logits_are_biases_and_a_dot_product() -> None:
    torch.manual_seed(0)
    net = BiasedMF(SCHEMA, embedding_dim=3)
    vectors, biases = net.embedding.table.weight, net.first_order.weight.table.weight
    assert vectors.shape == (7 + 11, 3)
    user, item = 5, 7 + 10
    expected = vectors[user] @ vectors[item] + biases[user, 0] + biases[item, 0]
    assert torch.allclose(net(torch.tensor([[1, 10, 5]])), expected, atol=1e-7)
