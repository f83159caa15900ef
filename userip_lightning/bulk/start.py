"""Where a new user's soft tokens start: where a trained one with their behaviours would have."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from userip_lightning.bulk.prompt_items import Catalogue
from userip_lightning.bulk.recipe import Recipe
from userip_lightning.bulk.user_events import People
from userip_lightning.lm.word_vectors import WordVectors
from userip_lightning.profile.prompt_bodies import Ints
from userip_lightning.profile.start import embed_start, random_start
from userip_lightning.profile.words import start_ids


class Start(NamedTuple):
    """Start of soft tokens.

    Args:
        recipe: settings of stage 1.
        catalogue: items that a prompt can show.
        words: of the LM.
    """

    recipe: Recipe
    catalogue: Catalogue
    words: WordVectors

    @torch.no_grad()
    def __call__(self, people: People, users: Ints) -> Tensor:
        """[B, P, S, D] float32 of [B] users."""
        profiles, soft = self.recipe.shape
        if self.recipe.start == "words":
            owner, item = people.behaviours.liked(users)
            ids = start_ids(owner, item, self.catalogue.words, len(users), profiles * soft)
            return embed_start(torch.from_numpy(ids.reshape(-1, profiles, soft)), self.words)
        shape = (profiles, soft, self.words.weight.shape[1])
        numbers = torch.from_numpy((people.keys[users] >> np.uint64(1)).astype(np.int64))
        return random_start(numbers, shape, self.words, self.recipe.seed)
