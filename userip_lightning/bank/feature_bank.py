"""Versions of a user → codes table under one root, and the batch lookup that a CTR model needs.

    root/CURRENT                 names the version that readers open
    root/<version>/codes.parquet user_id and one Int64 column per profile, sorted by user_id
    root/<version>/codes.npy     the same codes in the order of the key index
    root/<version>/{keys,starts}.npy, rows_seen.npy, manifest.json
    root/<version>/*.npy         whatever else its writer keeps there, such as codebooks

A version is named after its content, so writing the same bank twice makes one version, and older versions
stay: going back is a matter of CURRENT.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from userip_lightning import artifact
from userip_lightning.artifact import Manifest
from userip_lightning.bank.keys import MAX_LENGTH, KeyIndex
from userip_lightning.errors import InputError

if TYPE_CHECKING:
    import polars as pl

CURRENT = "CURRENT"


class BankInfo(NamedTuple):
    """What ``userip bank info`` shows."""

    version: str
    users: int
    counts: dict[str, list[int]]  # profile name → users per code, K_p numbers
    data_hash: str
    config_hash: str
    lm: str | None
    versions: tuple[str, ...]  # every version under the root


class FeatureBank:
    """Profile codes of U users, memory-mapped; made by :meth:`open`.

    Args:
        path: folder of the version.
        manifest: its manifest, whose ``extra`` holds the profile names and sizes K_p.
        index: the users.
        codes: [U, P] integers in the order of ``index``.
    """

    def __init__(self, path: Path, manifest: Manifest, index: KeyIndex, codes: NDArray[np.integer]) -> None:
        self.path = path
        self.manifest = manifest
        self.names: tuple[str, ...] = tuple(manifest.extra["names"])
        self.sizes: tuple[int, ...] = tuple(manifest.extra["sizes"])
        self._index = index
        self._codes = codes

    @staticmethod
    def write(
        root: str | Path,
        user_ids: Sequence[str] | NDArray[np.str_],
        codes: NDArray[np.int64],
        names: Sequence[str],
        sizes: Sequence[int],
        manifest: Manifest,
        rows_seen: NDArray[np.int64],
        arrays: Mapping[str, NDArray[Any]] | None = None,
    ) -> Path:
        """Write a version and make it the current one.

        Args:
            root: folder of all versions.
            user_ids: [U], distinct.
            codes: [U, P], 0 .. K_p - 1.
            names: the P profile names.
            sizes: the P codebook sizes K_p.
            manifest: kind ``bank``; names and sizes are added to its ``extra``.
            rows_seen: ids of the rows from which the codes were learned, for the leak audit.
            arrays: to keep beside the codes, by file name without suffix.

        Returns:
            The folder of the version.

        Raises:
            InputError: shapes disagree, an id is repeated, empty or too long, or a code is out of range.
        """
        import polars as pl

        users = np.asarray(user_ids, dtype=np.str_)
        _check(users, codes, names, sizes)
        extra = {**manifest.extra, "names": list(names), "sizes": [int(size) for size in sizes]}
        manifest = replace(manifest, extra=extra, users=int(users.size))
        by_id = np.argsort(users)
        users, codes = users[by_id], codes[by_id].astype(np.int64)
        further = dict(sorted((arrays or {}).items()))
        folder = Path(root) / _version(users, codes, manifest, rows_seen, further)
        if not (folder / artifact.MANIFEST).is_file():
            with artifact.writing(folder, manifest, rows_seen) as draft:
                columns = {name: codes[:, p] for p, name in enumerate(names)}
                pl.DataFrame({"user_id": users.tolist(), **columns}).write_parquet(draft / "codes.parquet")
                index, order = KeyIndex.build(users)
                index.save(draft)
                # as narrow as the codes are: a lookup waits for memory, not for arithmetic
                narrow = np.min_scalar_type(max(sizes, default=0))
                artifact.save_array(draft / "codes.npy", codes[order].astype(narrow))
                for name, values in further.items():
                    artifact.save_array(draft / f"{name}.npy", values)
        pointer = Path(root) / CURRENT
        try:
            artifact.write_text(pointer, folder.name + "\n")
        except OSError as error:
            raise InputError(
                f"{pointer}: could not be written ({error.strerror or error}); free some space, then write "
                f"{folder.name} into it."
            ) from error
        return folder

    @staticmethod
    def exists(root: str | Path) -> bool:
        """Whether a bank was written to ``root``, whole or damaged since.

        The folder alone says nothing: a writer that was killed or ran out of space leaves it without CURRENT.
        """
        return (Path(root) / CURRENT).is_file()

    @staticmethod
    def open(root: str | Path) -> FeatureBank:
        """Open the current version under ``root``, or the version whose own folder ``root`` is.

        Raises:
            InputError: no bank there, CURRENT names a missing version, another schema version, or a file
                that is corrupt.
        """
        folder = _current(Path(root))
        manifest = artifact.read_manifest(folder, "bank")
        try:
            index = KeyIndex.load(folder)
            codes = np.asarray(np.load(folder / "codes.npy", mmap_mode="r"))
            bank = FeatureBank(folder, manifest, index, codes)
            expected = (len(index.keys), len(bank.sizes))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{folder}: the bank is corrupt ({error}); delete it and write it again."
            ) from None
        if codes.shape != expected or len(bank.names) != len(bank.sizes):
            raise InputError(
                f"{folder}: the bank is corrupt (its files disagree); delete it and write it again."
            )
        return bank

    @property
    def users(self) -> pl.DataFrame:
        """``user_id`` and one Int64 column per profile, sorted by user_id."""
        import polars as pl  # whoever only looks codes up does not wait for it

        return pl.read_parquet(self.path / "codes.parquet")

    def lookup(self, user_ids: Sequence[str] | NDArray[np.str_]) -> NDArray[np.int64]:
        """[N] user ids → [N, P] codes; an unknown user gets the reserved code K_p of every profile."""
        return self.codes(self.find(user_ids))

    def find(self, user_ids: Sequence[str] | NDArray[np.str_]) -> NDArray[np.int64]:
        """[N] user ids → [N] places in the bank, -1 where a user is unknown.

        For a server that keeps more about its users in this order, such as their embedding rows: one search
        for all of it.
        """
        return self._index.find(np.asarray(user_ids, dtype=np.str_))

    def codes(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """[N] places of :meth:`find` → [N, P] codes; place -1 has the reserved code K_p of every profile."""
        if not self._codes.size:
            return np.tile(np.array(self.sizes, dtype=np.int64), (places.size, 1))
        codes = self._codes.take(places, axis=0).astype(np.int64)
        codes[places < 0] = self.sizes
        return codes

    def info(self) -> BankInfo:
        """Version, provenance and how many users have each code."""
        counts = {
            name: np.bincount(self._codes[:, p], minlength=size).tolist()
            for p, (name, size) in enumerate(zip(self.names, self.sizes, strict=True))
        }
        versions = sorted(file.parent.name for file in self.path.parent.glob(f"[!.]*/{artifact.MANIFEST}"))
        made_by = self.manifest
        return BankInfo(
            version=self.path.name,
            users=made_by.users,
            counts=counts,
            data_hash=made_by.data_hash,
            config_hash=made_by.config_hash,
            lm=made_by.lm,
            versions=tuple(versions),
        )

    def export(self, path: str | Path) -> Path:
        """Write :attr:`users` as one ``.csv`` or ``.parquet`` file, whole or not at all.

        Raises:
            InputError: another suffix, or the disk is full.
        """
        target = Path(path)
        if target.suffix not in (".csv", ".parquet"):
            raise InputError(f"{target}: the bank exports to .csv or .parquet; choose one of these suffixes.")
        draft = target.with_name(f".{target.name}.part")
        users = self.users
        with artifact.write_errors(target):
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                if target.suffix == ".csv":
                    users.write_csv(draft)
                else:
                    users.write_parquet(draft)
                draft.replace(target)
            finally:
                draft.unlink(missing_ok=True)
        return target


def _check(
    users: NDArray[np.str_], codes: NDArray[np.int64], names: Sequence[str], sizes: Sequence[int]
) -> None:
    """Raise InputError where :meth:`FeatureBank.write` says so."""
    if codes.shape != (users.size, len(names)) or len(sizes) != len(names):
        raise InputError(
            f"bank: codes of shape {codes.shape} do not fit {users.size} users and {len(names)} profiles "
            f"with {len(sizes)} sizes; give one row per user and one column per profile."
        )
    lengths = np.char.str_len(users)
    if users.size and not 0 < lengths.min() <= lengths.max() <= MAX_LENGTH:
        raise InputError(f"bank: a user id is empty or longer than {MAX_LENGTH} characters; shorten the ids.")
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


def _version(
    users: NDArray[np.str_],
    codes: NDArray[np.int64],
    manifest: Manifest,
    rows_seen: NDArray[np.int64],
    further: Mapping[str, NDArray[Any]],
) -> str:
    """Name of a version: a hash of everything in it, users sorted."""
    digest = hashlib.sha256("\n".join(users.tolist()).encode())
    digest.update(np.ascontiguousarray(codes).tobytes())
    digest.update(artifact.stable_hash([vars(manifest), artifact.rows_hash(rows_seen)]).encode())
    for name, values in further.items():
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(values).view(np.uint8).data)  # no copy, states are large
    return digest.hexdigest()[:12]


def _current(root: Path) -> Path:
    """Folder of the version to open."""
    if (root / artifact.MANIFEST).is_file():
        return root
    pointer = root / CURRENT
    if not pointer.is_file():
        raise InputError(
            f"{root}: no bank here ({CURRENT} is missing); run the quantize stage or check the path."
        )
    name = pointer.read_text(encoding="utf-8").strip()
    versions = sorted(file.parent.name for file in root.glob(f"[!.]*/{artifact.MANIFEST}"))
    if name not in versions:
        there = ", ".join(versions) or "none"
        raise InputError(
            f"{pointer}: names version {name!r}, which is missing (there: {there}); write one of these "
            "into it or run the quantize stage again."
        )
    return root / name
