"""Bulk inference of the per-user engine: soft tokens under the language model, and their nearest code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from userip_lightning import parquet
from userip_lightning.artifact import Manifest, read_manifest
from userip_lightning.bank import FeatureBank
from userip_lightning.bulk import prompt_items as catalogue
from userip_lightning.bulk.on_ray import import_ray, infer_on_ray
from userip_lightning.bulk.part_store import PartStore
from userip_lightning.bulk.population import Population
from userip_lightning.bulk.recipe import Recipe
from userip_lightning.bulk.request import Request
from userip_lightning.bulk.worker import CATALOGUE, Job, PartDone, Worker
from userip_lightning.data.labels import Labels
from userip_lightning.lm.source import load_tokenizer
from userip_lightning.profile.behaviour_store import BehaviourStore
from userip_lightning.quantize.nearest import NearestCode


class Prompted(NamedTuple):
    """What an experiment of the per-user engine has left.

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

    @property
    def silent(self) -> str:
        """Why users without a known behaviour have the codes they have, after "users have"."""
        return "no behaviour that a prompt can show, hence the reserved codes"

    @property
    def left_out(self) -> str:
        """Which events count for nothing, after "events"."""
        return "name items without a text, or are not shown"

    def check(self, request: Request, bank: FeatureBank) -> None:
        """Raise InputError for several workers without Ray, or a bank without codebooks."""
        if request.workers > 1:
            import_ray()  # whether it is there
        NearestCode.load(bank.path, len(bank.names))

    def check_events(self, bank: FeatureBank, events: Population) -> None:
        """Take all: further items may hold what the experiment does not know."""

    def identity(self) -> dict[str, str]:
        """What codes depend on beside bank, labels, items and events, by the words of a refusal."""
        return self.recipe.identity()

    def write_items(self, request: Request, bank: FeatureBank, store: PartStore) -> pl.Series:
        """Tokenise all items, further ones among them; returns their ids, in the order of workers."""
        recipe, prepared = self.recipe, self.prepared
        tokenizer = load_tokenizer(recipe.lm)
        training = BehaviourStore.open(prepared, recipe.prompt, tokenizer, self.allow_missing_text)
        known = parquet.read(prepared / "items.parquet")
        further = known.clear().select("item_id")
        if request.items is not None:
            further = catalogue.read_items(request.items, recipe.prompt).join(known, on="item_id", how="anti")
        users = read_manifest(prepared, "prepared").users
        extended = catalogue.extend(training, known, further, users, recipe.prompt, tokenizer)
        manifest = Manifest(catalogue.KIND, bank.manifest.config_hash, bank.manifest.data_hash, users)
        extended.save(store.work / CATALOGUE, manifest)
        return pl.concat([known["item_id"], further["item_id"]])

    def infer(self, bank: FeatureBank, request: Request, parts: Sequence[int]) -> Iterator[PartDone]:
        """Write the codes of parts, in any order, in this process or on Ray."""
        job = Job(self.recipe, bank.path, request.output)
        if request.workers > 1:
            yield from infer_on_ray(job, parts, request.workers)
            return
        worker = Worker(job)
        for part in parts:
            yield worker.infer(part)
