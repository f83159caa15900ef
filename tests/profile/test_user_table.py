"""Row-wise optimizer state equals one optimizer per user."""

from collections.abc import Callable, Iterable

import pytest
import torch
from torch import Tensor
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from userip_lightning.profile.user_table import UserTable

OPTIMIZERS: dict[str, Callable[[Iterable[Tensor]], Optimizer]] = {
    "adam": lambda p: Adam(p, lr=0.1),
    "adamw": lambda p: AdamW(p, lr=0.1, weight_decay=0.1),
    "momentum": lambda p: SGD(p, lr=0.1, momentum=0.9),
    "rmsprop": lambda p: RMSprop(p, lr=0.1),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_rows_move_as_if_each_user_had_an_optimizer(name: str) -> None:
    optimizer = OPTIMIZERS[name]
    start, target = torch.randn(5, 2, 1, 3), torch.randn(5, 2, 1, 3)
    table = UserTable(start, optimizer)
    alone = [row.clone().requires_grad_() for row in start]
    own = [optimizer([row]) for row in alone]
    order = torch.Generator().manual_seed(0)
    for _ in range(4):
        for users in torch.randperm(5, generator=order).split(2):
            leaf, joint = table.checkout(users)
            (leaf - target[users]).square().sum().backward()
            joint.step()
            table.checkin(users, leaf, joint)
        for user in range(5):
            own[user].zero_grad()
            (alone[user] - target[user]).square().sum().backward()
            own[user].step()
    torch.testing.assert_close(table.z, torch.stack([row.detach() for row in alone]))


def test_users_outside_the_batch_do_not_move() -> None:
    table = UserTable(torch.ones(3, 1, 1, 2), OPTIMIZERS["adamw"])
    leaf, optimizer = table.checkout(torch.tensor([1]))
    leaf.sum().backward()
    optimizer.step()
    table.checkin(torch.tensor([1]), leaf, optimizer)
    assert (table.z[[0, 2]] == 1).all()
    assert (table.z[1] != 1).all()


def test_state_is_in_the_checkpoint() -> None:
    table = UserTable(torch.ones(3, 1, 1, 2), OPTIMIZERS["adam"])
    assert set(table.state_dict()) == {"z", "state.step", "state.exp_avg", "state.exp_avg_sq"}
