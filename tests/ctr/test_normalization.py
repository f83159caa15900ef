import torch

from userip_lightning.ctr.layers.normalization import BatchNorm


def test_normalizes_over_the_batch_in_training() -> None:
    torch.manual_seed(0)
    out = BatchNorm(3)(5 + 2 * torch.randn(400, 3))
    assert torch.allclose(out.mean(dim=0), torch.zeros(3), atol=1e-5)
    assert torch.allclose(out.var(dim=0, unbiased=False), torch.ones(3), atol=1e-3)


def test_one_row_is_normalized_with_the_running_statistics_and_leaves_them() -> None:
    norm = BatchNorm(3)
    norm(5 + 2 * torch.randn(400, 3))
    before = {name: value.clone() for name, value in norm.state_dict().items()}
    row = torch.randn(1, 3)
    training = norm(row)
    assert all(torch.equal(value, before[name]) for name, value in norm.state_dict().items())
    assert torch.equal(training, norm.eval()(row))


def test_one_row_with_positions_too() -> None:
    assert BatchNorm(3)(torch.randn(1, 3, 5)).shape == (1, 3, 5)
