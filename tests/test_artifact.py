"""Artifacts are whole or absent, whatever became of their writer. (Rooms test the rest through their own.)"""

import os
import resource
import signal
from pathlib import Path

import numpy as np
import pytest

from tests.server import SERVER
from userip_lightning import atomic
from userip_lightning.arrays import save_array
from userip_lightning.artifact import Manifest, read_manifest, writing
from userip_lightning.atomic import new_file, write_text
from userip_lightning.errors import InputError

MANIFEST = Manifest("prepared", config_hash="a", data_hash="a", users=1)


def _die_half_way(target: Path) -> None:
    with writing(target, MANIFEST) as draft:
        (draft / "events").write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)


def _killed_writer(target: Path) -> None:
    child = SERVER.Process(target=_die_half_way, args=(target,))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL


def test_what_a_killed_writer_left_goes_with_the_next_write_of_the_same_target(tmp_path):
    _killed_writer(tmp_path / "ours")
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".ours.")
    pid = left.name.split(".")[-2]
    theirs = tmp_path / left.name.replace(".ours.", ".theirs.")
    old = tmp_path / left.name.replace(".part", ".old")
    alive = tmp_path / left.name.replace(f".{pid}.", f".{os.getppid()}.")
    elsewhere = tmp_path / f".ours.another-machine.{pid}.part"
    for folder in (theirs, old, alive, elsewhere):
        folder.mkdir()
    with writing(tmp_path / "ours", MANIFEST):
        assert not left.exists()
    assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "ours", theirs, alive, elsewhere])
    assert read_manifest(tmp_path / "ours", "prepared").users == 1


def test_a_dead_writers_draft_of_a_file_goes_too(tmp_path):
    draft = atomic._hidden(tmp_path / "CURRENT", "part")
    dead = tmp_path / draft.name.replace(f".{os.getpid()}.", ".4194305.")  # above any process id of Linux
    dead.write_text("half")
    write_text(tmp_path / "CURRENT", "whole")
    assert [file.name for file in tmp_path.iterdir()] == ["CURRENT"]


def test_a_new_file_is_whole_or_as_it_was(tmp_path, monkeypatch):
    target, synced = tmp_path / "made" / "file.csv", []
    monkeypatch.setattr(atomic, "_sync", lambda file: synced.append(file.read_text()))
    for text in ("first", "second"):
        with new_file(target) as draft:
            draft.write_text(text)
            assert draft.parent == target.parent
            assert target.exists() == (text == "second")
    assert synced == ["first", "second"]
    with pytest.raises(KeyError, match="typo"), new_file(target) as draft:
        raise KeyError(f"typo {draft.write_text('half')}")
    assert target.read_text() == "second"
    assert list(target.parent.iterdir()) == [target]


def test_a_new_file_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "folder").mkdir()
    refused = pytest.raises(InputError, match=r"folder: could not be written \(.*; free some space or name")
    with refused, new_file(tmp_path / "folder") as draft:
        draft.write_text("of a file")
    with pytest.raises(InputError, match="the disk is full"), new_file(tmp_path / "file"):
        raise OSError("No space left on device")
    assert [left.name for left in tmp_path.iterdir()] == ["folder"]


def test_a_mistake_of_the_program_while_writing_is_not_taken_for_a_full_disk(tmp_path):
    with pytest.raises(KeyError, match="typo"), writing(tmp_path / "ours", MANIFEST):
        raise KeyError("typo")
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    refused = pytest.raises(InputError, match=r"file/ours: could not be written \((Not a dir|File exists)")
    with refused, writing(tmp_path / "file" / "ours", MANIFEST):
        pass


@pytest.mark.parametrize("length", [10, 450, 5000])
def test_an_array_that_does_not_fit_on_the_disk_is_never_taken_for_whole(length, tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8 * length, before[1]))  # the header makes it longer
    try:
        refused = pytest.raises(InputError, match=r"ours: could not be written \(the disk is full")
        with refused, writing(tmp_path / "ours", MANIFEST, np.arange(length)):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_a_saved_array_is_numpys(tmp_path):
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4).transpose(0, 2, 1)
    save_array(tmp_path / "a.npy", array)
    assert np.array_equal(np.load(tmp_path / "a.npy", mmap_mode="r"), array)
