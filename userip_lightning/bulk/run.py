"""A bulk inference from end to end: check, tokenise, deal, infer what is not there yet, sum up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from userip_lightning.artifact import MANIFEST, Manifest, file_hash, read_manifest
from userip_lightning.bank import FeatureBank
from userip_lightning.bulk import catalogue, population
from userip_lightning.bulk.inference import BEHAVIOURS
from userip_lightning.bulk.on_ray import import_ray, infer_on_ray
from userip_lightning.bulk.part_store import PartStore
from userip_lightning.bulk.population import MOST_PARTS, Population
from userip_lightning.bulk.recipe import Recipe
from userip_lightning.bulk.worker import CATALOGUE, POPULATION, Job, PartDone, Worker
from userip_lightning.data.behaviour_store import BehaviourStore
from userip_lightning.data.labels import Labels
from userip_lightning.errors import InputError
from userip_lightning.profile.backbone import load_tokenizer
from userip_lightning.quantize.nearest import NearestCode


class Trained(NamedTuple):
    """What an experiment has left.

    Args:
        recipe: settings of its stage 1.
        labels: what it calls liked.
        prepared: folder of its prepared data.
        allow_missing_text: as its stage 1 has it.
        bank: folder of its bank.
    """

    recipe: Recipe
    labels: Labels
    prepared: Path
    allow_missing_text: bool
    bank: Path


class Request(NamedTuple):
    """What is asked for.

    Args:
        events: Parquet file or folder.
        items: Parquet file of items beside the experiment's own, or None.
        output: folder.
        workers: processes; 1 is this one.
        part_users: users of a part, about; what a killed worker loses at most.
    """

    events: Path
    items: Path | None
    output: Path
    workers: int
    part_users: int


def infer(trained: Trained, request: Request, report: Callable[[str], None]) -> dict[str, Any]:
    """Write the codes of a population.

    Args:
        trained: by what.
        request: of whom, and where to.
        report: is told in a sentence how far it is.

    Returns:
        The summary: users, rows, what was left out, and how many users have each code.

    Raises:
        InputError: whatever is wrong with the input; what was finished stays.
    """
    for name in ("workers", "part_users"):
        if getattr(request, name) < 1:
            raise InputError(f"--{name}: {getattr(request, name)}, expected 1 or more.")
    if request.workers > 1:
        import_ray()  # whether it is there
    bank = FeatureBank.open(trained.bank)
    NearestCode.load(bank.path, len(bank.names))
    events = Population.open(request.events, trained.labels)
    store = PartStore(request.output)
    store.claim(_identity(trained, request, bank, events))
    finished = store.summary()
    if finished is not None:
        report(f"{request.output}: nothing changed, kept")
        return finished
    parts = _deal(trained, request, bank, events, store, report)
    todo = sorted(set(range(parts)) - store.done())
    store.forget_attempts()
    if len(todo) < parts:
        report(f"going on: {parts - len(todo)} of {parts} parts are done")
    for number, done in enumerate(_parts(Job(trained.recipe, bank.path, request.output), todo, request)):
        held = f", {done.stuck} with a likelihood that was not finite" if done.stuck else ""
        report(f"part {done.part}: {done.users:,} users{held}; {len(todo) - number - 1} parts to go")
    summary = _sum_up(bank, events, store)
    store.finish(summary)
    return summary


def _parts(job: Job, todo: Sequence[int], request: Request) -> Iterator[PartDone]:
    if not todo:
        return
    if request.workers > 1:
        yield from infer_on_ray(job, todo, request.workers)
        return
    worker = Worker(job)
    for part in todo:
        yield worker.infer(part)


def _identity(trained: Trained, request: Request, bank: FeatureBank, events: Population) -> dict[str, str]:
    return {
        "bank": bank.path.name,
        **trained.recipe.identity(),
        "labels": f"{type(trained.labels).__name__} {vars(trained.labels)}",
        "items": "none" if request.items is None else file_hash(request.items),
        "events": events.identity(),
    }


def _deal(
    trained: Trained,
    request: Request,
    bank: FeatureBank,
    events: Population,
    store: PartStore,
    report: Callable[[str], None],
) -> int:
    """Write catalogue and dealt events unless they are there; returns the number of parts."""
    folder = store.work / POPULATION
    if not (folder / MANIFEST).is_file():
        report(f"{events.rows:,} events of about {events.users:,} users: dealing them into parts")
        ids = _write_catalogue(trained, request, bank, store)
        parts = min(MOST_PARTS, -(-events.users // request.part_users))
        made_by = bank.manifest
        manifest = Manifest(
            population.KIND, made_by.config_hash, made_by.data_hash, events.users, extra={"parts": parts}
        )
        events.deal(pl.DataFrame({"item_id": ids}).with_row_index("item"), parts, folder, manifest)
    return int(read_manifest(folder, population.KIND).extra["parts"])


def _write_catalogue(trained: Trained, request: Request, bank: FeatureBank, store: PartStore) -> pl.Series:
    recipe, prepared = trained.recipe, trained.prepared
    tokenizer = load_tokenizer(recipe.lm)
    training = BehaviourStore.open(prepared, recipe.prompt, tokenizer, trained.allow_missing_text)
    known = pl.read_parquet(prepared / "items.parquet")
    further = known.clear().select("item_id")
    if request.items is not None:
        further = catalogue.read_items(request.items, recipe.prompt).join(known, on="item_id", how="anti")
    users = read_manifest(prepared, "prepared").users
    extended = catalogue.extend(training, known, further, users, recipe.prompt, tokenizer)
    manifest = Manifest(catalogue.KIND, bank.manifest.config_hash, bank.manifest.data_hash, users)
    extended.save(store.work / CATALOGUE, manifest)
    return pl.concat([known["item_id"], further["item_id"]])


def _sum_up(bank: FeatureBank, events: Population, store: PartStore) -> dict[str, Any]:
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
