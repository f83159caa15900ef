"""Where a new user's soft tokens start: where a trained one with his behaviours would have."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from userip_lightning.batches import KnownItems
from userip_lightning.bulk.catalogue import Catalogue
from userip_lightning.bulk.people import People
from userip_lightning.bulk.recipe import EncoderSource, Recipe
from userip_lightning.profile.body import Ints
from userip_lightning.profile.encoder import BehaviourEncoder
from userip_lightning.profile.item_text import item_vectors
from userip_lightning.profile.start import embed_start, random_start
from userip_lightning.profile.words import start_ids
from userip_lightning.schema import ENCODER, ITEM_TEXT


class Start(NamedTuple):
    """Start of soft tokens.

    Args:
        recipe: settings of stage 1.
        catalogue: items that a prompt can show.
        embedding: [V, D], the LM's input embeddings.
        encoder: as it has learned, or None where there is none.
    """

    recipe: Recipe
    catalogue: Catalogue
    embedding: Tensor
    encoder: BehaviourEncoder | None

    @staticmethod
    def of(recipe: Recipe, catalogue: Catalogue, embedding: Tensor) -> Start:
        """With the encoder of the recipe.

        Raises:
            InputError: the encoder's weights are missing or of another shape.
        """
        source = recipe.encoder
        encoder = None if source is None else _load(source, recipe, catalogue, embedding)
        return Start(recipe, catalogue, embedding, encoder)

    @torch.no_grad()
    def __call__(self, people: People, users: Ints) -> Tensor:
        """[B, P, S, D] float32 of [B] users."""
        profiles, soft = self.recipe.shape
        if self.recipe.start == "words":
            owner, item = people.behaviours.liked(users)
            ids = start_ids(owner, item, self.catalogue.words, len(users), profiles * soft)
            places = torch.from_numpy(ids.reshape(-1, profiles, soft)).to(self.embedding.device)
            z = embed_start(places, self.embedding)
        else:
            shape = (profiles, soft, self.embedding.shape[1])
            numbers = torch.from_numpy((people.keys[users] >> np.uint64(1)).astype(np.int64))
            z = random_start(numbers, shape, self.embedding, self.recipe.seed)
        if self.encoder is None:
            return z
        known = KnownItems(*map(torch.from_numpy, people.behaviours.everything(users)))
        moved: Tensor = self.encoder(z, self.encoder.tastes(known, len(users)))
        return moved


def _load(source: EncoderSource, recipe: Recipe, catalogue: Catalogue, embedding: Tensor) -> BehaviourEncoder:
    vectors = np.load(source.profiles / ITEM_TEXT)
    if len(catalogue.items.offset) - 1 > len(vectors):  # the training's items keep the vectors they had
        further = item_vectors(catalogue.items, embedding)[len(vectors) :]
        vectors = np.concatenate([vectors, further])
    encoder = BehaviourEncoder(source.rank, epochs=0, weights=str(source.profiles / ENCODER))
    encoder.setup((*recipe.shape, embedding.shape[1]), embedding, vectors, recipe.seed)
    return encoder.to(embedding.device)
