import pytest
import torch

from userip_lightning.errors import InputError
from userip_lightning.quantize.projection import CodeSpace

TABLE = torch.randn(50, 2, 2, 6, generator=torch.Generator().manual_seed(0)) * 0.1 + 5


def test_lm_space_keeps_the_order_of_distances() -> None:
    space = CodeSpace(2, 6)
    space.fit(TABLE)
    x = space(TABLE)
    assert x.shape == (50, 2, 6)
    for p in range(2):
        before, after = torch.pdist(TABLE[:, p].mean(1)), torch.pdist(x[:, p])
        torch.testing.assert_close(after * space.scale[p], before, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(x.square().mean(dim=(0, 2)), torch.ones(2))


def test_components_are_the_leading_ones_and_white() -> None:
    space = CodeSpace(2, 6, code_dim=3)
    space.fit(TABLE)
    x = space(TABLE)
    for p in range(2):
        torch.testing.assert_close(x[:, p].T @ x[:, p] / 50, torch.eye(3), atol=1e-4, rtol=1e-4)
        flat = TABLE[:, p].mean(1)
        singular = torch.linalg.svdvals(flat - flat.mean(0))
        torch.testing.assert_close(space.scale[p], singular[:3] / 50**0.5, atol=1e-5, rtol=1e-4)


def test_the_order_of_soft_tokens_says_nothing() -> None:
    for code_dim in (None, 3):
        space = CodeSpace(2, 6, code_dim)
        space.fit(TABLE)
        torch.testing.assert_close(space(TABLE.flip(2)), space(TABLE))


def test_an_empty_direction_stays_finite_and_empty() -> None:
    flat = TABLE.clone()
    flat[:, :, :, 1:] = 5
    space = CodeSpace(2, 6, code_dim=4)
    space.fit(flat)
    x = space(flat)
    assert x.isfinite().all()
    assert float(x[:, :, 2:].abs().max()) < 1e-3


def test_unseen_users_and_checkpoints() -> None:
    space, other = CodeSpace(2, 6, code_dim=3), CodeSpace(2, 6, code_dim=3)
    space.fit(TABLE)
    other.load_state_dict(space.state_dict())
    unseen = torch.randn(4, 2, 2, 6)
    assert torch.equal(space(unseen), other(unseen))


def test_gradient_reaches_the_soft_tokens() -> None:
    space, z = CodeSpace(2, 6), TABLE.clone().requires_grad_()
    space.fit(TABLE)
    space(z).sum().backward()
    torch.testing.assert_close(z.grad[0, 0], (0.5 / space.scale[0]).expand(2, 6))


def test_components_end_where_the_values_or_the_users_do() -> None:
    assert CodeSpace(2, 6, code_dim=9).dim == 6
    space = CodeSpace(2, 6, code_dim=4)
    space.fit(TABLE[:3])  # three users span two directions
    x = space(TABLE[:3])
    assert x.isfinite().all()
    assert float(x[:, :, 2:].abs().max()) < 1e-3
    torch.testing.assert_close(x[:, :, :2].square().mean(dim=0), torch.ones(2, 2), atol=1e-3, rtol=1e-3)


def test_no_components_are_refused() -> None:
    with pytest.raises(InputError, match="code_dim: 0 components, expected at least 1"):
        CodeSpace(2, 6, code_dim=0)
