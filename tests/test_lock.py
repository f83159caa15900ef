"""The lock of a folder, by itself; tests/bank and tests/pipeline have what it protects."""

import errno
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import filelock
import pytest

from userip_lightning.errors import InputError
from userip_lightning.lock import HOLDER, LOCK, sole_writer

#: Holds the lock of a folder through a fork that outlives the holder, as a loader's worker does.
FORKED = """
import os, sys, time
from userip_lightning.lock import sole_writer
with sole_writer(sys.argv[1], "bank"):
    if os.fork() == 0:
        time.sleep(3)
        os._exit(0)
    os.kill(os.getpid(), 9)
"""


def test_a_command_may_hold_what_it_calls_holds_too(tmp_path: Path) -> None:
    with sole_writer(tmp_path, "bank", shared=True):
        with sole_writer(tmp_path / "x" / "..", "bank"):
            pass
        assert (tmp_path / HOLDER).is_file()
    assert not (tmp_path / HOLDER).exists()
    with sole_writer(tmp_path, "bank"), pytest.raises(InputError, match="is writing this bank"):
        sole_writer(tmp_path, "bank").__enter__()


def test_another_thread_is_another_writer(tmp_path: Path) -> None:
    def write() -> None:
        try:
            with sole_writer(tmp_path, "bank"):
                pass
        except InputError as error:
            said.append(str(error))

    said: list[str] = []
    with sole_writer(tmp_path, "bank"):
        thread = Thread(target=write)
        thread.start()
        thread.join()
    assert len(said) == 1
    assert f"process {os.getpid()} on {platform.node()}, since " in said[0]


def test_what_a_failed_block_made_for_nothing_goes_again(tmp_path: Path) -> None:
    folder = tmp_path / "above" / "new"
    with pytest.raises(ZeroDivisionError), sole_writer(folder, "bank"):
        raise ZeroDivisionError
    assert not folder.parent.exists()
    with pytest.raises(NotADirectoryError), sole_writer(folder, "bank"):
        ((folder / "part").write_text(""), (folder / "part" / "below").mkdir())
    assert {file.name for file in folder.iterdir()} == {LOCK, "part"}


def test_what_a_killed_writer_started_may_take_its_time_to_end(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", FORKED, str(tmp_path)], check=False)
    assert killed.returncode == -9
    begun = time.monotonic()
    with sole_writer(tmp_path, "bank"):
        pass
    assert time.monotonic() - begun < 20


def test_a_living_writer_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = filelock.FileLock(tmp_path / LOCK)
    with lock:
        (tmp_path / HOLDER).write_text(f"process 1 on {platform.node()}, since now,")
        monkeypatch.setattr("userip_lightning.lock.LEFT_BEHIND", 600.0)
        with pytest.raises(InputError, match=r"process 1 on .*, since now, is writing this bank"):
            sole_writer(tmp_path, "bank").__enter__()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_named(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(filelock.FileLock, "acquire", without)
    with pytest.raises(InputError, match=r"the file system has no locks .*; name a folder on another one"):
        sole_writer(tmp_path, "bank").__enter__()
