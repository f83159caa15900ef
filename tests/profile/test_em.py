"""E step and M step against closed forms, and the guard against values that are not finite."""

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW

from userip_lightning.batches import RecBatch
from userip_lightning.profile.em import PriorLoss, e_step, m_step


def test_the_e_step_finds_the_posterior_mode_of_a_gaussian_toy() -> None:
    """-log p(h | z) = ½‖z - h‖² with prior β‖z - e‖²: the mode is (h + 2βe) / (1 + 2β)."""
    h = torch.tensor([[1.0, 2.0], [-1.0, 0.0], [4.0, 4.0]])
    codes, beta = torch.tensor([[0.0, 0.0], [-2.0, 0.0], [5.0, 3.0]]), 0.25
    z = torch.zeros(3, 2, requires_grad=True)

    def objective(z: Tensor) -> Tensor:
        return 0.5 * (z - h).square().sum(1) + beta * (z - codes).square().sum(1)

    e_step(z, [objective] * 100, SGD([z], lr=0.3))
    torch.testing.assert_close(z.detach(), (h + 2 * beta * codes) / (1 + 2 * beta))


def test_a_user_s_step_does_not_depend_on_the_batch() -> None:
    target = torch.randn(4, 3)
    together, alone = torch.zeros(4, 3, requires_grad=True), torch.zeros(1, 3, requires_grad=True)
    e_step(together, [lambda z: (z - target).square().sum(1)], SGD([together], lr=0.1))
    e_step(alone, [lambda z: (z - target[2:3]).square().sum(1)], SGD([alone], lr=0.1))
    assert torch.equal(together[2:3], alone)


def test_losses_are_those_before_each_step() -> None:
    z = torch.ones(2, 1, requires_grad=True)
    step = e_step(z, [lambda z: z.square().sum(1)] * 2, SGD([z], lr=0.25))
    assert [loss.tolist() for loss in step.losses] == [[1.0, 1.0], [0.25, 0.25]]


def test_a_user_without_a_finite_loss_stays_and_the_others_go_on() -> None:
    z = torch.ones(3, 2, requires_grad=True)

    def objective(z: Tensor) -> Tensor:
        loss = z.square().sum(1)
        return loss * torch.tensor([1.0, float("nan"), 1.0])

    step = e_step(z, [objective] * 3, SGD([z], lr=0.1))
    assert step.finite.tolist() == [True, False, True]
    assert z[1].tolist() == [1.0, 1.0]
    assert (z[[0, 2]] < 1).all()


def test_momentum_and_weight_decay_do_not_move_a_user_whose_loss_is_not_finite() -> None:
    z = torch.ones(2, 2, requires_grad=True)
    optimizer = AdamW([z], lr=0.1, weight_decay=0.1)
    e_step(z, [lambda z: z.square().sum(1)], optimizer)
    before = z.detach().clone()
    e_step(z, [lambda z: z.square().sum(1) * torch.tensor([1.0, float("inf")])], optimizer)
    assert torch.equal(z[1], before[1])
    assert (z[0] != before[0]).all()
    assert all(value.isfinite().all() for value in optimizer.state[z].values())


class Centre(nn.Module):
    """½‖z - e‖² per row: its minimum is the mean of z over the rows drawn."""

    def setup(self, z: Tensor, names: tuple[str, ...], n_items: int, seed: int) -> None:
        self.e = nn.Parameter(torch.zeros(z.shape[1:]))

    def forward(self, z: Tensor, rows: RecBatch) -> PriorLoss:
        return PriorLoss(0.5 * (z[rows.user] - self.e).square().flatten(1).sum(1).mean(), {})


def test_the_m_step_fits_the_prior_to_the_rows_and_leaves_z() -> None:
    z = torch.tensor([1.0, 10.0, 4.0]).view(3, 1, 1, 1).requires_grad_()
    rows = RecBatch(torch.tensor([0, 0, 1, 2]), torch.zeros(4, dtype=torch.int64), torch.zeros(4))
    prior = Centre()
    prior.setup(z, ("hobby",), n_items=1, seed=0)
    m_step(prior, z, rows, [torch.tensor([0, 1, 3])] * 60, SGD(prior.parameters(), lr=0.3), z.device)
    torch.testing.assert_close(prior.e.detach(), torch.full((1, 1, 1), 2.0))
    assert z.grad is None


def test_the_m_step_weighs_the_prior() -> None:
    """The gradient of w · mean ½(z - e)² by e at 0 is -w · mean z."""
    z = torch.tensor([1.0, 10.0, 4.0]).view(3, 1, 1, 1)
    rows = RecBatch(torch.tensor([0, 0, 1, 2]), torch.zeros(4, dtype=torch.int64), torch.zeros(4))
    prior = Centre()
    prior.setup(z, ("hobby",), n_items=1, seed=0)
    optimizer = SGD(prior.parameters(), lr=0.3)
    m_step(prior, z, rows, [torch.tensor([0, 1, 3])], optimizer, z.device, weight=0.5)
    torch.testing.assert_close(prior.e.detach(), torch.full((1, 1, 1), 0.3 * 0.5 * 2.0))
