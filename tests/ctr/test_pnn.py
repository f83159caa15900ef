import torch

from userip_lightning.ctr.networks.pnn import PNN
from userip_lightning.schema import FeatureSchema, Field

SCHEMA = FeatureSchema((Field("user_id", 7), Field("item_id", 11), Field("hobby", 4)))


def test_the_mlp_is_given_embeddings_and_inner_products() -> None:
    net = PNN(SCHEMA, embedding_dim=4).eval()
    given: list[torch.Tensor] = []
    net.deep.register_forward_pre_hook(lambda module, args: given.append(args[0]))
    fields = torch.tensor([[0, 3, 1], [6, 10, 3]])
    net(fields)
    user, item, hobby = net.embedding(fields).unbind(dim=1)
    inner = torch.stack([(user * item).sum(1), (user * hobby).sum(1), (item * hobby).sum(1)], dim=1)
    assert torch.equal(given[0], torch.cat([user, item, hobby, inner], dim=1))


def test_it_has_no_first_order_part() -> None:
    assert [tuple(table.shape) for table in PNN(SCHEMA).tables()] == [(22, 8)]
