"""Artifacts: folders that are written atomically, with a manifest that the next stage checks.

The manifest carries the size and hashes of every file, which catch a truncated or damaged copy (what is
checked when: ``integrity.py``), a hash of itself, and the hash of the rows that the stage saw (see
``leak_audit.py``). Artifacts of earlier versions have sizes alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from userip_lightning import integrity
from userip_lightning.arrays import REMEDY, save_array
from userip_lightning.atomic import new_folder, write_text
from userip_lightning.errors import InputError
from userip_lightning.integrity import Progress
from userip_lightning.leak_audit import ROWS_SEEN, rows_hash

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
_DAMAGED = "is damaged (its content is not what was written)"


@dataclass(frozen=True)
class Manifest:
    """What an artifact is and where it came from.

    Args:
        kind: ``prepared``, ``profiles``, ``bank``, ``knowledge``, ``ctr`` or ``study``.
        config_hash: hash of the settings that made it (:func:`stable_hash`).
        data_hash: ``config_hash`` of the prepared data below it; equal throughout one run.
        users: number of users in it.
        lm: name and fingerprint of the language model, where one took part.
        prompt_hash: hash of the prompt template, where one took part.
        rows_hash: hash of the row ids that training saw (:func:`rows_hash`); set on writing.
        extra: whatever else the kind needs, JSON values only.
        files: file name to size in bytes; set on writing.
        schema_version: layout version of the artifact.
        hashes: file name to SHA-256 of the file; set on writing, empty in those of earlier versions.
        samples: the same of large files' samples (``integrity.py``).
        checksum: of the manifest itself; set on writing.
    """

    kind: str
    config_hash: str
    data_hash: str
    users: int
    lm: str | None = None
    prompt_hash: str | None = None
    rows_hash: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, int] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION
    hashes: Mapping[str, str] = field(default_factory=dict)
    samples: Mapping[str, str] = field(default_factory=dict)
    checksum: str | None = None


def stable_hash(value: object) -> str:
    """First 16 hex digits of the SHA-256 of ``value`` as canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@contextmanager
