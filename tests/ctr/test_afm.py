import torch

from userip_lightning.ctr.layers.interactions import factorization_machine
from userip_lightning.ctr.networks.afm import AFM
from userip_lightning.schema import FeatureSchema, Field

TWO = FeatureSchema((Field("user_id", 7), Field("item_id", 11)))
THREE = FeatureSchema((*TWO.fields, Field("hobby", 4)))
FIELDS = torch.tensor([[0, 3, 1], [6, 10, 3], [2, 2, 0]])


def test_attention_weighs_pairs_by_what_they_are() -> None:
    torch.manual_seed(0)
    net = AFM(THREE).eval()
    torch.nn.init.normal_(net.embedding.table.weight)
    hidden, _, score = net.attention
    e = net.embedding(FIELDS)
    expected = []
    for row in e:
        products = [row[0] * row[1], row[0] * row[2], row[1] * row[2]]
        scores = torch.cat([score(torch.relu(hidden(product))) for product in products])
        weights = scores.exp() / scores.exp().sum()
        pooled = sum(weight * product for weight, product in zip(weights, products, strict=True))
        expected.append(net.output.weight[0] @ pooled)
    assert torch.allclose(net(FIELDS), torch.stack(expected) + net.first_order(FIELDS), atol=1e-5)


def test_even_attention_is_a_factorization_machine() -> None:
    torch.manual_seed(0)
    net = AFM(THREE).eval()
    with torch.no_grad():
        net.attention[2].weight.zero_()  # every pair gets 1/3
        net.output.weight.fill_(3.0)
    pairs = net(FIELDS) - net.first_order(FIELDS)
    assert torch.allclose(pairs, factorization_machine(net.embedding(FIELDS)), atol=1e-6)


def test_one_pair_needs_no_attention() -> None:
    assert AFM(TWO).attention is None
    assert "attention" not in " ".join(AFM(TWO).state_dict())
