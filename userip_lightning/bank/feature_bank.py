"""Versions of a user → codes table under one root, and the batch lookup that a CTR model needs.

    root/CURRENT                 names the version that readers open
    root/<version>/codes.parquet user_id and one Int64 column per profile, sorted by user_id
    root/<version>/codes.npy     the same codes in the order of the key index
    root/<version>/{keys,starts}.npy, rows_seen.npy, manifest.json
    root/<version>/*.npy         whatever else its writer keeps there, such as codebooks

A version is named after its content, so writing the same bank twice makes one version. The ``KEPT`` versions
that were written last stay: going back is a matter of CURRENT. One process at a time writes under a root;
readers are not kept waiting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from userip_lightning import artifact, atomic
from userip_lightning.arrays import REMEDY, open_array
from userip_lightning.artifact import Manifest
from userip_lightning.bank.keys import KeyIndex
from userip_lightning.bank.pruning import check_keep, drop_old
from userip_lightning.bank.spreadsheet import harmless
from userip_lightning.bank.version_folder import Content, whole_codes
from userip_lightning.bank.versions import CURRENT, current, missing, point, size, stamp, versions
from userip_lightning.errors import InputError
from userip_lightning.ids import Ids, asked_array, id_strings
from userip_lightning.lock import sole_writer
from userip_lightning.plural import plural

if TYPE_CHECKING:
    import polars as pl


#: For a writer that does not build on the version before.
ANY_VERSION = "*"
#: Versions that a writer leaves, with its own.
KEPT = 10


class BankInfo(NamedTuple):
    """What ``userip bank info`` shows."""

    version: str
    users: int
    counts: dict[str, list[int]]  # profile name → users per code, K_p numbers
    data_hash: str
    config_hash: str
    lm: str | None
    versions: dict[str, int]  # every version under the root, the last written first → bytes on disk


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
        self._limits = np.array(self.sizes, dtype=np.uint64)
        self._index = index
        self._codes = codes

    def __repr__(self) -> str:
        """Where it lies, and what is in it."""
        sizes = ", ".join(f"{name}: {size}" for name, size in zip(self.names, self.sizes, strict=True))
        return f"FeatureBank({str(self.path)!r}, {plural(len(self._codes), 'user')}, {sizes})"

    @staticmethod
    def write(
        root: str | Path,
        user_ids: Ids,
        codes: NDArray[np.int64],
        names: Sequence[str],
        sizes: Sequence[int],
        manifest: Manifest,
        rows_seen: NDArray[np.int64],
        arrays: Mapping[str, NDArray[np.generic]] | None = None,
        after: str | None = ANY_VERSION,
        keep: int | None = KEPT,
    ) -> Path:
        """Write a version, make it the current one, and delete old ones.

        Args:
            root: folder of all versions.
            user_ids: [U], distinct; see :func:`~userip_lightning.ids.id_strings`.
            codes: [U, P], 0 .. K_p - 1; whole numbers, also as floats.
            names: the P profile names.
            sizes: the P codebook sizes K_p.
            manifest: kind ``bank``; names and sizes are added to its ``extra``.
            rows_seen: ids of the rows from which the codes were learned, for the leak audit.
            arrays: to keep beside the codes, by file name without suffix.
            after: the version that has to be the current one still, None if there may be none yet.
            keep: how many of the versions written last stay, with this one; None for all. Who has an older
                one open goes on reading it.

        Returns:
            The folder of the version.

        Raises:
            InputError: shapes disagree, an id is repeated, missing, too long or none, a code is no whole
                number or out of range, another process is writing this bank, another version than ``after``
                is the current one, or the disk is full.
        """
        if keep is not None:
            check_keep(keep)
        users = np.array(id_strings(user_ids, "bank: user_ids"), dtype=np.str_)
        if arrays and users.tolist() != list(map(str, user_ids)):
            raise InputError(
                "bank: user_ids are given as decimals, such as '7.0', which are read as '7', and the arrays "
                "may have their order; prepare the data again."
            )
        content = Content.of(users, whole_codes(codes), names, sizes, manifest, rows_seen, arrays)
        with sole_writer(root, "bank"):
            if after != ANY_VERSION and after != (current(Path(root)) if FeatureBank.exists(root) else None):
                raise InputError(
                    f"{root}: another version became the current one meanwhile; run the same command again."
                )
            folder = content.write(Path(root))
            point(Path(root), folder.name)
            if keep is not None:
                with suppress(InputError):  # the version is written; the next writer tries again
                    drop_old(Path(root), keep)
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
        path = Path(root)
        if (path / artifact.MANIFEST).is_file():
            return _open(path)
        while True:
            seen = stamp(path)
            name = current(path)
            try:
                if name not in (there := versions(path)):
                    raise missing(path, name, there)
                return _open(path / name)
            except (InputError, FileNotFoundError):  # perhaps pruned since, another being current now
                if stamp(path) == seen:
                    raise

    @property
    def users(self) -> pl.DataFrame:
        """``user_id`` and one Int64 column per profile, sorted by user_id.

        Raises:
            InputError: the version was deleted since it was opened, or the file is damaged.
        """
        import polars as pl  # whoever only looks codes up does not wait for it

        from userip_lightning import parquet

        file = self.path / "codes.parquet"
        try:
            artifact.require_whole(self.path, self.manifest, file.name)
            return parquet.read(file)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise _damaged(file, str(error).splitlines()[0]) from None
        except FileNotFoundError:
            raise InputError(
                f"{self.path}: this version was deleted while it was read; run the same command again."
            ) from None

    def lookup(self, user_ids: Ids) -> NDArray[np.int64]:
        """[N] user ids → [N, P] codes; an unknown user gets the reserved code K_p of every profile.

        Args:
            user_ids: in order; ``7``, ``7.0`` and ``"7"`` are one id, and one that is missing (None, NaN,
                blank) or longer than any in a bank is an unknown user.

        Raises:
            InputError: one is no id (:mod:`userip_lightning.ids`), they have no order (a set, a generator),
                or a file of the bank is damaged.
        """
        return self.codes(self.find(user_ids))

    def find(self, user_ids: Ids) -> NDArray[np.int64]:
        """[N] user ids, as for :meth:`lookup` → [N] places in the bank, -1 where a user is unknown.

        For a server that keeps more about its users in this order, such as their embedding rows: one search
        for all of it.
        """
        ids = asked_array(user_ids, whole=False)
        places = self._index.find(ids)
        lost = np.flatnonzero(places < 0)
        if lost.size and (whole := asked_array(others := ids[lost])) is not others:
            places[lost] = self._index.find(whole)
        return places

    def codes(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """[N] places of :meth:`find` → [N, P] codes; place -1 has the reserved code K_p of every profile."""
        if not self._codes.size:
            return np.tile(np.array(self.sizes, dtype=np.int64), (places.size, 1))
        codes = self._codes.take(places, axis=0).astype(np.int64)
        if (codes.view(np.uint64) >= self._limits).any():
            raise _damaged(self.path / "codes.npy", "a code that its codebook does not have")
        codes[places < 0] = self.sizes
        return codes

    def require_whole(self) -> None:
        """Hash all files to the last byte, as before they are copied.

        Raises:
            InputError: one is damaged.
        """
        artifact.require_whole(self.path, self.manifest)

    def info(self) -> BankInfo:
        """Version, provenance and how many users have each code."""
        counts = {
            name: np.bincount(self._codes[:, p], minlength=size).tolist()
            for p, (name, size) in enumerate(zip(self.names, self.sizes, strict=True))
        }
        made_by, root = self.manifest, self.path.parent
        return BankInfo(
            version=self.path.name,
            users=made_by.users,
            counts=counts,
            data_hash=made_by.data_hash,
            config_hash=made_by.config_hash,
            lm=made_by.lm,
            versions={name: size(root / name) for name in versions(root)},
        )

    def export(self, path: str | Path, formulas: bool = False) -> Path:
        """Write :attr:`users` as one ``.csv`` or ``.parquet`` file, whole or not at all.

        A ``.csv`` may be opened in a spreadsheet: an id that one would run as a formula has ``'`` in front
        there (see :mod:`~userip_lightning.bank.spreadsheet`). A ``.parquet`` has every id as it is.

        Args:
            path: of the file.
            formulas: whether ids in a ``.csv`` stay as they are, for a program.

        Raises:
            InputError: another suffix, or the disk is full.
        """
        target = Path(path)
        if target.suffix not in (".csv", ".parquet"):
            raise InputError(f"{target}: the bank exports to .csv or .parquet; choose one of these suffixes.")
        users = self.users
        with atomic.new_file(target) as draft:
            if target.suffix == ".csv":
                (users if formulas else users.with_columns(harmless("user_id"))).write_csv(draft)
            else:
                users.write_parquet(draft)
        return target


def _open(folder: Path) -> FeatureBank:
    """The version in ``folder``; InputError where it is missing or damaged."""
    manifest = artifact.read_manifest(folder, "bank")
    names: Any = manifest.extra.get("names")
    sizes: Any = manifest.extra.get("sizes")
    if not _are(names, str) or not _are(sizes, int) or len(names) != len(sizes):
        raise _damaged(folder / artifact.MANIFEST, "names and sizes of the profiles do not fit")
    index = KeyIndex.load(folder)
    codes = open_array(folder / "codes.npy", "iu", (len(index.keys), len(sizes)))
    return FeatureBank(folder, manifest, index, codes)


def _are(values: object, kind: type) -> bool:
    return isinstance(values, list) and all(isinstance(value, kind) for value in values)


def _damaged(file: Path, reason: str) -> InputError:
    return InputError(f"{file}: the file is damaged ({reason}); {REMEDY}.")
