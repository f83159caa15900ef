"""Language models work beside the rows of a study, on the cores that these leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from userip_lightning.reproduce import schedule as at_test
from userip_lightning.reproduce.case import Case
from userip_lightning.reproduce.pool import Pool
from userip_lightning.reproduce.progress import StudyDisplay
from userip_lightning.reproduce.row import Row
from userip_lightning.reproduce.row_task import Outcome
from userip_lightning.reproduce.schedule import Schedule
from userip_lightning.reproduce.settings import Tuning


class Cores:
    """A pool that notes whether work is done beside its rows."""

    def __init__(self) -> None:
        self.within = False
        self.looked = 0

    @contextmanager
    def beside(self) -> Iterator[None]:
        self.within = True
        yield
        self.within = False

    def share_cores(self) -> None:
        self.looked += 1


def row(label: str, **settings: object) -> Row:
    return cast(Row, SimpleNamespace(label=label, not_run=None, **settings))


def test_stage_1_and_the_baselines_leave_rows_their_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, done = Cores(), list[str]()

    def working(name: str) -> Outcome:
        assert pool.within
        done.append(name)
        return Outcome(failed="on purpose")

    class Baseline:
        def __init__(self, _: object, __: object, ___: object, share_cores: Callable[[], None]) -> None:
            share_cores()

        def write(self) -> Outcome:
            return working("write")

        def score(self) -> Outcome:
            return working("score")

    inference = SimpleNamespace(profiles=lambda: working("profiles"))
    monkeypatch.setattr(at_test, "BaselineRun", Baseline)
    monkeypatch.setattr(at_test, "Inference", lambda *_: inference)
    schedule = Schedule(cast(Pool, pool), Tuning(), StudyDisplay())
    case = cast(Case, SimpleNamespace(plan=lambda *_: cast(Any, None)))
    asked = [row("KAR", baseline="kar", reads="knowledge"), row("ReLLa", baseline="rella", reads="none")]
    coded = row("UserIP-DCN", baseline=None, reads="codes", codes=None, grown=None)
    schedule.infer(case, [coded])
    schedule.ask(case, asked)
    assert done == ["profiles", "write", "score"]
    assert pool.looked == 2  # each baseline is handed the means to look again
    assert not pool.within
    assert [schedule.outcome(one).failed for one in (coded, *asked)] == ["on purpose"] * 3
