"""A bulk inference from end to end: check, deal, infer what is not there yet, sum up."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import polars as pl

from userip_lightning.artifact import MANIFEST, Manifest, read_manifest
from userip_lightning.bank import FeatureBank
from userip_lightning.bulk import population
from userip_lightning.bulk.part_store import PartStore, Summary
from userip_lightning.bulk.population import MOST_PARTS, Population
from userip_lightning.bulk.request import Request
from userip_lightning.bulk.worker import POPULATION
from userip_lightning.errors import InputError
from userip_lightning.integrity import file_hash
from userip_lightning.lock import sole_writer
from userip_lightning.plural import plural
from userip_lightning.progress_bars import piece
from userip_lightning.serving.profiler import BEHAVIOURS

if TYPE_CHECKING:
    from userip_lightning.bulk.catalogue_engine import Tabled
    from userip_lightning.bulk.per_user_engine import Prompted

    Engine = Prompted | Tabled


def infer(engine: Engine, request: Request, report: Callable[[str], None]) -> Summary:
    """Write the codes of a population.

    Args:
        engine: by what.
        request: of whom, and where to.
        report: is told what is begun, kept or wrong, a sentence each; progress is a piece of ``bars``.

    Returns:
        The summary: users, rows, what was left out, and how many users have each code.

    Raises:
        InputError: whatever is wrong with the input, or another process writes into the folder of codes;
            what was finished stays.
    """
    for name in ("workers", "part_users"):
        if getattr(request, name) < 1:
            raise InputError(f"--{name}: {getattr(request, name)}, expected 1 or more.")
    bank = FeatureBank.open(engine.bank)
    engine.check(request, bank)
    events = Population.open(request.events, engine.labels)
    engine.check_events(bank, events)
    with sole_writer(request.output, "folder of codes"):
        return _infer(engine, request, bank, events, report)


def _infer(
    engine: Engine, request: Request, bank: FeatureBank, events: Population, report: Callable[[str], None]
) -> Summary:
    store = PartStore(request.output)
    store.claim(_identity(engine, request, bank, events))
    finished = store.summary()
    if finished is not None:
        report(f"{request.output}: nothing changed, kept")
        return finished
    parts = _deal(engine, request, bank, events, store, report)
    todo = sorted(set(range(parts)) - store.done())
    store.forget_attempts()
    if len(todo) < parts:
        report(f"going on: {parts - len(todo)} of {parts} parts are done")
    with piece("inferring codes", "parts") as inferring:
        inferring.begin(parts - len(todo))
        for number, done in enumerate(
            engine.infer(bank, request, todo) if todo else (), parts - len(todo) + 1
        ):
            if done.stuck:
                report(f"part {done.part}: {done.stuck} users have a likelihood that is not finite")
            inferring.at(number, parts)
    summary = _sum_up(bank, events, store)
    store.finish(summary)
    return summary


def _identity(engine: Engine, request: Request, bank: FeatureBank, events: Population) -> dict[str, str]:
    return {
        "bank": bank.path.name,
        **engine.identity(),
        "labels": f"{type(engine.labels).__name__} {vars(engine.labels)}",
        "items": "none" if request.items is None else file_hash(request.items),
        "events": events.identity(),
    }


def _deal(
    engine: Engine,
    request: Request,
    bank: FeatureBank,
    events: Population,
    store: PartStore,
    report: Callable[[str], None],
) -> int:
    """Write items and dealt events unless they are there; returns the number of parts."""
    folder = store.work / POPULATION
    if not (folder / MANIFEST).is_file():
        report(
            f"{plural(events.rows, 'event')} of about {plural(events.users, 'user')}: dealing them into parts"
        )
        ids = engine.write_items(request, bank, store)
        parts = min(MOST_PARTS, -(-events.users // request.part_users))
        made_by = bank.manifest
        manifest = Manifest(
            population.KIND, made_by.config_hash, made_by.data_hash, events.users, extra={"parts": parts}
        )
        events.deal(pl.DataFrame({"item_id": ids}).with_row_index("item"), parts, folder, manifest)
    return int(read_manifest(folder, population.KIND).extra["parts"])


def _sum_up(bank: FeatureBank, events: Population, store: PartStore) -> Summary:
    codes = store.codes()
    users, silent, shown = (
        codes.select(pl.len(), silent=(pl.col(BEHAVIOURS) == 0).sum(), shown=pl.col(BEHAVIOURS).sum())
        .collect()
        .row(0)
    )
    counts = {}
    for name, size in zip(bank.names, bank.sizes, strict=True):
        found = dict(codes.group_by(name).len().collect().iter_rows())
        counts[name] = [found.get(code, 0) for code in range(size)]
    return {
        "users": users,
        "users_without_known_behaviour": silent,
        "events": events.rows,
        "events_shown": shown,
        "counts": counts,
        "bank": bank.path.name,
    }
