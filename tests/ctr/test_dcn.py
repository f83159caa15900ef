import torch

from userip_lightning.ctr.networks.dcn import DCN
from userip_lightning.schema import FeatureSchema, Field

SCHEMA = FeatureSchema((Field("user_id", 7), Field("item_id", 11)))


def rows(count: int) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.stack([torch.randint(7, (count,)), torch.randint(11, (count,))], dim=1)


def test_one_logit_per_row_that_depends_on_that_row_alone() -> None:
    net = DCN(SCHEMA).eval()
    fields = rows(5)
    logits = net(fields)
    assert logits.shape == (5,)
    assert torch.allclose(net(fields[2:3]), logits[2:3], atol=1e-6)


def test_every_parameter_learns() -> None:
    torch.manual_seed(0)
    net = DCN(SCHEMA, dropout=0.0)
    net(rows(64)).square().sum().backward()
    still = [name for name, weight in net.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert still == []


def test_tables_are_the_embedding_and_the_first_order_weights() -> None:
    net = DCN(SCHEMA, embedding_dim=4)
    assert [tuple(table.shape) for table in net.tables()] == [(18, 4), (18, 1)]


def test_learns_an_interaction_that_no_linear_model_can() -> None:
    torch.manual_seed(0)
    fields = rows(256)
    label = ((fields[:, 0] + fields[:, 1]) % 2).float()
    net = DCN(SCHEMA, dropout=0.0)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.03)
    for _ in range(80):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(net(fields), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.2
