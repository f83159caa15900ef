"""Shards of soft tokens on disk: all that the streaming schedule keeps, so memory stays flat in users.

A shard holds a block of consecutive users, so processes never write the same one, and a run that was killed
continues from the blocks that are whole, with however many processes.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from userip_lightning.arrays import open_array, save_array
from userip_lightning.atomic import new_file, write_text
from userip_lightning.errors import InputError
from userip_lightning.identity import refuse_changed
from userip_lightning.profile.disk_space import reserve

_IDENTITY = "identity.json"
_MERGED = "z.npy"


class ShardStore:
    """A folder of ``.npy`` shards, [users of a block, P, S, D] each.

    Args:
        folder: created if missing.
        identity: what z depends on (LM, prompt, data, settings); shards of another identity are refused.

    Raises:
        InputError: the folder holds shards of another identity.
    """

    def __init__(self, folder: Path, identity: dict[str, str]) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        note = folder / _IDENTITY
        if not note.exists():
            write_text(note, json.dumps(identity))
        found = json.loads(note.read_text(encoding="utf-8"))
        refuse_changed(
            f"{folder}: its shards were inferred", found, identity, "delete the folder or name another one"
        )

    def write(self, first: int, z: NDArray[np.float32]) -> None:
        """Add in one step the shard of the users ``first .. first + len(z) - 1``.

        Raises:
            InputError: the disk is full.
        """
        with new_file(self.folder / f"{first:012d}.npy") as draft:
            save_array(draft, z)

    def done(self) -> frozenset[int]:
        """First users of the blocks that have a shard."""
        return frozenset(int(shard.stem) for shard in self._shards())

    def rows(self, users: NDArray[np.int64], block: int) -> NDArray[np.float32]:
        """[B, P, S, D] of some users, of whom each shard holds ``block``.

        Raises:
            InputError: a user has no shard.
        """
        found = []
        for user in users.tolist():
            shard = self.folder / f"{user // block * block:012d}.npy"
            if not shard.exists():
                raise InputError(f"{self.folder}: user row {user} has no profile yet; run `fit` to its end.")
            found.append(open_array(shard, "f")[user % block])
        return np.stack(found)

    def merge(self, users: int) -> None:
        """Write all shards into one array of ``users`` rows, which :meth:`merged` reads.

        Raises:
            InputError: a user has no shard.
        """
        shards = [(int(path.stem), open_array(path, "f")) for path in self._shards()]
        missing = users - sum(len(z) for _, z in shards)
        if missing:
            raise InputError(
                f"{self.folder}: {missing} of {users} users have no profile yet; run `fit` to its end."
            )
        draft = self.folder / "z.part"
        shape = (users, *shards[0][1].shape[1:])
        merged = np.lib.format.open_memmap(draft, mode="w+", dtype=np.float32, shape=shape)
        reserve(draft, draft.stat().st_size)
        for first, z in shards:
            merged[first : first + len(z)] = z
        merged.flush()
        os.replace(draft, self.folder / _MERGED)

    def merged(self) -> NDArray[np.float32]:
        """[U, P, S, D], memory-mapped; call :meth:`merge` first."""
        return open_array(self.folder / _MERGED, "f")

    def _shards(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("*.npy") if path.name != _MERGED)
