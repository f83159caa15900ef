"""Writing one version of a bank: checked, named after its content, whole or absent."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from userip_lightning import artifact, leak_audit
from userip_lightning.arrays import read_array, save_array
from userip_lightning.artifact import Manifest
from userip_lightning.bank.keys import KeyIndex
from userip_lightning.errors import InputError
from userip_lightning.ids import MAX_LENGTH

#: Arrays that a version has for its own use; whatever else lies there its writer has added.
OWN_ARRAYS = ("codes", *KeyIndex._fields, Path(leak_audit.ROWS_SEEN).stem)
#: Fields of the manifest that say how files came out, and are in no version's name.
_OF_FILES = ("hashes", "samples", "checksum")
#: Characters of an id that a sentence shows.
_SHOWN = 20


class Content(NamedTuple):
    """What a version consists of; see :meth:`FeatureBank.write`."""

    users: NDArray[np.str_]  # [U], sorted
    codes: NDArray[np.int64]  # [U, P]
    manifest: Manifest
    rows_seen: NDArray[np.int64]
    arrays: Mapping[str, NDArray[np.generic]]

    @staticmethod
    def of(
        user_ids: Sequence[str] | NDArray[np.str_],
        codes: NDArray[np.integer],
        names: Sequence[str],
        sizes: Sequence[int],
        manifest: Manifest,
        rows_seen: NDArray[np.int64],
        arrays: Mapping[str, NDArray[np.generic]] | None = None,
    ) -> Content:
        """From what a writer has, checked.

        Raises:
            InputError: shapes disagree, an id is repeated, empty or too long, or a code is out of range.
        """
        users = np.asarray(user_ids, dtype=np.str_)
        _check(users, codes, names, sizes)
        extra = {**manifest.extra, "names": list(names), "sizes": [int(size) for size in sizes]}
        # what is set on writing: sizes and hashes of files, the hash of rows
        manifest = replace(
            manifest,
            extra=extra,
            users=int(users.size),
            rows_hash=None,
            files={},
            hashes={},
            samples={},
            checksum=None,
        )
        by_id = np.argsort(users)
        further = dict(sorted((arrays or {}).items()))
        return Content(users[by_id], codes[by_id].astype(np.int64), manifest, rows_seen, further)

    @staticmethod
    def read(folder: Path) -> Content:
        """What the version in ``folder`` consists of, every byte checked.

        Raises:
            InputError: it is missing or damaged.
        """
        from userip_lightning import parquet  # it waits for polars, and who only looks codes up does not

        manifest = artifact.read_manifest(folder, "bank")
        artifact.require_whole(folder, manifest)
        users = parquet.read(folder / "codes.parquet")
        names = [name for name in manifest.files if name.endswith(".npy")]
        further = {name.removesuffix(".npy") for name in names} - set(OWN_ARRAYS)
        return Content.of(
            users["user_id"].to_numpy().astype(np.str_),
            users.drop("user_id").to_numpy().astype(np.int64).reshape(len(users), -1),
            manifest.extra["names"],
            manifest.extra["sizes"],
            manifest,
            leak_audit.rows_seen(folder),
            {name: read_array(folder / f"{name}.npy") for name in further},
        )

    @property
    def version(self) -> str:
        """A hash of all of it."""
        digest = hashlib.sha256("\n".join(self.users.tolist()).encode())
        digest.update(np.ascontiguousarray(self.codes).tobytes())
        fields = {name: value for name, value in vars(self.manifest).items() if name not in _OF_FILES}
        hashed = [fields, leak_audit.rows_hash(self.rows_seen)]
        digest.update(artifact.stable_hash(hashed).encode())
        for name, values in self.arrays.items():
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(values).view(np.uint8).data)  # no copy: states are large
        return digest.hexdigest()[:12]

    def write(self, root: Path) -> Path:
        """Write it under ``root`` unless it is there; returns its folder. CURRENT stays as it is.

        Raises:
            InputError: it cannot be written.
        """
        import polars as pl

        folder = root / self.version
        if (folder / artifact.MANIFEST).is_file():
            return folder
        names, sizes = self.manifest.extra["names"], self.manifest.extra["sizes"]
        with artifact.writing(folder, self.manifest, self.rows_seen) as draft:
            columns = {name: self.codes[:, p] for p, name in enumerate(names)}
            ids = pl.Series(self.users.tolist(), dtype=pl.String)
            pl.DataFrame({"user_id": ids, **columns}).write_parquet(draft / "codes.parquet")
            index, order = KeyIndex.build(self.users)
            index.save(draft)
            # as narrow as the codes are: a lookup waits for memory, not for arithmetic
            narrow = np.min_scalar_type(max(sizes, default=0))
            save_array(draft / "codes.npy", self.codes[order].astype(narrow))
            for name, values in self.arrays.items():
                save_array(draft / f"{name}.npy", values)
        return folder


def whole_codes(codes: object) -> NDArray[np.integer]:
    """[U, P] numbers as integers.

    Raises:
        InputError: one of them is no whole number, or they are no numbers.
    """
    found = np.asarray(codes)
    if found.dtype.kind in "iu" or not found.size:
        return found
    if found.dtype.kind != "f":
        raise InputError(f"bank: codes of type {found.dtype} given, expected whole numbers; give integers.")
    wrong = ~(np.abs(found) < 2**53) | (found != np.floor(found))
    if wrong.any():
        at = tuple(int(axis[0]) for axis in wrong.nonzero())
        raise InputError(
            f"bank: code {found[at]} (row {at[0] + 1}) is no whole number; give integers, 0 .. K - 1."
        )
    return found.astype(np.int64)


def _shown(user: str) -> str:
    return repr(user if len(user) <= _SHOWN else f"{user[:_SHOWN]}...")


def _check(
    users: NDArray[np.str_], codes: NDArray[np.integer], names: Sequence[str], sizes: Sequence[int]
) -> None:
    """Raise InputError where :meth:`FeatureBank.write` says so."""
    if codes.shape != (users.size, len(names)) or len(sizes) != len(names):
        raise InputError(
            f"bank: codes of shape {codes.shape} do not fit {users.size} users and {len(names)} profiles "
            f"with {len(sizes)} sizes; give one row per user and one column per profile."
        )
    lengths = np.char.str_len(users)
    if users.size and not 0 < lengths.min() <= lengths.max() <= MAX_LENGTH:
        row = int(np.flatnonzero((lengths < 1) | (lengths > MAX_LENGTH))[0])
        raise InputError(
            f"bank: user id {_shown(str(users[row]))} (row {row + 1}) has {lengths[row]} characters, 1 to "
            f"{MAX_LENGTH} expected; give that user another id or leave the row out."
        )
    distinct, counts = np.unique(users, return_counts=True)
    if distinct.size != users.size:
        raise InputError(
            f"bank: user id {str(distinct[counts > 1][0])!r} is there twice; give one row per user."
        )
    wrong = (codes < 0) | (codes >= np.array(sizes, dtype=np.int64))
    if wrong.any():
        user, profile = (int(at[0]) for at in wrong.nonzero())
        raise InputError(
            f"bank: user {str(users[user])!r} has {names[profile]} code {int(codes[user, profile])}, but its "
            f"codes are 0 to {sizes[profile] - 1}; check the codebook size."
        )
