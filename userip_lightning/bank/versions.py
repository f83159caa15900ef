"""The versions under a bank's root: which there are, which one is current, how a version goes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from userip_lightning import artifact, atomic
from userip_lightning.errors import InputError

CURRENT = "CURRENT"


def versions(root: Path) -> tuple[str, ...]:
    """Names of the versions under ``root``, the one that was written last first."""
    found = {}
    for file in root.glob(f"[!.]*/{artifact.MANIFEST}"):
        with suppress(FileNotFoundError):  # pruned a moment ago
            found[file.parent.name] = file.stat().st_mtime_ns
    return tuple(sorted(found, key=lambda name: (-found[name], name)))


def size(folder: Path) -> int:
    """Bytes of a version's files; 0 where it is gone."""
    found = 0
    for file in folder.glob("*"):
        with suppress(FileNotFoundError):
            found += file.stat().st_size
    return found


def current(root: Path) -> str:
    """What CURRENT names.

    Raises:
        InputError: there is no CURRENT.
    """
    try:
        return (root / CURRENT).read_text(encoding="utf-8", errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        if found := _of_experiment(root):
            named = " or ".join(map(str, found))
            raise InputError(f"{root}: this is an experiment's folder; name a bank in it, {named}.") from None
        raise InputError(
            f"{root}: no bank here ({CURRENT} is missing); run the stage that makes it or check the path."
        ) from None


def _of_experiment(root: Path) -> list[Path]:
    """Banks in an experiment's folder: those that are served, else its own; empty where it is none."""
    for place in ("serving", "catalogue", "quantize"):
        if found := sorted(file.parent for file in root.glob(f"{place}/*/{CURRENT}")):
            return found
    return []


def stamp(root: Path) -> tuple[int, int]:
    """Changes whenever CURRENT is written, also with the same name; zeros where it is not there."""
    try:
        found = (root / CURRENT).stat()
    except OSError:
        return 0, 0
    return found.st_ino, found.st_mtime_ns


def point(root: Path, name: str) -> None:
    """Make a version the current one, in one step.

    Raises:
        InputError: CURRENT cannot be written.
    """
    pointer = root / CURRENT
    try:
        atomic.write_text(pointer, name + "\n")
    except OSError as error:
        raise InputError(
            f"{pointer}: could not be written ({error.strerror or error}); free some space, then write "
            f"{name} into it."
        ) from error


def writable_root(path: str | Path) -> Path:
    """The folder of all versions, whose current one is there.

    Raises:
        InputError: no bank there, or ``path`` is the folder of one version.
    """
    root = Path(path)
    if (root / artifact.MANIFEST).is_file():
        raise InputError(f"{root}: this is one version; name the bank's folder, {root.parent}.")
    name = current(root)
    if name not in (there := versions(root)):
        raise missing(root, name, there)
    return root


def missing(root: Path, name: str, there: tuple[str, ...]) -> InputError:
    """What to raise where CURRENT names a version that is not there."""
    return InputError(
        f"{root / CURRENT}: names version {name!r:.60}, which is missing "
        f"(there: {', '.join(there) or 'none'}); write one of these into "
        "it or run the stage that makes the bank again."
    )


def drop(root: Path, name: str) -> None:
    """Delete a version: from one moment to the next it is no longer there for readers.

    Who has opened it goes on reading, its files being mapped.

    Raises:
        InputError: it cannot be deleted.
    """
    hidden = root / f".{name}.old"
    with _deleting(root / name):
        if hidden.exists():  # its deletion was interrupted, and the version came back since
            shutil.rmtree(hidden)
        os.rename(root / name, hidden)
        shutil.rmtree(hidden)


def sweep(root: Path) -> None:
    """Delete what killed writers left hidden under ``root``; the caller is its sole writer."""
    for left in (*root.glob(".*.part"), *root.glob(".*.old"), *root.glob(".*.scratch")):
        with _deleting(left):
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink()


@contextmanager
def _deleting(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path}: could not be deleted ({error.strerror or error}); check its permissions and run the "
            "same command again."
        ) from error
