"""A person's codes vanish from every version of a bank, and from the copies that serve it elsewhere.

A version without the person is another version, being named after its content. It is written beside the old
one; CURRENT is swapped in one step, the copies follow, and the old versions are deleted last. Killed at any
point, the same call deletes what was half-deleted, finds the person in the old versions left and goes on.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from userip_lightning import artifact
from userip_lightning.bank.feature_bank import FeatureBank
from userip_lightning.bank.version_folder import Content
from userip_lightning.bank.versions import current, drop, point, sweep, versions, writable_root
from userip_lightning.errors import InputError
from userip_lightning.ids import Ids, id_strings
from userip_lightning.lock import sole_writer

#: Arrays with a row per user, in the order of codes.parquet, have this name or one that begins like this.
STATES, PER_USER = "states", "user_"


class Copy(Protocol):
    """A store that the bank was copied to."""

    def check(self, versions: Collection[str]) -> None:
        """Raise InputError where it cannot be made to follow a bank that has these versions."""

    def holds(self, users: Collection[str]) -> set[str]:
        """Those of ``users`` that any of its versions, also a half-written one, has codes of."""

    def follow(self, root: Path, successors: Mapping[str, str]) -> None:
        """Make the successor of its current version the current one, and delete all other versions.

        Args:
            root: the bank, which has the successors.
            successors: version → the version without the forgotten users.
        """

    def erase(self) -> None:
        """Overwrite what deleted versions left; raise InputError where that has to wait."""


class Forgotten(NamedTuple):
    """What :func:`forget` did.

    Args:
        users: those that are forgotten.
        unknown: those that were not there.
        successors: deleted version → the version that took its place.
    """

    users: tuple[str, ...]
    unknown: tuple[str, ...]
    successors: dict[str, str]


def forget(path: str | Path, users: Ids, copies: Sequence[Copy] = ()) -> Forgotten:
    """Delete the codes, and what else is kept per user, of ``users`` in all versions and copies.

    What killed writers left goes in any case.

    Args:
        path: folder of all versions.
        users: ids; those that are not there are told, unless none of them is.
        copies: stores that the bank was pushed to.

    Raises:
        InputError: none of the users is there (no version has changed then), an id that is missing or none,
            no bank there, another process is writing it, a copy that cannot follow or still has bytes of
            them, or a full disk or store.
    """
    root = writable_root(path)
    asked = tuple(dict.fromkeys(id_strings(users, "users")))
    with sole_writer(root, "bank"):
        sweep(root)  # what killed writers left may have the users' codes, and is in no version
        names = versions(root)
        for copy in copies:
            copy.check(names)
        held = {name: _held(root / name, asked) for name in names}
        known = set().union(*held.values(), *(copy.holds(asked) for copy in copies))
        if not known:
            for copy in copies:
                copy.erase()
            raise InputError(
                f"{root}: no version knows {_listed(asked)}; check the ids, no version was changed "
                "(who was forgotten already is not there either; what was left of them is deleted)."
            )
        successors = {name: _without(root / name, known) for name in names if held[name]}
        pointed = current(root)
        if pointed in successors:
            point(root, successors[pointed])
        for copy in copies:
            copy.follow(root, successors)
        for name in successors:
            drop(root, name)
        for copy in copies:
            copy.erase()
    return Forgotten(
        tuple(user for user in asked if user in known),
        tuple(user for user in asked if user not in known),
        successors,
    )


def _held(folder: Path, users: Sequence[str]) -> set[str]:
    found = FeatureBank.open(folder).find(users)
    return {user for user, place in zip(users, found.tolist(), strict=True) if place >= 0}


def _without(folder: Path, users: Collection[str]) -> str:
    """Write the version in ``folder`` without ``users`` beside it; returns its name."""
    content = Content.read(folder)
    stays = ~np.isin(content.users, list(users))
    arrays = {
        name: values[stays] if name == STATES or name.startswith(PER_USER) else values
        for name, values in content.arrays.items()
    }
    names, sizes = content.manifest.extra["names"], content.manifest.extra["sizes"]
    successor = Content.of(
        content.users[stays],
        content.codes[stays],
        names,
        sizes,
        content.manifest,
        content.rows_seen,
        arrays,
    )
    written = successor.write(folder.parent)
    # it is as old as the one whose place it takes, so that pruning goes on in the same order
    age = (folder / artifact.MANIFEST).stat()
    os.utime(written / artifact.MANIFEST, ns=(age.st_atime_ns, age.st_mtime_ns))
    return written.name


def _listed(users: Sequence[str]) -> str:
    shown = ", ".join(map(repr, users[:5]))
    return shown if len(users) <= 5 else f"{shown} or the other {len(users) - 5}"
