import copy
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from userip_lightning.ctr.row_adam import RowAdam, _rows


def table(rows: int = 5, dim: int = 2) -> nn.Embedding:
    torch.manual_seed(0)
    return nn.Embedding(rows, dim, sparse=True)


def step(embedding: nn.Embedding, optimizer: RowAdam, index: list[int], weight: Tensor) -> None:
    """One step whose gradient of every look-up of a row is ``weight`` [E]."""
    optimizer.zero_grad()
    (embedding(torch.tensor(index)) * weight).sum().backward()
    optimizer.step()


def by_hand(
    start: list[float], gradients: list[list[float]], lr: float, decays: tuple[float, ...]
) -> list[float]:
    """Adam as its paper writes it, one number at a time; at every step with its own weight decay."""
    beta1, beta2, eps = 0.9, 0.999, 1e-8
    end = []
    for at, weight in enumerate(start):
        mean = square = 0.0
        for time, (gradient, decay) in enumerate(zip(gradients, decays, strict=True), start=1):
            g = gradient[at] + decay * weight
            mean = beta1 * mean + (1 - beta1) * g
            square = beta2 * square + (1 - beta2) * g * g
            weight -= lr * (mean / (1 - beta1**time)) / (math.sqrt(square / (1 - beta2**time)) + eps)
        end.append(weight)
    return end


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_a_row_goes_through_adam_as_if_it_were_alone(decay: float) -> None:
    embedding = table()
    start = embedding.weight.detach().clone()
    optimizer = RowAdam(embedding.parameters(), lr=0.1, weight_decay=decay)
    step(embedding, optimizer, [1, 1, 3], torch.tensor([1.0, -2.0]))
    step(embedding, optimizer, [3], torch.tensor([0.5, 0.25]))
    step(embedding, optimizer, [1], torch.tensor([-1.0, 4.0]))
    # Row 1 is looked up in batches 1 and 3 of 3, row 3 in batches 1 and 2: t / s_r is 1, 3/2 and 1, 2/2.
    first = by_hand(start[1].tolist(), [[2.0, -4.0], [-1.0, 4.0]], 0.1, (decay, 1.5 * decay))
    third = by_hand(start[3].tolist(), [[1.0, -2.0], [0.5, 0.25]], 0.1, (decay, decay))
    assert embedding.weight[1].tolist() == pytest.approx(first, abs=1e-6)
    assert embedding.weight[3].tolist() == pytest.approx(third, abs=1e-6)


def test_rows_that_were_not_looked_up_keep_their_bits() -> None:
    embedding = table()
    optimizer = RowAdam(embedding.parameters(), lr=0.1, weight_decay=0.5)
    step(embedding, optimizer, [0, 2], torch.ones(2))
    before = copy.deepcopy((embedding.weight.detach(), optimizer.state[embedding.weight]))
    step(embedding, optimizer, [2], torch.ones(2))
    weight, state = before
    assert torch.equal(embedding.weight[[0, 1, 3, 4]], weight[[0, 1, 3, 4]])
    for name in ("row_steps", "exp_avg", "exp_avg_sq"):
        now = optimizer.state[embedding.weight][name]
        assert torch.equal(now[[0, 1, 3, 4]], state[name][[0, 1, 3, 4]]), name
    assert optimizer.state[embedding.weight]["row_steps"].tolist() == [1, 0, 2, 0, 0]


def test_rows_that_are_in_every_batch_are_those_of_dense_adam() -> None:
    sparse, dense = table(), table()
    dense.sparse = False
    ours, torchs = RowAdam(sparse.parameters(), lr=0.05), torch.optim.Adam(dense.parameters(), lr=0.05)
    for turn in range(30):
        weight = torch.tensor([math.sin(turn), math.cos(turn)])
        step(sparse, ours, [0, 1, 2, 3, 4, 4], weight)
        step(dense, torchs, [0, 1, 2, 3, 4, 4], weight)
    assert torch.allclose(sparse.weight, dense.weight, atol=1e-6)


def test_without_memory_a_step_goes_by_the_sign_of_the_gradient() -> None:
    embedding = table()
    start = embedding.weight.detach().clone()
    step(embedding, RowAdam(embedding.parameters(), lr=0.1, betas=(0.0, 0.0)), [2], torch.tensor([3.0, -5.0]))
    assert torch.allclose(embedding.weight[2], start[2] + torch.tensor([-0.1, 0.1]))


def test_dense_gradients_go_through_fused_adam_bit_for_bit() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    other = copy.deepcopy(net)
    ours = RowAdam(net.parameters(), lr=0.01, weight_decay=0.1)
    torchs = torch.optim.Adam(other.parameters(), lr=0.01, weight_decay=0.1, fused=True)
    for _ in range(5):
        x = torch.randn(6, 3)
        for module, optimizer in ((net, ours), (other, torchs)):
            optimizer.zero_grad()
            module(x).square().sum().backward()
            optimizer.step()
    for name, weight in net.state_dict().items():
        assert torch.equal(weight, other.state_dict()[name]), name


def test_both_ways_to_sum_a_gradient_give_the_same_rows() -> None:
    torch.manual_seed(0)
    index, values = torch.randint(8, (20,)), torch.randn(20, 3)
    small = torch.sparse_coo_tensor(index[None], values, (8, 3), check_invariants=True)
    large = torch.sparse_coo_tensor(index[None], values, (1000, 3), check_invariants=True)
    assert not small.is_coalesced()
    whole, sorted_ = _rows(small), _rows(large)
    expected = [values[index == row].sum(dim=0) for row in index.unique()]
    for rows in (whole, sorted_):
        assert torch.equal(rows.at, index.unique())
        assert torch.allclose(rows.grad, torch.stack(expected), atol=1e-6)
    merged = _rows(small.coalesce())
    assert torch.equal(merged.at, whole.at)


def test_state_survives_a_checkpoint_bit_for_bit(tmp_path: Path) -> None:
    def build() -> tuple[nn.ModuleDict, RowAdam]:
        net = nn.ModuleDict({"rows": table(), "dense": nn.Linear(2, 1)})
        return net, RowAdam(net.parameters(), lr=0.1)

    def learn(net: nn.ModuleDict, optimizer: RowAdam, index: list[int]) -> None:
        optimizer.zero_grad()
        net["dense"](net["rows"](torch.tensor(index))).sum().backward()
        optimizer.step()

    net, optimizer = build()
    learn(net, optimizer, [0, 2, 2])
    torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "kept")
    learn(net, optimizer, [2, 3])
    again, resumed = build()
    kept = torch.load(tmp_path / "kept", weights_only=True)
    again.load_state_dict(kept["net"])
    resumed.load_state_dict(kept["optimizer"])
    learn(again, resumed, [2, 3])
    for name, weight in net.state_dict().items():
        assert torch.equal(again.state_dict()[name], weight), name


def test_the_closure_is_run_with_gradients_and_its_loss_returned() -> None:
    embedding = table()
    optimizer = RowAdam(embedding.parameters(), lr=0.1)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.mse_loss(embedding(torch.tensor([0])), torch.ones(1, 2))
        loss.backward()
        return loss

    first = optimizer.step(closure)
    assert optimizer.step(closure).item() < first.item()
