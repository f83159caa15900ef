"""Old versions of a bank go."""

from __future__ import annotations

from pathlib import Path

from userip_lightning.bank.versions import current, drop, sweep, versions, writable_root
from userip_lightning.errors import InputError
from userip_lightning.lock import sole_writer


def prune(path: str | Path, keep: int) -> tuple[str, ...]:
    """Delete all versions but the ``keep`` that were written last; the current one stays and counts.

    Args:
        path: folder of all versions.
        keep: how many stay, at least 1.

    Returns:
        Names of the deleted versions.

    Raises:
        InputError: ``keep`` is not positive, no bank there, another process is writing it, or a version
            cannot be deleted.
    """
    if keep < 1:
        raise InputError(f"--keep: {keep}, but the current version always stays; give 1 or more.")
    root = writable_root(path)
    with sole_writer(root, "bank"):
        pointed = current(root)
        others = [name for name in versions(root) if name != pointed]
        for name in others[keep - 1 :]:
            drop(root, name)
        sweep(root)
    return tuple(others[keep - 1 :])
