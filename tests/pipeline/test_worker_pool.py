"""Work in processes: what comes back, what is raised, and what happens when one dies."""

import os
import signal
import threading
import time

import pytest

from userip_lightning.errors import InputError
from userip_lightning.pipeline.worker_pool import WorkerDied, WorkerPool


def work(given: object) -> object:
    """What the processes do: as told."""
    if given == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if given == "refuse":
        raise InputError("nothing to do")
    if given == "environment":
        return os.environ.get("SET_SINCE"), os.environ.get("PYTEST_CURRENT_TEST")
    if given == "sleep":
        time.sleep(60)
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


def test_a_process_has_the_environment_of_its_start(pool, monkeypatch):
    pool.submit(lambda do: do("it")).result(60)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # which the server has, as a test started it
    monkeypatch.setenv("SET_SINCE", "2")
    with WorkerPool(1, work) as another:
        assert another.submit(lambda do: do("environment")).result(60) == ("2", None)


def test_a_pool_that_is_given_up_waits_for_nobody():
    begun, go_on, ended = threading.Event(), threading.Event(), []

    def late(do):  # asks for its first process when the pool is given up already
        begun.set()
        go_on.wait(60)
        try:
            do("sleep")
        except WorkerDied as error:
            ended.append(str(error))
        return

    started = time.monotonic()
    jobs = []

    def interrupted():
        with WorkerPool(2, work) as pool:
            jobs.extend(pool.submit(job) for job in (lambda do: do("sleep"), late, lambda do: do("it")))
            begun.wait(60)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    go_on.set()
    jobs[1].result(60)
    assert ended == ["the work was given up."]
    assert jobs[2].cancelled()
    assert time.monotonic() - started < 50  # not the minute that the work sleeps


def test_a_pool_that_ends_well_does_what_still_waits():
    with WorkerPool(1, work) as pool:
        jobs = [pool.submit(lambda do: do("it")) for _ in range(3)]
    assert [job.result()[0] for job in jobs] == ["it"] * 3
