"""`userip verify`: whether the files of artifacts are what was written."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from jsonargparse import ArgumentParser

from userip_lightning.artifact import MANIFEST, Manifest, file_faults, read_manifest
from userip_lightning.cli.paragraphs import command_parser
from userip_lightning.errors import InputError
from userip_lightning.plural import plural
from userip_lightning.progress_bars import piece

DESCRIPTION = """Read every byte of the artifacts in a folder and compare each file with the hash in its
manifest; the manifest has a hash of itself. An artifact is prepared data, profiles, knowledge, a bank or
one of its versions, a CTR run, a study or a fetched asset. An experiment's folder has many of them, and so
has the cache. Other files (checkpoints, results.json, logs) have no hash and are not checked.

Opening an artifact checks its small files in the same way, but only 16 blocks of 64 KiB of a file above 1
MiB; this command also finds damage between these blocks. Nothing is changed. The exit code is 2 if a file
is damaged or missing. Artifacts of earlier versions of this program have no hashes: only their sizes are
checked, and the output says so.
Examples: userip verify runs/demo
          userip bank verify BANK"""


def verify(arguments: Sequence[str]) -> None:
    """Run `userip verify`.

    Raises:
        InputError: no artifact there, or a damaged one.
    """
    verify_folders(_parser().parse_args(list(arguments)).folders)


def verify_folders(folders: Sequence[str]) -> None:
    """Check all artifacts in folders, and print what was found.

    Raises:
        InputError: no artifact in one of them, or a damaged one.
    """
    found = [part for folder in folders for part in _artifacts(Path(folder))]
    wrong: list[str] = []
    whole: dict[Path, Manifest] = {}
    for folder in found:
        with _told(wrong):
            whole[folder] = read_manifest(folder, files=False)
    total, done = sum(sum(manifest.files.values()) for manifest in whole.values()), 0
    with piece("hashing", "MB") as shown:

        def hashed_bytes(more: int) -> None:
            nonlocal done
            done += more
            shown.at(done / 1e6, total / 1e6)

        for folder, manifest in whole.items():
            with _told(wrong):
                wrong += file_faults(folder, manifest, hashed_bytes)
    old = sum(not manifest.hashes for manifest in whole.values())
    hashed = sum(len(manifest.hashes) for manifest in whole.values())
    print(f"{plural(len(found), 'artifact')}, {plural(hashed, 'file')} hashed")
    if old:
        print(f"of earlier versions, without hashes (sizes alone were checked): {old}")
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    if wrong:
        raise InputError(
            f"{', '.join(folders)}: {plural(len(wrong), 'damaged file')}; restore what is damaged from a "
            "copy, or delete its folder and make it again."
        )


@contextmanager
def _told(wrong: list[str]) -> Iterator[None]:
    """What is wrong in the block is added to ``wrong``."""
    try:
        yield
    except InputError as error:
        wrong.append(str(error))


def _parser() -> ArgumentParser:
    parser = command_parser("userip verify", DESCRIPTION)
    parser.add_argument("folders", type=str, nargs="+", help="artifacts, or folders that have some in them")
    return parser


def _artifacts(folder: Path) -> list[Path]:
    """Folders with a manifest, hidden ones left out."""
    found = []
    for place, parts, files in os.walk(folder):
        parts[:] = sorted(part for part in parts if not part.startswith("."))
        if MANIFEST in files:
            found.append(Path(place))
    if not found:
        raise InputError(f"{folder}: no artifact here (no {MANIFEST} in it or below); check the path.")
    return found
