"""How many threads this process takes while rows are trained beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any, cast

import pytest
import torch

from userip_lightning.reproduce import pool as at_test
from userip_lightning.reproduce.pool import Pool
from userip_lightning.reproduce.progress import StudyDisplay
from userip_lightning.reproduce.row_task import Outcome, Task

CORES = 4


class Rows:
    """A worker pool whose rows end when the test says so."""

    def __init__(self, *_: object) -> None:
        self.started: list[Future[Outcome]] = []

    def submit(self, _: object) -> Future[Outcome]:
        self.started.append(Future())
        return self.started[-1]


@pytest.fixture
def cores(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(os, "cpu_count", lambda: CORES)
    before = torch.get_num_threads()
    torch.set_num_threads(CORES)
    yield
    torch.set_num_threads(before)


def beside(pool: Pool) -> int:
    with pool.beside():
        return torch.get_num_threads()


def test_rows_at_work_keep_their_cores(cores: None, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Rows()
    monkeypatch.setattr(at_test, "WorkerPool", lambda *_: rows)
    pool, task = Pool(3, StudyDisplay()), cast(Task, cast(Any, None))
    assert beside(pool) == CORES
    pool.train(task)
    assert beside(pool) == CORES - 1
    for _ in range(5):  # three of the six are at work, the others wait
        pool.train(task)
    assert beside(pool) == CORES - 3
    assert torch.get_num_threads() == CORES
    for row in rows.started[:4]:
        row.set_result(Outcome())
    assert beside(pool) == CORES - 2
    with pool.beside():
        for row in rows.started[4:]:
            row.set_result(Outcome())
        pool.share_cores()
        assert torch.get_num_threads() == CORES


def test_threads_are_no_more_than_they_were(cores: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at_test, "WorkerPool", Rows)
    torch.set_num_threads(2)  # of four cores
    pool = Pool(2, StudyDisplay())
    pool.train(cast(Task, cast(Any, None)))
    assert beside(pool) == 2


def test_one_thread_is_left_where_rows_take_all_cores(cores: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at_test, "WorkerPool", Rows)
    pool = Pool(CORES, StudyDisplay())
    for _ in range(CORES):
        pool.train(cast(Task, cast(Any, None)))
    assert beside(pool) == 1
    with pytest.raises(ValueError, match="fails"), pool.beside():
        raise ValueError("it fails")
    assert torch.get_num_threads() == CORES
