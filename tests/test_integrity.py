"""What opening an artifact notices of damaged files, and what the hash of a whole file does."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.forged import aged, forge
from userip_lightning import integrity
from userip_lightning.artifact import Manifest, file_faults, read_manifest, require_whole, writing
from userip_lightning.errors import InputError
from userip_lightning.leak_audit import rows_seen

LARGE = integrity.WHOLE + 3 * integrity.BLOCK


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An artifact with a small, a large and an empty file, one of them further down."""
    manifest = Manifest("prepared", config_hash="a", data_hash="a", users=1, extra={"one": 1.5, "é": None})
    with writing(tmp_path / "made", manifest, np.arange(3)) as draft:
        (draft / "below").mkdir()
        (draft / "below" / "small").write_bytes(bytes(range(256)))
        (draft / "large").write_bytes(np.random.default_rng(0).bytes(LARGE))
        (draft / "empty").touch()
    return tmp_path / "made"


def faults(folder: Path, manifest: Manifest, progress: Callable[[int], object]) -> list[str]:
    """Names of damaged files."""
    return [
        sentence.split(": ")[0].removeprefix(f"{folder}/")
        for sentence in file_faults(folder, manifest, progress)
    ]


def flip(file: Path, at: int) -> None:
    with open(file, "r+b") as handle:
        handle.seek(at)
        byte = handle.read(1)[0]
        handle.seek(at)
        handle.write(bytes([byte ^ 1]))


def test_what_was_written_is_read(folder: Path) -> None:
    manifest = read_manifest(folder, "prepared")
    assert set(manifest.hashes) == set(manifest.files) == {"below/small", "large", "empty", "rows_seen.npy"}
    assert set(manifest.samples) == {"large"}
    assert faults(folder, manifest, lambda done: None) == []
    require_whole(folder, manifest)
    assert rows_seen(folder).tolist() == [0, 1, 2]


@pytest.mark.parametrize("at", [0, 100, 255])
def test_every_byte_of_a_small_file_is_looked_at(folder: Path, at: int) -> None:
    flip(folder / "below" / "small", at)
    with pytest.raises(
        InputError, match=r"below/small: the file is damaged .*; restore it from a copy, or delete"
    ):
        read_manifest(folder, "prepared")


@pytest.mark.parametrize("at", [0, integrity.BLOCK - 1, LARGE - integrity.BLOCK, LARGE - 1])
def test_header_and_end_of_a_large_file_are_looked_at(folder: Path, at: int) -> None:
    flip(folder / "large", at)
    with pytest.raises(InputError, match="large: the file is damaged"):
        read_manifest(folder, "prepared")


def test_between_the_blocks_the_whole_hash_alone_sees_damage(folder: Path) -> None:
    flip(folder / "large", integrity.BLOCK + 1)
    manifest = read_manifest(folder, "prepared")
    done: list[int] = []
    assert faults(folder, manifest, done.append) == ["large"]
    assert sum(done) == sum(manifest.files.values())
    require_whole(folder, manifest, "empty", "rows_seen.npy")
    for names in ((), ("large",)):
        with pytest.raises(InputError, match="large: the file is damaged"):
            require_whole(folder, manifest, *names)


def test_a_folder_of_many_files_is_not_read_for_ever(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(integrity, "MOST", integrity.WHOLE)
    flip(folder / "large", 0)
    manifest = read_manifest(folder, "prepared")
    flip(folder / "below" / "small", 0)
    with pytest.raises(InputError, match="below/small"):
        read_manifest(folder, "prepared")
    assert faults(folder, manifest, lambda done: None) == ["below/small", "large"]


@pytest.mark.parametrize(
    "change",
    [
        {"users": 2},
        {"extra": {}},
        {"hashes": {}},
        {"checksum": None},
        {"checksum": 7},
        {"hashes": None, "samples": None},
        {"files": {}},
        {"config_hash": "b"},
    ],
    ids=str,
)
def test_a_manifest_that_was_changed_is_corrupt(folder: Path, change: dict[str, object]) -> None:
    file = folder / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(InputError, match=r"manifest\.json: the manifest is corrupt \(it was changed after"):
        read_manifest(folder, "prepared")


@pytest.mark.parametrize("content", ["[" * 100_000, "[]", "7", "{}", '{"kind": 1}', "", "\ud800", "NaN"])
def test_a_manifest_of_any_content_is_one_sentence(folder: Path, content: str) -> None:
    (folder / "manifest.json").write_bytes(content.encode(errors="surrogatepass"))
    with pytest.raises(InputError, match="manifest is corrupt"):
        read_manifest(folder, "prepared")


def test_an_artifact_of_an_earlier_version_has_sizes_alone(folder: Path) -> None:
    flip(folder / "below" / "small", 0)
    manifest = read_manifest(aged(folder), "prepared")
    assert not manifest.hashes
    require_whole(folder, manifest)
    assert faults(folder, manifest, lambda done: None) == []
    (folder / "empty").write_text("x")
    with pytest.raises(InputError, match="empty: the file has 1 bytes instead of 0"):
        read_manifest(folder, "prepared")


@pytest.mark.parametrize("change", [{"users": "1"}, {"extra": []}, {"files": {"empty": None}}, {"files": 1}])
def test_values_of_other_types_are_no_manifest(folder: Path, change: dict[str, object]) -> None:
    with pytest.raises(InputError, match="corrupt"):
        read_manifest(aged(folder, **change), "prepared")


def test_a_forged_artifact_is_taken_for_a_written_one(folder: Path) -> None:
    flip(folder / "below" / "small", 0)
    assert read_manifest(forge(folder, users=9), "prepared").users == 9
