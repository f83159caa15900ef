"""A row of soft tokens per user, with the optimizer state of that row.

A batch touches few users. A dense AdamW over the whole table would keep moving all others by stale momentum
and cost as much as there are users; here only the rows of the batch take part, with their own moments and
their own step count, so a row moves exactly as under a dense optimizer that meets it in every step. The table
lies in the host's memory or in files; only the batch's rows travel. It is not pinned: the rows of a batch are
copied out of it before they travel, so nothing would be quicker, and all users' memory would be locked.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor, nn
from torch.optim import Optimizer

from userip_lightning.errors import InputError
from userip_lightning.profile.disk_space import reserve


class UserTable(nn.Module):
    """Soft tokens z [U, P, S, D] and row-wise optimizer state.

    In memory, all of it is in checkpoints; in files, :meth:`keep` and :meth:`restore` take that part.

    Args:
        users: [U] sorted rows of the population that this table holds.
        shape: (P, S, D).
        optimizer: makes an element-wise optimizer (Adam, AdamW, SGD, RMSprop ...) from parameters.
        folder: for the files; None keeps the table in memory.
    """

    def __init__(
        self,
        users: Tensor,
        shape: tuple[int, int, int],
        optimizer: OptimizerCallable,
        folder: Path | None = None,
    ) -> None:
        super().__init__()
        self.users = users
        self.optimizer = optimizer
        self.folder = folder
        self._add(self, "z", (len(users), *shape), torch.float32)
        self.z: Tensor
        self.state = nn.Module()  # one buffer per entry of the optimizer's state
        for name, value in state_of((1, *shape), optimizer).items():
            size = (len(users), *shape) if value.dim() else (len(users),)
            self._add(self.state, name, size, value.dtype)

    def slots(self, users: Tensor) -> Tensor:
        """[B] rows of this table that hold these users of the population."""
        return torch.searchsorted(self.users, users.cpu())

    def checkout(self, users: Tensor, device: torch.device) -> tuple[Tensor, RowOptimizer]:
        """Leaf [B, P, S, D] of the users' rows on ``device``, and an optimizer that remembers them."""
        slots = self.slots(users)
        leaf = self.z[slots].to(device, non_blocking=True).requires_grad_()
        state = {name: table[slots].to(device, non_blocking=True) for name, table in self._states()}
        return leaf, RowOptimizer(leaf, state, self.optimizer)

    def checkin(self, users: Tensor, leaf: Tensor, optimizer: RowOptimizer) -> None:
        """Write back what :meth:`checkout` lent."""
        slots = self.slots(users)
        self.z[slots] = leaf.detach().to(self.z.device)
        for name, table in self._states():
            table[slots] = optimizer.state[name].to(table.device)

    def rows(self, users: Tensor) -> Tensor:
        """[B, P, S, D] of these users, a copy on the host."""
        return self.z[self.slots(users)]

    def fill(self, users: Tensor, z: Tensor) -> None:
        """Set the rows of these users to [B, P, S, D]."""
        self.z[self.slots(users)] = z.to(self.z.device)

    def keep(self, name: str) -> None:
        """Copy the files aside as ``name``; at most the copy before stays beside it."""
        if self.folder is None:
            return
        for old in self._kept()[:-1]:
            shutil.rmtree(old)
        draft = self.folder / "draft"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        try:
            for file in self.folder.glob("*.bin"):
                shutil.copyfile(file, draft / file.name)
        except OSError:
            shutil.rmtree(draft, ignore_errors=True)  # a full disk needs it most
            raise
        shutil.rmtree(self.folder / f"kept-{name}", ignore_errors=True)
        draft.rename(self.folder / f"kept-{name}")

    def restore(self, name: str) -> None:
        """Go back to the copy ``name``.

        Raises:
            InputError: there is no such copy.
        """
        if self.folder is not None:
            kept = self.folder / f"kept-{name}"
            if not kept.is_dir():
                raise InputError(
                    f"{kept}: the soft tokens of the checkpoint are gone, only those of the last two are "
                    "kept; resume from the last one, or start without it."
                )
            for file in kept.glob("*.bin"):
                table = self.z if file.stem == "z" else getattr(self.state, file.stem)
                table.copy_(_mapped(file, tuple(table.shape), table.dtype))

    def _kept(self) -> list[Path]:
        assert self.folder is not None
        return sorted(self.folder.glob("kept-*"), key=lambda path: path.stat().st_mtime_ns)

    def _states(self) -> Iterator[tuple[str, Tensor]]:
        return self.state.named_buffers()

    def _add(self, owner: nn.Module, name: str, size: tuple[int, ...], dtype: torch.dtype) -> None:
        if self.folder is None:
            table = torch.zeros(size, dtype=dtype, device="cpu")
        else:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = self.folder / f"{name}.bin"
            file.unlink(missing_ok=True)  # a run that was killed before its first checkpoint left its state
            reserve(file, int(np.prod(size)) * dtype.itemsize)
            table = _mapped(file, size, dtype)
        owner.register_buffer(name, table, persistent=self.folder is None)

    def _apply(self, fn: object, recurse: bool = True) -> UserTable:
        """Stay on the host and in float32, wherever the module goes: only the batch's rows travel."""
        return self


