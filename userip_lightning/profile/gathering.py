"""Soft tokens of users from wherever they lie: this process's table, its shards, other processes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from userip_lightning.profile.held_out import JudgedUsers
from userip_lightning.profile.identity import identity_of
from userip_lightning.profile.shards import ShardStore

if TYPE_CHECKING:
    from userip_lightning.profile.module import ProfileModule


def judged_users(module: ProfileModule, split: str) -> JudgedUsers:
    """Soft tokens of the users who are judged in ``split``, in every process."""
    users = module.data.judged_users(split)
    if module.shards is not None:
        module.trainer.strategy.barrier()
        return JudgedUsers(users, torch.from_numpy(module.shards.rows(users.numpy(), module.data.block)))
    mine = torch.isin(users, module.users.users)
    z = torch.zeros(len(users), *module.shape, dtype=torch.float32)
    z[mine] = module.users.rows(users[mine])
    if module.trainer.world_size > 1:
        added = module.trainer.strategy.reduce(z.to(module.device), reduce_op="sum")
        assert isinstance(added, Tensor)
        z = added.cpu()
    return JudgedUsers(users, z)


def all_vectors(module: ProfileModule) -> NDArray[np.float32]:
    """[U, P, S, D] soft tokens of everybody, as training left them; all processes have to call it."""
    if module.shards is None and module.trainer.world_size == 1:
        own: NDArray[np.float32] = module.users.z.numpy()
        return own
    shards = module.shards or _spilled(module)
    module.trainer.strategy.barrier()
    if module.trainer.is_global_zero:
        shards.merge(module.data.n_users)
    module.trainer.strategy.barrier()
    return shards.merged()


def _spilled(module: ProfileModule) -> ShardStore:
    """The blocks of this process as shards."""
    store = ShardStore(Path(module.trainer.default_root_dir) / "shards", identity_of(module))
    for first, count in module.data.blocks():
        store.write(first, module.users.rows(torch.arange(first, first + count)).numpy())
    return store
