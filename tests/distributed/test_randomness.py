import torch
from torch import Tensor, nn
from torch.nn import functional

from userip_lightning.ctr.layers.basic import Dropout
from userip_lightning.distributed.part import every
from userip_lightning.distributed.randomness import WholeBatchRandomness


class Random(nn.Module):
    """Every kind of random number that the networks draw over rows, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.torchs, self.ours = nn.Dropout(0.3), Dropout(0.3)

    def forward(self, x: Tensor) -> Tensor:
        kept = self.ours(self.torchs(x))
        return functional.dropout(kept, 0.1, training=self.training)


def test_rows_get_the_numbers_that_they_get_in_the_whole_batch() -> None:
    x, network = torch.arange(1.0, 45.0).view(11, 4), Random()
    torch.manual_seed(3)
    whole, after = network(x), torch.rand(2)
    for rank in range(3):
        part = every(11, rank, 3, x.device)
        torch.manual_seed(3)
        with WholeBatchRandomness(part):
            own = network(x[part.rows])
        assert torch.equal(own, whole[part.rows])
        assert torch.equal(torch.rand(2), after)


def test_gradients_go_through_the_mask() -> None:
    part, x = every(4, 1, 2, torch.device("cpu")), torch.ones(2, 8, requires_grad=True)
    with WholeBatchRandomness(part):
        out = functional.dropout(x, 0.5)
        out.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, out.detach())
    assert set(out.unique().tolist()) == {0.0, 2.0}


def test_what_is_not_over_the_rows_is_left_alone() -> None:
    part = every(9, 0, 3, torch.device("cpu"))
    torch.manual_seed(0)
    expected = torch.rand(5), functional.dropout(torch.ones(2, 2))
    torch.manual_seed(0)
    with WholeBatchRandomness(part):
        found = torch.rand(5), functional.dropout(torch.ones(2, 2))
    assert all(torch.equal(one, two) for one, two in zip(found, expected, strict=True))


def test_evaluation_draws_nothing() -> None:
    x, network = torch.ones(4, 3), nn.Sequential(nn.Dropout(0.5), Dropout(0.5)).eval()
    with WholeBatchRandomness(every(8, 0, 2, x.device)):
        assert torch.equal(network(x), x)
