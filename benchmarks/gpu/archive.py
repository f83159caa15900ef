"""Language model and data in parts that are small enough to be carried, and back.

``manifest.json`` lists the files one after another, with their sizes, and the parts that their bytes make
when they are cut, with sizes and SHA-256. The language model's weights travel in 8 bits (``eight_bits.py``).
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from benchmarks.gpu.assets import GAMES_FOLDER, HISTORIES, ITEMS, LM_FOLDER
from userip_lightning.assets import ML_100K
from userip_lightning.errors import InputError
from userip_lightning.integrity import file_hash

MANIFEST, PACKED = "manifest.json", "weights-8-bit.safetensors"
PART = 48 << 20
_BLOCK = 1 << 20


def collect(lm: Path, ml100k: Path, games: tuple[Path, Path] | None, work: Path) -> dict[str, Path]:
    """Files by the names that they have in an archive; 8-bit weights are made in ``work``."""
    from benchmarks.gpu.eight_bits import quantise  # torch, which restoring the data alone does without

    packed = work / PACKED
    quantise(lm / "model.safetensors", packed)
    left_out = {"manifest.json", "model.safetensors"}
    files = {f"{LM_FOLDER}/{file.name}": file for file in sorted(lm.iterdir()) if file.name not in left_out}
    files[f"{LM_FOLDER}/{PACKED}"] = packed
    files |= {f"{ML_100K}/{file.name}": file for file in sorted(ml100k.glob("ml-100k.*"))}
    if games is not None:
        names = (HISTORIES, ITEMS)
        files |= {f"{GAMES_FOLDER}/{name}": file for name, file in zip(names, games, strict=True)}
    return files


def pack(files: Mapping[str, Path], folder: Path, part: int = PART) -> list[Path]:
    """Write an archive.

    Args:
        files: name in the archive to file.
        folder: gets the parts and the manifest, which is written last.
        part: bytes of a part at most.

    Raises:
        InputError: a file is missing, or the folder holds an archive already.
    """
    if (folder / MANIFEST).exists():
        raise InputError(f"{folder}: holds an archive already; delete it or name another folder.")
    for file in files.values():
        if not file.is_file():
            raise InputError(f"{file}: missing; give the path of a file that is there.")
    folder.mkdir(parents=True, exist_ok=True)
    parts: list[Path] = []
    room, out = 0, None
    for file in files.values():
        with open(file, "rb") as source:
            while block := source.read(min(_BLOCK, room or part)):
                if out is None:
                    parts.append(folder / f"part-{len(parts):02d}.bin")
                    out, room = open(parts[-1], "wb"), part  # noqa: SIM115  # a part outlives a file
                out.write(block)
                room -= len(block)
                if room == 0:
                    out.close()
                    out = None
    if out is not None:
        out.close()
    listed = {
        "files": {name: file.stat().st_size for name, file in files.items()},
        "parts": {file.name: [file.stat().st_size, file_hash(file)] for file in parts},
    }
    (folder / MANIFEST).write_text(json.dumps(listed, indent=1), encoding="utf-8")
    return parts


def restore(archive: Path, target: Path) -> Path:
    """Fill ``target`` with what an archive holds; one that is whole already is left alone.

    Raises:
        InputError: the archive has no manifest, lacks a part, or a part is not as it was written.
    """
    manifest = _manifest(archive)
    done = target / MANIFEST
    if done.is_file() and done.read_text(encoding="utf-8") == (archive / MANIFEST).read_text("utf-8"):
        return target
    for name, (size, digest) in manifest["parts"].items():
        _check(archive / name, size, digest)
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target) as work:
        _unpack(manifest, archive, Path(work))
        packed = Path(work) / LM_FOLDER / PACKED
        if packed.is_file():
            from benchmarks.gpu.eight_bits import restore_weights

            restore_weights(packed, packed.with_name("model.safetensors"))
            packed.unlink()
        for folder in Path(work).iterdir():
            shutil.rmtree(target / folder.name, ignore_errors=True)
            folder.rename(target / folder.name)
    shutil.copy(archive / MANIFEST, done)
    return target


def _manifest(archive: Path) -> dict[str, Any]:
    file = archive / MANIFEST
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        inside = [PurePosixPath(name) for name in found["files"]]
        flat = [PurePosixPath(name).name == name for name in found["parts"]]
        if not all(flat) or any(len(path.parts) != 2 or ".." in path.parts for path in inside):
            raise ValueError
    except FileNotFoundError:
        raise InputError(
            f"{archive}: no {MANIFEST}, so no archive; name the folder that was packed."
        ) from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{file}: not the manifest of an archive; copy it again.") from None
    return found


def _check(part: Path, size: int, digest: str) -> None:
    if not part.is_file():
        raise InputError(f"{part}: missing; copy every part of the archive.")
    if (there := part.stat().st_size) != size:
        raise InputError(f"{part}: {there:,} bytes instead of {size:,}, it was cut off; copy it again.")
    if file_hash(part) != digest:
        raise InputError(f"{part}: its bytes are not those that were packed; copy it again.")


def _unpack(manifest: Mapping[str, Any], archive: Path, target: Path) -> None:
    blocks = _Stream(open(archive / name, "rb") for name in manifest["parts"])  # noqa: SIM115  # closed by it
    for name, size in manifest["files"].items():
        file = target / name
        file.parent.mkdir(exist_ok=True)
        with open(file, "wb") as out:
            blocks.copy(out, size)
    blocks.close()


class _Stream:
    """Files one after another, as if they were one."""

    def __init__(self, files: Iterator[BinaryIO]) -> None:
        self._files = files
        self._at: BinaryIO | None = next(files, None)

    def copy(self, out: BinaryIO, size: int) -> None:
        """The next ``size`` bytes."""
        while size:
            if self._at is None:
                raise InputError(f"{MANIFEST}: its files are longer than its parts; copy it again.")
            block = self._at.read(min(size, _BLOCK))
            if not block:
                self._at.close()
                self._at = next(self._files, None)
            out.write(block)
            size -= len(block)

    def close(self) -> None:
        """Close the file at hand."""
        if self._at is not None:
            self._at.close()
