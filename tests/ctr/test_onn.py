import torch

from userip_lightning.ctr.networks.onn import ONN
from userip_lightning.schema import FeatureSchema, Field

SCHEMA = FeatureSchema((Field("user_id", 7), Field("item_id", 11), Field("hobby", 4)))


def test_what_the_user_shows_to_the_item_does_not_touch_its_product_with_the_hobby() -> None:
    net = ONN(SCHEMA, embedding_dim=4).eval()
    given: list[torch.Tensor] = []
    net.deep.register_forward_pre_hook(lambda module, args: given.append(args[0].view(-1, 3, 4)))
    fields = torch.tensor([[5, 3, 1]])
    net(fields)
    with torch.no_grad():
        net.products.embedding.table.weight[5, :4] += 1  # user 5 towards the item
    net(fields)
    changed = (given[0] != given[1]).any(dim=2)
    assert changed.tolist() == [[True, False, False]]


def test_all_its_vectors_start_small() -> None:
    tables = list(ONN(SCHEMA).tables())
    assert [tuple(table.shape) for table in tables] == [(22, 16), (22, 1)]
    assert all(table.std() < 0.02 for table in tables)
