"""What all stores share: copying a version of a bank there and back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from userip_lightning.artifact import Manifest
from userip_lightning.bank.feature_bank import FeatureBank
from userip_lightning.bank.version_folder import OWN_ARRAYS, Content
from userip_lightning.bank.versions import point
from userip_lightning.errors import InputError
from userip_lightning.leak_audit import ROWS_SEEN
from userip_lightning.lock import sole_writer

#: Is called with how much is done, and how much there is in all.
Progress = Callable[[int, int], object]
#: Arrays that a pulled bank makes anew from the codes.
_DERIVED = {f"{name}.npy" for name in OWN_ARRAYS} - {ROWS_SEEN}


class Pushed(NamedTuple):
    """What a push did.

    Args:
        version: the current one now.
        done: ``pushed``; ``swapped`` where the store had it as an older one; ``current`` where it was that.
        deleted: versions that went, older or half-pushed ones.
    """

    version: str
    done: Literal["pushed", "swapped", "current"]
    deleted: tuple[str, ...]


def further_arrays(bank: FeatureBank) -> list[str]:
    """Files of a version that a copy needs beside users and codes, to be pulled again."""
    return sorted({name for name in bank.manifest.files if name.endswith(".npy")} - _DERIVED)


def parts(file: Path, size: int) -> Iterator[bytes]:
    """A file in pieces of at most ``size`` bytes."""
    with open(file, "rb") as handle:
        while part := handle.read(size):
            yield part


def check_origin(address: object, current: str, versions: Collection[str]) -> None:
    """Raise InputError where a store's current version is none of the bank's ``versions``."""
    if current not in versions:
        raise InputError(
            f"{address}: its current version {current} is none of this bank; push the bank there "
            "with --keep 1 first, or name the bank that it came from."
        )


def manifest_of(record: Any, address: object) -> Manifest:
    """The manifest that a store keeps of a version.

    Raises:
        InputError: it is none.
    """
    try:
        return Manifest(**record)
    except TypeError as error:
        raise InputError(
            f"{address}: what is there as a bank's manifest is none ({error}); push the bank again."
        ) from None


def write_pulled(content: Content, version: str, root: str | Path, address: object) -> Path:
    """Write what a store has as ``version`` under ``root`` and make it current; returns its folder.

    Raises:
        InputError: it is another version, another process is writing the bank, or it cannot be written.
    """
    if content.version != version:
        raise InputError(
            f"{address}: what is there as version {version} is something else, {content.version}; push the "
            "bank to another address."
        )
    folder = Path(root)
    with sole_writer(folder, "bank"):
        written = content.write(folder)
        point(folder, written.name)
    return written
