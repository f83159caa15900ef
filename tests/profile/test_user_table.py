"""Row-wise optimizer state equals one optimizer per user."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.optim import SGD, Adagrad, Adam, AdamW, NAdam, Optimizer, RMSprop, Rprop

from userip_lightning.errors import InputError
from userip_lightning.profile.user_table import UserTable

OPTIMIZERS: dict[str, Callable[[Iterable[Tensor]], Optimizer]] = {
    "adam": lambda p: Adam(p, lr=0.1),
    "fused": lambda p: Adam(p, lr=0.1, fused=True),
    "adamw": lambda p: AdamW(p, lr=0.1, weight_decay=0.1),
    "momentum": lambda p: SGD(p, lr=0.1, momentum=0.9),
    "rmsprop": lambda p: RMSprop(p, lr=0.1),
    "nadam": lambda p: NAdam(p, lr=0.1),
    "rprop": lambda p: Rprop(p, lr=0.1),
    "adagrad": lambda p: Adagrad(p, lr=0.1, initial_accumulator_value=0.5),
}


HERE = torch.device("cpu")


def table_of(z: Tensor, name: str, folder: Path | None = None) -> UserTable:
    table = UserTable(torch.arange(len(z)), tuple(z.shape[1:]), OPTIMIZERS[name], folder)
    table.fill(torch.arange(len(z)), z)
    return table


def move(table: UserTable, users: Tensor, target: Tensor) -> None:
    leaf, optimizer = table.checkout(users, HERE)
    (leaf - target[users]).square().sum().backward()
    optimizer.step()
    table.checkin(users, leaf, optimizer)


@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_rows_move_as_if_each_user_had_an_optimizer(name: str, on_disk: bool, tmp_path: Path) -> None:
    """Also where the users of a batch have been met unequally often."""
    optimizer = OPTIMIZERS[name]
    start, target = torch.randn(5, 2, 1, 3), torch.randn(5, 2, 1, 3)
    table = table_of(start, name, tmp_path if on_disk else None)
    alone = [row.clone().requires_grad_() for row in start]
    own = [optimizer([row]) for row in alone]
    for users in ([0, 1], [0], [3, 0, 4], [1, 2, 3, 0], [4], [0, 1, 2, 3, 4]):
        move(table, torch.tensor(users), target)
        for user in users:
            own[user].zero_grad()
            (alone[user] - target[user]).square().sum().backward()
            own[user].step()
    torch.testing.assert_close(table.z, torch.stack([row.detach() for row in alone]))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_where_all_rows_are_met_it_is_the_dense_optimizer(name: str) -> None:
    start, target = torch.randn(5, 2, 1, 3), torch.randn(5, 2, 1, 3)
    table, dense = table_of(start, name), start.clone().requires_grad_()
    optimizer = OPTIMIZERS[name]([dense])
    for _ in range(4):
        move(table, torch.arange(5), target)
        optimizer.zero_grad()
        (dense - target).square().sum().backward()
        optimizer.step()
    torch.testing.assert_close(table.z, dense.detach())


def test_users_outside_the_batch_do_not_move() -> None:
    table = table_of(torch.ones(3, 1, 1, 2), "adamw")
    move(table, torch.tensor([1]), torch.zeros(3, 1, 1, 2))
    assert (table.z[[0, 2]] == 1).all()
    assert (table.z[1] != 1).all()


def test_a_part_of_the_population() -> None:
    table = UserTable(torch.tensor([4, 7, 9]), (1, 1, 2), OPTIMIZERS["adam"])
    table.fill(torch.tensor([9, 4]), torch.tensor([[[[9.0, 9.0]]], [[[4.0, 4.0]]]]))
    assert table.rows(torch.tensor([4, 9, 7])).flatten().tolist() == [4, 4, 9, 9, 0, 0]


def test_state_is_in_the_checkpoint() -> None:
    table = table_of(torch.ones(3, 1, 1, 2), "adam")
    assert set(table.state_dict()) == {"z", "state.step", "state.exp_avg", "state.exp_avg_sq"}


def test_it_is_not_pinned_where_there_is_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch's rows are copied out of it first: pinning would lock the memory of all users for nothing."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    table = table_of(torch.ones(3, 1, 1, 2), "adam")
    monkeypatch.undo()
    assert not any(buffer.is_pinned() for buffer in table.buffers())


def test_it_stays_on_the_host_in_float32() -> None:
    assert table_of(torch.ones(3, 1, 1, 2), "adam").bfloat16().z.dtype == torch.float32


def test_on_disk_it_goes_back_to_what_was_kept(tmp_path: Path) -> None:
    target = torch.zeros(3, 1, 1, 2)
    table = table_of(torch.ones(3, 1, 1, 2), "adam", tmp_path)
    assert table.state_dict() == {}
    move(table, torch.arange(3), target)
    kept = table.z.clone()
    table.keep("1")
    move(table, torch.arange(3), target)
    went_on = table.z.clone()
    again = table_of(torch.zeros(3, 1, 1, 2), "adam", tmp_path)
    again.restore("1")
    assert torch.equal(again.z, kept)
    move(again, torch.arange(3), target)
    assert torch.equal(again.z, went_on)


def test_two_copies_are_kept_at_most(tmp_path: Path) -> None:
    table = table_of(torch.ones(3, 1, 1, 2), "adam", tmp_path)
    for name in "123":
        table.keep(name)
    assert sorted(path.name for path in tmp_path.glob("kept-*")) == ["kept-2", "kept-3"]


def test_on_disk_it_begins_anew_where_a_killed_run_left_files(tmp_path: Path) -> None:
    killed = table_of(torch.ones(3, 1, 1, 2), "adam", tmp_path)
    move(killed, torch.arange(3), torch.zeros(3, 1, 1, 2))
    assert killed.state.step.tolist() == [1, 1, 1]
    again = table_of(torch.ones(3, 1, 1, 2), "adam", tmp_path)
    assert not any(state.any() for state in again.state.buffers())


def test_a_copy_that_is_gone_is_refused(tmp_path: Path) -> None:
    table = table_of(torch.ones(3, 1, 1, 2), "adam", tmp_path)
    for name in "123":
        table.keep(name)
    with pytest.raises(InputError, match="kept-1: the soft tokens of the checkpoint are gone"):
        table.restore("1")


@pytest.mark.parametrize("on_disk", [False, True])
def test_it_is_made_on_the_host_wherever_tensors_are_made(on_disk: bool, tmp_path: Path) -> None:
    """Lightning makes tensors on the accelerator while a module is configured."""
    with torch.device("meta"):
        table = UserTable(
            torch.arange(3, device="cpu"), (1, 1, 2), OPTIMIZERS["adam"], tmp_path if on_disk else None
        )
    assert {buffer.device.type for buffer in table.buffers()} == {"cpu"}
