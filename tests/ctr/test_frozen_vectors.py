from pathlib import Path

import numpy as np
import pytest
import torch

from userip_lightning.ctr.layers.frozen_vectors import FrozenVectors
from userip_lightning.errors import InputError


def test_rows_are_mapped_and_learn_nothing(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32)
    np.save(tmp_path / "rows.npy", rows)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    layer = FrozenVectors(mapped, dim=3, std=0.01)
    values = torch.tensor([5, 0, 5])
    out = layer(values)
    assert torch.allclose(out, torch.from_numpy(rows[[5, 0, 5]]) @ layer.project.weight.T)
    out.sum().backward()
    assert [name for name, _ in layer.named_parameters()] == ["project.weight"]
    assert list(layer.state_dict()) == ["project.weight"]
    assert np.shares_memory(layer.rows.vectors, mapped)


def test_output_starts_with_the_spread_that_was_asked_for() -> None:
    torch.manual_seed(0)
    rows = np.random.default_rng(0).standard_normal((500, 64)).astype(np.float32)
    out = FrozenVectors(rows, dim=200, std=0.01)(torch.arange(500))
    assert out.std().item() == pytest.approx(0.01, rel=0.05)


@pytest.mark.parametrize("rows", [np.zeros(3, np.float32), np.zeros((3, 2)), np.zeros((3, 2), np.int64)])
def test_anything_but_a_matrix_of_float32_is_refused(rows: np.ndarray) -> None:
    with pytest.raises(InputError, match="a matrix of float32 was expected"):
        FrozenVectors(rows, dim=3, std=0.01)


def test_a_map_may_start_anew_from_other_rows() -> None:
    torch.manual_seed(0)
    layer = FrozenVectors(np.ones((6, 4), np.float32), dim=50, std=0.01)
    made = torch.randn(6, 100, requires_grad=True)
    layer.map_from(lambda values: made[values], 100)
    out = layer(torch.tensor([5, 0]))
    assert torch.equal(out, made[[5, 0]] @ layer.project.weight.T)
    assert layer.project.weight.shape == (50, 100)
    assert layer(torch.arange(6)).std().item() == pytest.approx(0.01, rel=0.2)
    out.sum().backward()
    assert made.grad is not None
    assert made.grad.any(dim=1).tolist() == [True, False, False, False, False, True]
    assert list(layer.state_dict()) == ["project.weight"]
