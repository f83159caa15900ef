"""Soft tokens and codes of users that no training has seen: the E step of stage 1 alone (Eq. 2 to 4, 6).

A user starts where a trained one with their behaviours would have, takes as many gradient steps under the
frozen LM, and gets the nearest code of where they arrive. Stage 2 may have moved the trained users on from
there by their labels; a new one stays where the LM puts them.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import polars as pl
import torch
from lightning.fabric import Fabric
from lightning.fabric.utilities import move_data_to_device
from torch import Tensor

from userip_lightning.bank import FeatureBank
from userip_lightning.batches import ProfileBatch, RecBatch
from userip_lightning.bulk.prompt_items import Catalogue
from userip_lightning.bulk.recipe import Recipe
from userip_lightning.bulk.start import Start
from userip_lightning.bulk.user_events import People
from userip_lightning.errors import InputError
from userip_lightning.lm.backbone import FrozenBackbone, load_backbone
from userip_lightning.lm.prompt import build_prefix, first_words
from userip_lightning.lm.source import load_tokenizer
from userip_lightning.profile.em import e_step
from userip_lightning.profile.likelihood import PromptLikelihood
from userip_lightning.profile.prompt_bodies import BodyWriter, Ints
from userip_lightning.profile.steps import BodySource, batches_by_length
from userip_lightning.profile.user_table import UserTable
from userip_lightning.progress_bars import piece
from userip_lightning.quantize.nearest import NearestCode
from userip_lightning.serving.profiler import BEHAVIOURS


class Inferred(NamedTuple):
    """Codes of some users.

    Args:
        codes: ``user_id``, one Int64 column per profile, ``known_behaviours``; sorted by user_id. A user
            without a known behaviour has the reserved code K_p of every profile.
        stuck: users with a likelihood that was not finite in some step, which they did not take.
    """

    codes: pl.DataFrame
    stuck: int


class ProfileInference:
    """Holds the frozen LM and a bank's codebooks, and infers one block of users after another.

    Args:
        recipe: settings of stage 1.
        catalogue: items that a prompt can show.
        bank: folder of the bank's version.

    Raises:
        InputError: the LM cannot be loaded, or the bank was made with another LM or prompt, or keeps no
            codebooks.
    """

    def __init__(self, recipe: Recipe, catalogue: Catalogue, bank: Path) -> None:
        self.recipe, self.catalogue = recipe, catalogue
        self.bank = FeatureBank.open(bank)
        self.nearest = NearestCode.load(self.bank.path, len(self.bank.names))
        lm = recipe.lm
        backbone, self.tokenizer = load_backbone(lm), load_tokenizer(lm)
        refuse_other_bank(self.bank, recipe, backbone)
        self.writer = BodyWriter(recipe.prompt, self.tokenizer)
        fabric = Fabric(accelerator=recipe.accelerator, devices=1, precision=cast("None", recipe.precision))
        self.device, self.precision = fabric.device, fabric.strategy.precision
        likelihood = PromptLikelihood(
            backbone, build_prefix(recipe.prompt, self.tokenizer), recipe.prompt.independent
        )
        self.likelihood = cast(PromptLikelihood, self.precision.convert_module(likelihood)).to(self.device)
        self.shape = (*recipe.shape, backbone.width)
        self.start = Start(recipe, catalogue, self.likelihood.backbone.words)

    def infer(self, events: pl.DataFrame) -> Inferred:
        """Codes of everybody in ``events``.

        Args:
            events: ``user_id``, ``item`` (place in the catalogue, null where unknown), ``label`` and
                ``row_id``.

        Raises:
            InputError: a prompt could outgrow the LM's context.
        """
        grouped = self.recipe.prompt.disliked is not None
        people = People.of(events, self.catalogue.items, grouped)
        self._refuse_long(people)
        count = np.diff(people.behaviours.offset)
        codes, stuck = [np.empty((0, len(self.bank.names)), dtype=np.int64)], 0
        with piece("users of this part") as shown:
            for first in range(0, len(people.ids), self.recipe.block_size):
                users = np.arange(first, min(first + self.recipe.block_size, len(people.ids)))
                z, held_up = self.soft_tokens(people, users)
                codes.append(self.nearest(z).numpy())
                stuck += held_up
                shown.at(first + len(users), len(people.ids))
        found = np.concatenate(codes)
        found[count == 0] = self.bank.sizes
        columns = {name: found[:, p] for p, name in enumerate(self.bank.names)}
        return Inferred(pl.DataFrame({"user_id": people.ids, **columns, BEHAVIOURS: count}), stuck)

    def soft_tokens(self, people: People, users: Ints) -> tuple[Tensor, int]:
        """[B, P, S, D] float32 of B consecutive users, and how many of them missed a step."""
        table = UserTable(torch.from_numpy(users), self.shape, self.recipe.optimizer)
        table.fill(table.users, self.start(people, users))
        source = BodySource(people.behaviours, self.catalogue.items, self.writer, _no_rows)
        speaking = people.behaviours.speaking(users)
        stuck: set[int] = set()
        for step in range(self.recipe.steps if len(speaking) else 0):
            drawn = people.draw(speaking, self.recipe.behaviours, step, self.recipe.seed)
            bodies = self.writer.write(drawn, self.catalogue.items, len(speaking))
            for chosen in batches_by_length(bodies.length, -(-len(speaking) // self.recipe.batch_size)):
                stuck |= self._move(table, source.batch(speaking, bodies, chosen))
        return table.z, len(stuck)

    def _move(self, table: UserTable, batch: ProfileBatch) -> set[int]:
        """One step of a batch; returns who could not take it."""
        z, optimizer = table.checkout(batch.user, self.device)
        objective = partial(self._objective, batch=move_data_to_device(batch, self.device))
        step = e_step(z, [objective], optimizer)
        table.checkin(batch.user, z, optimizer)
        return set(batch.user[~step.finite.cpu()].tolist())

    def _objective(self, z: Tensor, batch: ProfileBatch) -> Tensor:
        with self.precision.forward_context():
            nats: Tensor = self.likelihood(z, batch).per_token
        return nats

    def _refuse_long(self, people: People) -> None:
        context = self.likelihood.backbone.context
        longest, user = people.behaviours.longest_body(
            self.writer, self.catalogue.items, self.recipe.behaviours
        )
        if self.likelihood.length + longest > context:
            item, tokens = people.behaviours.longest_item(user, self.catalogue.items)
            text = self.tokenizer.decode(self.catalogue.items.of_text(item))
            raise InputError(
                f"user {people.ids[user]!r}: their prompt can reach {self.likelihood.length + longest} "
                f"tokens, the language model reads {context}; shorten the texts of the further items, or fit "
                "with prompt.item_max_tokens: item "
                f"{str(self.catalogue.ids[item])!r} ({first_words(text)!r}) alone has {tokens} tokens."
            )


def refuse_other_bank(bank: FeatureBank, recipe: Recipe, backbone: FrozenBackbone) -> None:
    """Refuse codebooks of soft tokens that another LM or prompt has inferred.

    Raises:
        InputError: they do not belong together.
    """
    made = bank.manifest
    if made.prompt_hash != recipe.prompt.hash:
        raise InputError(
            f"{bank.path}: its codes belong to another prompt than the configuration's; run `userip fit` "
            "with this configuration, or name the bank that belongs to it."
        )
    found = backbone.fingerprint()
    if (made.lm or "").rpartition("@")[2] != found:
        raise InputError(
            f"{bank.path}: its codes belong to the language model {made.lm}, the weights at hand are "
            f"{recipe.lm.name}@{found}; use the same files and profile.model.lm.dtype."
        )


def _no_rows(users: Ints) -> RecBatch:
    empty = torch.empty(0, dtype=torch.long)
    return RecBatch(empty, empty, torch.empty(0))
