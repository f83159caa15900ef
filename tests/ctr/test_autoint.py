import pytest
import torch

from userip_lightning.ctr.networks.autoint import AutoInt
from userip_lightning.errors import InputError
from userip_lightning.schema import FeatureSchema, Field

SCHEMA = FeatureSchema((Field("user_id", 7), Field("item_id", 11), Field("hobby", 4)))
FIELDS = torch.tensor([[0, 3, 1], [6, 10, 3]])


def test_without_attention_layers_it_reads_embeddings_and_mlp() -> None:
    net = AutoInt(SCHEMA, attention_layers=0).eval()
    e = net.embedding(FIELDS).flatten(1)
    expected = net.output(torch.cat([e, net.deep(e)], dim=1)).squeeze(1) + net.first_order(FIELDS)
    assert torch.equal(net(FIELDS), expected)


def test_what_a_field_becomes_depends_on_its_neighbours() -> None:
    torch.manual_seed(0)
    net = AutoInt(SCHEMA).eval()
    torch.nn.init.normal_(net.embedding.table.weight)
    other = FIELDS.clone()
    other[:, 2] = 0
    assert not torch.allclose(
        net.attention(net.embedding(FIELDS))[:, 0], net.attention(net.embedding(other))[:, 0]
    )


def test_heads_must_divide_the_embedding() -> None:
    with pytest.raises(InputError, match="got 8 and 3"):
        AutoInt(SCHEMA, heads=3)