class RowOptimizer:
    """An optimizer over rows with a state each.

    Torch's optimizers keep one step count for a whole tensor; rows whose counts differ get an optimizer each.

    Args:
        leaf: [B, ...] parameter.
        state: [B, ...] or [B], by name, as the optimizer left it; changed by :meth:`step`.
        optimizer: makes the optimizer.
    """

    def __init__(self, leaf: Tensor, state: dict[str, Tensor], optimizer: OptimizerCallable) -> None:
        self.leaf, self.state, self.optimizer = leaf, state, optimizer

    def zero_grad(self) -> None:
        """Forget the gradient."""
        self.leaf.grad = None

    def step(self) -> None:
        """Move every row by its gradient and its own state."""
        assert self.leaf.grad is not None
        for rows in self._alike():
            part = self.leaf.detach()[rows].requires_grad_()
            part.grad = self.leaf.grad[rows]
            optimizer = self.optimizer([part])
            fused = bool(optimizer.defaults.get("fused"))
            state = {name: self._lent(value[rows], fused) for name, value in self.state.items()}
            counts = [value for value in state.values() if not value.dim()]
            if not counts or any(counts):
                optimizer.state[part].update(state)
            optimizer.step()  # makes the first state of new rows, which need not be zeros
            self.leaf.data[rows] = part.detach()
            for name, value in self.state.items():
                value[rows] = optimizer.state[part][name].to(value.device, value.dtype)

    def _alike(self) -> Iterator[Tensor]:
        """Rows with the same step count; nearly always all of them."""
        counts = [value for value in self.state.values() if value.dim() == 1]
        if not counts:
            yield torch.arange(len(self.leaf), device=self.leaf.device)
            return
        _, group = torch.unique(torch.stack(counts, 1), dim=0, return_inverse=True)
        for number in range(int(group.max()) + 1):
            yield (group == number).nonzero().squeeze(1)

    @staticmethod
    def _lent(rows: Tensor, fused: bool) -> Tensor:
        """State of a part: a tensor of its shape, or one number, which fused optimizers keep beside their
        parameter and all others on the host."""
        if rows.dim() > 1:
            return rows
        return rows[0].clone() if fused else rows[0].cpu().clone()


def state_of(shape: tuple[int, ...], optimizer: OptimizerCallable) -> dict[str, Tensor]:
    """The tensors an optimizer keeps for a parameter of this shape, found by one step on zeros."""
    leaf = torch.zeros(shape, dtype=torch.float32, device="cpu", requires_grad=True)
    leaf.grad = torch.zeros_like(leaf)
    probe: Optimizer = optimizer([leaf])
    probe.step()
    return {name: value for name, value in probe.state[leaf].items() if isinstance(value, Tensor)}


def _mapped(file: Path, size: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """A tensor whose pages are the file's."""
    return torch.from_file(str(file), shared=True, size=int(np.prod(size)), dtype=dtype, device="cpu").view(
        size
    )
