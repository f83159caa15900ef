import torch

from userip_lightning.ctr.networks.deepfm import DeepFM
from userip_lightning.ctr.networks.difm import DIFM
from userip_lightning.schema import FeatureSchema, Field

SCHEMA = FeatureSchema((Field("user_id", 7), Field("item_id", 11), Field("hobby", 4)))
FIELDS = torch.tensor([[0, 3, 1], [6, 10, 3]])


def test_factors_scale_weights_and_vectors() -> None:
    """Factors of 2 double the linear part and quadruple the products of a plain factorization machine."""
    torch.manual_seed(0)
    net = DIFM(SCHEMA, hidden=()).eval()
    torch.nn.init.normal_(net.embedding.table.weight)
    torch.nn.init.normal_(net.first_order.table.weight)
    net.bias.data.fill_(0.5)
    torch.nn.init.zeros_(net.from_vectors.weight)
    torch.nn.init.zeros_(net.from_bits.weight)
    assert torch.equal(net(FIELDS), torch.full((2,), 0.5))
    net.from_bits.register_forward_hook(lambda module, args, out: torch.full_like(out, 2.0))
    plain = DeepFM(SCHEMA, hidden=()).eval()
    torch.nn.init.zeros_(plain.output.weight)
    plain.embedding.table.weight.data.copy_(net.embedding.table.weight)
    products = plain(FIELDS) - plain.first_order(FIELDS)
    linear = net.first_order(FIELDS).sum(dim=(1, 2))
    assert torch.allclose(net(FIELDS), 4 * products + 2 * linear + 0.5, atol=1e-5)
