"""Writers one at a time, readers at any time."""

import multiprocessing
import platform
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bank.bank_work import hold, hold_and_hang, watch
from tests.cli.refusal import refused
from tests.server import SERVER
from tests.serving.banks import write
from userip_lightning.bank import FeatureBank
from userip_lightning.bank.pruning import prune
from userip_lightning.errors import InputError
from userip_lightning.lock import sole_writer

READERS, SWAPS, USERS = 4, 50, 200


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[multiprocessing.process.BaseProcess]:
    """Another process that is writing the bank in ``tmp_path``."""
    write(tmp_path)
    held, let_go = SERVER.Event(), SERVER.Event()
    process = SERVER.Process(target=hold, args=(tmp_path, held, let_go))
    process.start()
    assert held.wait(60)
    yield process
    let_go.set()
    process.join(60)


def test_the_second_writer_is_refused_and_readers_are_not(
    holder: multiprocessing.process.BaseProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = f"{tmp_path}: process {holder.pid} on {platform.node()}, since 20"
    before = FeatureBank.open(tmp_path).path
    with pytest.raises(InputError) as caught:
        write(tmp_path, 2)
    assert str(caught.value).startswith(said)
    assert refused(["bank", "prune", str(tmp_path), "--keep", "1"], capsys).startswith(said)
    assert refused(["bank", "forget", str(tmp_path), "user_1"], capsys).startswith(said)
    bank = FeatureBank.open(tmp_path)
    assert bank.path == before
    assert list(bank.info().versions) == [before.name]


def test_another_bank_can_be_written_meanwhile(
    holder: multiprocessing.process.BaseProcess, tmp_path: Path
) -> None:
    assert write(tmp_path / "another").path.is_dir()


def test_the_lock_of_a_killed_writer_is_free(tmp_path: Path) -> None:
    write(tmp_path)
    held = SERVER.Event()
    process = SERVER.Process(target=hold_and_hang, args=(tmp_path, held))
    process.start()
    assert held.wait(60)
    with pytest.raises(InputError, match=f"process {process.pid} on"):
        write(tmp_path, 1)
    process.kill()
    process.join(60)
    assert write(tmp_path, 1).path == FeatureBank.open(tmp_path).path


def test_a_writer_that_failed_has_let_go(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), sole_writer(tmp_path, "bank"):
        raise ZeroDivisionError
    with sole_writer(tmp_path, "bank"):
        pass


def test_readers_see_whole_versions_while_versions_are_swapped_and_pruned(tmp_path: Path) -> None:
    write(tmp_path, 4, USERS)
    begun, over, seen = SERVER.Semaphore(0), SERVER.Event(), SERVER.Queue()
    readers = [
        SERVER.Process(target=watch, args=(tmp_path, USERS, begun, over, seen), daemon=True)
        for _ in range(READERS)
    ]
    for reader in readers:
        reader.start()
    assert all(begun.acquire(timeout=60) for _ in readers)
    for swap in range(SWAPS):
        write(tmp_path, swap % 5, USERS)
        assert len(prune(tmp_path, 1)) == 1
    over.set()
    found = [seen.get(timeout=60) for _ in readers]
    assert [one.failed for one in found] == [""] * READERS
    assert sum(one.wrong for one in found) == 0
    assert max(one.versions for one in found) > 2, found
