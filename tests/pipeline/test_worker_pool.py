"""Work in processes: what comes back, what is raised, and what happens when one dies."""

import os
import signal

import pytest

from userip_lightning.errors import InputError
from userip_lightning.pipeline.worker_pool import WorkerDied, WorkerPool


def work(given: object) -> object:
    """What the processes do: as told."""
    if given == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if given == "refuse":
        raise InputError("nothing to do")
    if given == "fail":
        raise Unpicklable(1, 2)
    return given, os.getpid()


class Unpicklable(Exception):
    """Pickle calls it with one argument."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


@pytest.fixture(scope="module")
def pool():
    with WorkerPool(1, work) as pool:
        yield pool


def test_work_is_done_in_another_process(pool):
    given, process = pool.submit(lambda do: do("it")).result(60)
    assert given == "it"
    assert process != os.getpid()


def test_a_process_does_one_piece_after_another(pool):
    first, second = (pool.submit(lambda do: do("it")).result(60)[1] for _ in range(2))
    assert first == second


def test_what_the_work_raises_is_raised_here(pool):
    with pytest.raises(InputError, match="nothing to do"):
        pool.submit(lambda do: do("refuse")).result(60)


def test_an_error_that_cannot_be_sent_keeps_its_text(pool):
    with pytest.raises(RuntimeError, match="Unpicklable: 1 and 2"):
        pool.submit(lambda do: do("fail")).result(60)


def test_work_whose_process_dies_fails_alone(pool):
    with pytest.raises(WorkerDied, match="exit code -9"):
        pool.submit(lambda do: do("die")).result(60)
    assert pool.submit(lambda do: do("it")).result(60)[0] == "it"
