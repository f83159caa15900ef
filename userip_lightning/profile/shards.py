"""Shards of soft tokens on disk: all that the streaming schedule keeps, so memory stays flat in users."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from userip_lightning.artifact import write_text
from userip_lightning.errors import InputError
from userip_lightning.profile.identity import refuse_changed

_IDENTITY = "identity.json"


class ShardStore:
    """A folder of ``.npz`` shards, each with some users' rows and their z; a killed run continues from it.

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

    def write(self, users: NDArray[np.int64], z: NDArray[np.float32]) -> None:
        """Add a shard in one step: ``users`` [B], ``z`` [B, P, S, D]."""
        target = self.folder / f"{int(users.min()):010d}-{len(list(self._shards())):08d}.npz"
        draft = target.with_suffix(".part")
        with open(draft, "wb") as handle:
            np.savez(handle, users=users, z=z)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(draft, target)

    def done(self) -> NDArray[np.int64]:
        """Rows of the users that have a shard."""
        parts = [np.load(shard)["users"] for shard in self._shards()]
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)

    def gather(self, users: int) -> NDArray[np.float32]:
        """Merge all shards into one memory-mapped [U, P, S, D].

        Raises:
            InputError: a user has no shard.
        """
        missing = users - len(np.unique(self.done()))
        if missing:
            raise InputError(
                f"{self.folder}: {missing} of {users} users have no profile yet; run `fit` to its end."
            )
        merged: NDArray[np.float32] | None = None
        for shard in self._shards():
            with np.load(shard) as content:
                if merged is None:
                    shape = (users, *content["z"].shape[1:])
                    merged = np.lib.format.open_memmap(
                        self.folder / "z.npy", mode="w+", dtype=np.float32, shape=shape
                    )
                    _reserve(self.folder / "z.npy")
                merged[content["users"]] = content["z"]
        assert merged is not None
        return merged

    def _shards(self) -> list[Path]:
        return sorted(self.folder.glob("*.npz"))


def _reserve(file: Path) -> None:
    """Claim the space of a sparse file: a mapped page that finds none would kill the process with SIGBUS."""
    if hasattr(os, "posix_fallocate"):
        with open(file, "r+b") as handle:
            os.posix_fallocate(handle.fileno(), 0, file.stat().st_size)
