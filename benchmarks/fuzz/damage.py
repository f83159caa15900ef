"""Damage to a folder of files: what disks, half copies, hands and editors do to them."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

from benchmarks.fuzz.array_damage import damage_array, damage_table
from benchmarks.fuzz.odd_values import edited

#: Longest piece that is overwritten at once.
_BLOCK = 256
_MANIFEST = "manifest.json"
#: Left by locks; nothing is read from them.
_IGNORED = (".writer.lock", ".lock")

Bytes = Callable[[bytes, random.Random], tuple[bytes, str]]


def damage(root: Path, rng: random.Random, other: Path | None = None) -> str:
    """Do one thing to one file below ``root``, sometimes so that its size in the manifest fits again.

    Args:
        root: the folder.
        rng: the draws.
        other: a folder with files of the same names, such as another version.

    Returns:
        What was done, in words.
    """
    files = sorted(file for file in root.rglob("*") if file.is_file() and file.name not in _IGNORED)
    file = rng.choice(files)
    name = str(file.relative_to(root))
    words = _tree(file, files, rng, other) if rng.random() < 0.15 else _one_file(file, rng)
    if file.is_file() and rng.random() < 0.3:
        words += _sized(file)
    return f"{name}: {words}"


def damaged_bytes(raw: bytes, rng: random.Random) -> tuple[bytes, str]:
    """Bytes with one fault."""
    change: Bytes = rng.choice(_BYTES)
    return change(raw, rng)


def _tree(file: Path, files: list[Path], rng: random.Random, other: Path | None) -> str:
    """What happens to whole files."""
    there = other.rglob(file.name) if other else ()
    same = [found for found in there if found.is_file() and found != file]
    what = rng.choice(["deleted", "exchanged", "folder", "link", "other"])
    if what == "other" and same:
        shutil.copyfile(rng.choice(sorted(same)), file)
        return "replaced by that of another version"
    if what in ("exchanged", "other"):
        second = rng.choice(files)
        first_bytes, second_bytes = file.read_bytes(), second.read_bytes()
        file.write_bytes(second_bytes)
        second.write_bytes(first_bytes)
        return f"exchanged with {second.name}"
    file.unlink()
    if what == "folder":
        file.mkdir()
        return "a folder in its place"
    if what == "link":
        file.symlink_to(rng.choice([file.with_name("nowhere"), file, Path("/dev/null")]))
        return f"a link to {file.readlink().name} in its place"
    return "deleted"


def _one_file(file: Path, rng: random.Random) -> str:
    """What happens inside of one."""
    inside = {".json": damage_json, ".npy": damage_array, ".parquet": damage_table}.get(file.suffix)
    raw = file.read_bytes()
    if inside is not None and rng.random() < 0.5:
        found, words = inside(raw, rng)
    else:
        found, words = damaged_bytes(raw, rng)
    file.write_bytes(found)
    return words


def damage_json(raw: bytes, rng: random.Random) -> tuple[bytes, str]:
    """A JSON file with one value changed; bytes damaged where it is none."""
    try:
        value = json.loads(raw)
    except ValueError:
        return damaged_bytes(raw, rng)
    if rng.random() < 0.03:
        depth = rng.choice([200, 100_000])
        return b"[" * depth + b"]" * depth, f"{depth} lists in each other"
    changed, words = edited(value, rng)
    return json.dumps(changed, indent=rng.choice([None, 2])).encode("utf-8", "surrogatepass"), words


def _sized(file: Path) -> str:
    """Let the manifest beside a file agree with its size."""
    manifest = file.parent / _MANIFEST
    try:
        value = json.loads(manifest.read_text(encoding="utf-8"))
        files = value["files"]
        known = files[file.name]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
    size = file.stat().st_size
    if isinstance(known, int) and known != size:
        files[file.name] = size
    elif isinstance(known, dict) and known.get("bytes", size) != size:
        known["bytes"] = size
    else:
        return ""
    manifest.write_text(json.dumps(value, indent=2), encoding="utf-8")
    return ", its size in the manifest as well"


def _flip(raw: bytes, rng: random.Random) -> tuple[bytes, str]:
    found = bytearray(raw)
    places = sorted(rng.randrange(len(raw)) for _ in range(rng.choice([1, 1, 1, 2, 8]))) if raw else []
    for place in places:
        found[place] ^= 1 << rng.randrange(8) if rng.random() < 0.5 else rng.randrange(1, 256)
    return bytes(found), f"bytes {places} changed"


def _cut(raw: bytes, rng: random.Random) -> tuple[bytes, str]:
    at = rng.choice([0, 1, max(0, len(raw) - 1), len(raw) // 2, rng.randrange(len(raw) + 1)])
    return raw[:at], f"cut after {at} of {len(raw)} bytes"


def _appended(raw: bytes, rng: random.Random) -> tuple[bytes, str]:
    more = rng.choice([b"\0", b"\n", b" ", raw, bytes(512), rng.randbytes(16)])
    return raw + more, f"{len(more)} bytes appended"


def _zeros(raw: bytes, rng: random.Random) -> tuple[bytes, str]:
    at, size = rng.randrange(len(raw) + 1), rng.randrange(1, _BLOCK)
    part = raw[at : at + size]
    filler = rng.choice([b"\0", b"\xff", b" "])
    return raw[:at] + filler * len(part) + raw[at + size :], f"{len(part)} bytes from {at} are {filler!r}"


def _noise(raw: bytes, rng: random.Random) -> tuple[bytes, str]:
    at, size = rng.randrange(len(raw) + 1), rng.randrange(1, _BLOCK)
    part = raw[at : at + size]
    return raw[:at] + rng.randbytes(len(part)) + raw[at + size :], f"{len(part)} bytes from {at} are noise"


def _removed(raw: bytes, rng: random.Random) -> tuple[bytes, str]:
    at, size = rng.randrange(len(raw) + 1), rng.choice([1, 1, 8, _BLOCK])
    return raw[:at] + raw[at + size :], f"{size} bytes from {at} removed"


def _inserted(raw: bytes, rng: random.Random) -> tuple[bytes, str]:
    at = rng.randrange(len(raw) + 1)
    more = rng.choice([b"\0", b"\n", b"\xff\xfe", b"\xed\xa0\x80", rng.randbytes(8), raw[at : at + 64]])
    return raw[:at] + more + raw[at:], f"{len(more)} bytes inserted at {at}"


def _moved(raw: bytes, rng: random.Random) -> tuple[bytes, str]:
    size = rng.choice([1, 8, 64])
    first, second = sorted(rng.randrange(len(raw) + 1) for _ in range(2))
    if second - first < size:
        return _flip(raw, rng)
    parts = raw[:first], raw[second : second + size], raw[first + size : second], raw[first : first + size]
    return b"".join(parts) + raw[second + size :], f"{size} bytes at {first} and {second} exchanged"


def _fresh(raw: bytes, rng: random.Random) -> tuple[bytes, str]:
    new = rng.choice(
        [b"", b"\0" * len(raw), rng.randbytes(min(len(raw), 4096)), b"{}", b"null", b"\xff\xfea\0"]
    )
    return new, f"{len(new)} other bytes instead"


_BYTES: list[Bytes] = [
    _flip,
    _flip,
    _flip,
    _cut,
    _appended,
    _zeros,
    _noise,
    _removed,
    _inserted,
    _moved,
    _fresh,
]