def writing(
    path: str | Path, manifest: Manifest, rows_seen: NDArray[np.int64] | None = None
) -> Iterator[Path]:
    """Yield a folder to fill; on success it becomes ``path``, on any failure nothing is left.

    Raises:
        InputError: the disk is full or the target cannot be written.
    """
    with new_folder(Path(path)) as draft:
        yield draft
        if rows_seen is not None:
            save_array(draft / ROWS_SEEN, np.unique(rows_seen.astype(np.int64)))
            manifest = replace(manifest, rows_hash=rows_hash(rows_seen))
        sizes = {str(f.relative_to(draft)): f.stat().st_size for f in sorted(draft.rglob("*")) if f.is_file()}
        whole, samples = integrity.hashes(draft, sizes)
        write_manifest(draft, replace(manifest, files=sizes, hashes=whole, samples=samples))


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write a manifest as it is, with a hash of its own."""
    record = json.loads(json.dumps(asdict(manifest)))
    write_text(folder / MANIFEST, json.dumps(integrity.sealed(record), indent=2))


def read_manifest(path: str | Path, kind: str | None = None, files: bool = True) -> Manifest:
    """Read the manifest of the artifact at ``path``, and check it and the files as far as that is cheap.

    Args:
        path: folder of the artifact.
        kind: that it has to be; any where None.
        files: whether they are looked at.

    Raises:
        InputError: no artifact there, a corrupt manifest, another kind or schema version, or a file that
            is missing, not of the recorded size, or damaged.
    """
    folder = Path(path)
    file = folder / MANIFEST
    if not file.is_file():
        raise InputError(
            f"{folder}: no {'' if kind is None else f'{kind} '}artifact here ({MANIFEST} is missing); run "
            "the stage that makes it."
        )
    manifest = _checked(file)
    if kind is not None and manifest.kind != kind:
        raise InputError(
            f"{file}: this is a {manifest.kind!r} artifact, a {kind!r} one was expected; check the path."
        )
    if not files:
        return manifest
    with _read_errors(folder):
        for name, size in manifest.files.items():
            if (fault := _size_fault(folder / name, size)) is not None:
                raise InputError(
                    f"{folder / name}: the file {fault}; delete {folder} and run its stage again."
                )
        damaged = integrity.damaged_at_open(folder, manifest.files, manifest.hashes, manifest.samples)
    if damaged is not None:
        raise _damaged(folder / damaged)
    return manifest


def require_whole(path: str | Path, manifest: Manifest, *names: str) -> None:
    """Hash files to the last byte: before they are read as a whole, or copied.

    Args:
        path: folder of the artifact.
        manifest: of it; one of an earlier version has no hashes, so nothing is checked.
        names: of files; all of them where none is given.

    Raises:
        InputError: a file is damaged, or cannot be read.
    """
    with _read_errors(Path(path)):
        wrong = integrity.damaged(Path(path), manifest.hashes, names or manifest.files)
    if wrong:
        raise _damaged(Path(path) / wrong[0])


def file_faults(path: str | Path, manifest: Manifest, progress: Progress) -> list[str]:
    """A sentence for every file that is not what was written, to the last byte.

    Raises:
        InputError: a file cannot be read.
    """
    found = []
    for name, size in manifest.files.items():
        file = Path(path) / name
        with _read_errors(Path(path)):
            fault = _size_fault(file, size)
            if fault is None and integrity.damaged(Path(path), manifest.hashes, [name], progress):
                fault = _DAMAGED
        if fault is not None:
            found.append(f"{file}: the file {fault}.")
    return found


def _checked(file: Path) -> Manifest:
    """A manifest that is what was written."""
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        manifest = Manifest(**record)
    except (ValueError, TypeError, RecursionError) as error:
        raise _corrupt(file, error) from None
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror or error}).") from None
    if manifest.schema_version != SCHEMA_VERSION:
        raise InputError(
            f"{file}: schema version {manifest.schema_version}, this program reads {SCHEMA_VERSION}; "
            "run its stage again with this version."
        )
    has_hashes = any(name in record for name in ("hashes", "samples", integrity.SEAL))
    if has_hashes and not integrity.is_intact(record):
        raise _corrupt(file, "it was changed after it was written")
    mappings = (manifest.extra, manifest.files, manifest.hashes, manifest.samples)
    if (
        not all(isinstance(mapping, dict) for mapping in mappings)
        or not all(isinstance(size, int) for size in manifest.files.values())
        or not isinstance(manifest.users, int)
    ):
        raise _corrupt(file, "values of other types than a manifest has")
    return manifest


def _corrupt(file: Path, reason: object) -> InputError:
    return InputError(
        f"{file}: the manifest is corrupt ({reason}); delete the folder and run its stage again."
    )


def _damaged(file: Path) -> InputError:
    return InputError(f"{file}: the file {_DAMAGED}; {REMEDY}.")


def _size_fault(file: Path, size: int) -> str | None:
    found = file.stat().st_size if file.is_file() else None
    if found == size:
        return None
    return "is missing" if found is None else f"has {found} bytes instead of {size}"


@contextmanager
def _read_errors(folder: Path) -> Iterator[None]:
    """A file that goes or cannot be read in the block is one sentence."""
    try:
        yield
    except FileNotFoundError:
        raise  # the folder was deleted meanwhile, which some callers expect
    except OSError as error:
        raise InputError(
            f"{error.filename or folder}: cannot be read ({error.strerror or error}); check the permissions "
            "and the disk."
        ) from None


def expect_same_data(path: str | Path, manifest: Manifest, data_hash: str) -> None:
    """Refuse an artifact made from other prepared data.

    Raises:
        InputError: the data hashes differ.
    """
    if manifest.data_hash != data_hash:
        raise InputError(
            f"{path}: made from data {manifest.data_hash}, but this run uses data {data_hash}; "
            "run the stages that made it again on this data."
        )
