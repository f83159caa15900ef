import torch
from torch import distributed, nn

from tests.distributed.processes import together
from userip_lightning.distributed.gradients import sum_gradients
from userip_lightning.distributed.part import every

ROWS = torch.tensor([[0, 5], [2, 2], [5, 7], [1, 0], [5, 5]])


class Net(nn.Module):
    """Two row-sparse tables, of different width, and dense weights."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.wide, self.narrow = nn.Embedding(8, 3, sparse=True), nn.Embedding(8, 1, sparse=True)
        self.layer, self.unused = nn.Linear(6, 2), nn.Linear(2, 2)

    def backward(self, rows: torch.Tensor) -> None:
        found = self.layer(self.wide(rows).flatten(1)).square().sum() + self.narrow(rows).exp().sum()
        found.backward()


def compare(ranks: int) -> None:
    distributed.init_process_group("gloo")
    part = every(len(ROWS), distributed.get_rank(), ranks, ROWS.device)  # five rows: parts of unequal size
    whole, own = Net(), Net()
    whole.backward(ROWS)
    own.backward(ROWS[part.rows])
    sum_gradients(own.parameters())
    for one, two in zip(own.parameters(), whole.parameters(), strict=True):
        if two.grad is None:
            assert one.grad is None
            continue
        assert one.grad is not None
        assert one.grad.is_sparse == two.grad.is_sparse
        assert one.grad.is_sparse is False or one.grad._nnz() == two.grad._nnz()
        ours, theirs = (g.grad.to_dense() if g.grad.is_sparse else g.grad for g in (one, two))
        assert torch.allclose(ours, theirs, atol=1e-6)
    distributed.destroy_process_group()


def test_parts_of_unequal_size_add_up_to_the_gradients_of_the_batch() -> None:
    together(compare, 2)
