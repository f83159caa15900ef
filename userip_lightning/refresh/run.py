"""A refresh from end to end: code everybody anew with a later log, see who moved, write the next version."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning import leak_audit
from userip_lightning.bank import FeatureBank
from userip_lightning.errors import InputError
from userip_lightning.lock import sole_writer
from userip_lightning.refresh.coding import LOGS, SETTINGS, Coding, add_events, write
from userip_lightning.refresh.event_log import LaterLog
from userip_lightning.refresh.movement import Movement, movement
from userip_lightning.refresh.own_log import refuse_own_log
from userip_lightning.refresh.rematch import Parts, rematch
from userip_lightning.refresh.since_fit import since_fit
from userip_lightning.serving import Profiler

_NOTHING = pl.DataFrame(schema={"user_id": pl.String, "item_id": pl.String, "label": pl.Float64})


class Fitted(NamedTuple):
    """What `userip fit` has left.

    Args:
        settings: what its settings are known by.
        data_hash: of its data; None where that is not known without preparing it.
        prepared: where its prepared data lie, or lay, by what they are known by.
        bank: gives its own bank, where it is still as it was fitted.
        parts: makes the module, with the settings that the bank was made with, and its DataModule.
    """

    settings: str
    data_hash: str | None
    prepared: Callable[[str], Path]
    bank: Callable[[], Path]
    parts: Parts


class Request(NamedTuple):
    """What is asked for.

    Args:
        bank: root of the bank that is served; begins as a copy of the experiment's own.
        codebooks: ``keep`` has the table as it is, ``rematch`` moves it by EM.
        limit: largest share of users who may move; None for any.
        dry_run: whether to write nothing.
    """

    bank: Path
    codebooks: Literal["keep", "rematch"]
    limit: float | None
    dry_run: bool


class Refreshed(NamedTuple):
    """What a refresh did.

    Args:
        movement: who moved.
        version: folder of the version that was written; None for a dry run.
    """

    movement: Movement
    version: Path | None


def refresh(fitted: Fitted, log: LaterLog, request: Request, report: Callable[[str], None]) -> Refreshed:
    """Bring the codes of an experiment up to date.

    Args:
        fitted: the experiment.
        log: what came later.
        request: how, and where to.
        report: is told in a sentence what is done.

    Returns:
        Who moved, and the version.

    Raises:
        InputError: the log cannot be used or was added before, more users moved than allowed, or the bank
            cannot be written, or is written by another process. Nothing is written then.
    """
    with nullcontext() if request.dry_run else sole_writer(request.bank, "bank", shared=True):
        return _refresh(fitted, log, request, report)


def _refresh(fitted: Fitted, log: LaterLog, request: Request, report: Callable[[str], None]) -> Refreshed:
    served = _served(fitted, request.bank)
    rows_seen = _rows_seen(served)
    logs = _logs(served, log, request)
    refuse_own_log(fitted.prepared(served.manifest.data_hash), log, report)
    events = log.events
    if served.manifest.extra["events"] != "labelled items":
        events = events.filter(pl.col("label") == 1)  # of implicit logs, others are no events
    if request.codebooks == "keep":
        report(f"adding {events.height:,} events to the codes of {served.path}")
        coding = add_events(Profiler.load(served.path), events)
    else:
        report(f"moving the table of {served.path} by EM over the experiment's own events and the new ones")
        later = since_fit(served, log, events)
        coding, events = rematch(fitted.parts, served, later), later.events
    found = _movement(served, coding, events)
    if request.limit is not None and found.moved_share > request.limit:
        raise InputError(
            f"{found.moved_share:.1%} of {found.users:,} users would move to another code, and --limit is "
            f"{request.limit:.1%}; look at what changed with --dry_run, then raise the limit or fit anew. "
            "Nothing was written."
        )
    if request.dry_run:
        return Refreshed(found, None)
    return Refreshed(found, write(request.bank, served, _marked(coding, fitted), rows_seen, logs))


def copy(fitted: Fitted, bank: Path) -> Path:
    """Make the bank that is served, a copy of the experiment's own.

    Returns:
        The version's folder; the one that is served already, if there is one.

    Raises:
        InputError: the bank cannot be written, is written by another process, or is another experiment's.
    """
    if FeatureBank.exists(bank):
        return _served(fitted, bank).path
    with sole_writer(bank, "bank", shared=True):
        served = _served(fitted, bank)
        coding = add_events(Profiler.load(served.path), _NOTHING)
        return write(bank, served, _marked(coding, fitted), _rows_seen(served), [])


def _served(fitted: Fitted, root: Path) -> FeatureBank:
    """The version to go on from."""
    if not FeatureBank.exists(root):
        return FeatureBank.open(fitted.bank())
    served = FeatureBank.open(root)
    settings, data_hash = served.manifest.extra.get(SETTINGS), served.manifest.data_hash
    if settings != fitted.settings or fitted.data_hash not in (None, data_hash):
        raise InputError(
            f"{served.path}: this bank was made from another experiment, or from this one before its "
            "settings or its log changed; fit the experiment as it was before, or name another folder with "
            "--bank."
        )
    return served


def _logs(served: FeatureBank, log: LaterLog, request: Request) -> list[str]:
    """What is in the next version besides the fit's own log."""
    before: list[str] = served.manifest.extra.get(LOGS, [])
    twice = [file for key, file in log.files.items() if key in before]
    if request.codebooks == "rematch":
        return list(log.files)
    if twice:
        raise InputError(
            f"{twice[0]}: these events are in version {served.path.name} of {request.bank} already, and "
            "would count twice; give the events that came after them."
        )
    return [*before, *log.files]


def _movement(served: FeatureBank, coding: Coding, events: pl.DataFrame) -> Movement:
    items = pl.Series("item_id", coding.arrays["item_ids"].tolist(), dtype=pl.String)
    return movement(
        served.users,
        coding.frame(served.names),
        dict(zip(served.names, served.sizes, strict=True)),
        coding.active,
        events.height,
        events.filter(~pl.col("item_id").is_in(items.implode())).height,
    )


def _marked(coding: Coding, fitted: Fitted) -> Coding:
    return coding._replace(extra={**coding.extra, SETTINGS: fitted.settings})


def _rows_seen(bank: FeatureBank) -> NDArray[np.int64]:
    return leak_audit.rows_seen(bank.path)
