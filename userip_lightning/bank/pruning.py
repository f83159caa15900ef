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
    check_keep(keep)
    root = writable_root(path)
    with sole_writer(root, "bank"):
        dropped = drop_old(root, keep)
        sweep(root)
    return dropped


def check_keep(keep: int) -> None:
    """Raise InputError where not even the current version would stay."""
    if keep < 1:
        raise InputError(f"--keep: {keep}, but the current version always stays; give 1 or more.")


def drop_old(root: Path, keep: int) -> tuple[str, ...]:
    """As :func:`prune`, of a root whose sole writer the caller is."""
    pointed = current(root)
    old = [name for name in versions(root) if name != pointed][keep - 1 :]
    for name in old:
        drop(root, name)
    return tuple(old)
