"""A refresh from end to end: code everybody anew with a later log, see who moved, write the next version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from userip_lightning.bank import FeatureBank
from userip_lightning.errors import InputError
from userip_lightning.refresh.coding import LOGS, add_events, unchanged, write
from userip_lightning.refresh.log import LaterLog
from userip_lightning.refresh.movement import Movement, movement
from userip_lightning.refresh.rematch import Fitted, rematch
from userip_lightning.serving import Profiler

Table = Literal["keep", "rematch"]


class Request(NamedTuple):
    """What is asked for.

    Args:
        bank: root of the bank that is served; made from the experiment's own where there is none.
        codebooks: ``keep`` has the table as it is, ``rematch`` moves it by EM.
        limit: largest share of users who may move; None for any.
        dry_run: whether to write nothing.
    """

    bank: Path
    codebooks: Table
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
            cannot be written. Nothing is written then.
    """
    served = FeatureBank.open(request.bank if FeatureBank.exists(request.bank) else fitted.bank)
    _refuse_other(served, fitted)
    if request.codebooks == "keep":
        if log.identity in served.manifest.extra.get(LOGS, []):
            raise InputError(
                f"{log.source}: these events are in version {served.path.name} of {request.bank} already, "
                "and would count twice; give the events that came after them."
            )
        report(f"adding {log.events.height:,} events to the codes of {served.path}")
        coding, arrays, extra = add_events(Profiler.load(served.path), log.events), None, None
    else:
        report(f"moving the table of {served.path} by EM over the experiment's own events and the new ones")
        coding, arrays, extra = rematch(fitted, served, log.events)
    found = movement(
        served.users,
        coding.frame(served.names),
        dict(zip(served.names, served.sizes, strict=True)),
        coding.active,
        log.events.height,
        log.events.height - coding.known,
    )
    if request.limit is not None and found.moved_share > request.limit:
        raise InputError(
            f"{found.moved_share:.1%} of {found.users:,} users would move to another code, and --limit is "
            f"{request.limit:.1%}; look at what changed with --dry_run, then raise the limit or fit anew. "
            "Nothing was written."
        )
    if request.dry_run:
        return Refreshed(found, None)
    return Refreshed(found, write(request.bank, served, coding, log.identity, arrays, extra))


def copy(fitted: Fitted, bank: Path) -> Path:
    """Make the bank that is served, a copy of the experiment's own.

    Returns:
        The version's folder; the one that is served already, if there is one.

    Raises:
        InputError: the bank cannot be written, or is another experiment's.
    """
    if FeatureBank.exists(bank):
        served = FeatureBank.open(bank)
        _refuse_other(served, fitted)
        return served.path
    own = FeatureBank.open(fitted.bank)
    return write(bank, own, unchanged(Profiler.load(own.path)), None)


def _refuse_other(served: FeatureBank, fitted: Fitted) -> None:
    own = FeatureBank.open(fitted.bank).manifest
    if (served.manifest.config_hash, served.manifest.data_hash) != (own.config_hash, own.data_hash):
        raise InputError(
            f"{served.path}: this bank was made from another experiment, or from this one before its "
            "settings changed; name another folder with --bank, or delete it."
        )
