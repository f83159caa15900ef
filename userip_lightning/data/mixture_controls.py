"""Control codes from the same EM as the catalogue engine's, without a language model: the controls to beat.

Each gives [U, 1] classes in the order of the users table and sees TRAIN and SUPPORT rows alone. Sampled
negatives are no events. Where logged labels differ (explicit logs), an event is a label given the item, which
knows how generously a user rates as well as what they like; elsewhere (implicit logs) it is the item.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from userip_lightning.catalogue.bag_of_words import bag_of_words
from userip_lightning.catalogue.em import fit
from userip_lightning.catalogue.event_model import EventModel, ItemEvents, LabelledItemEvents
from userip_lightning.catalogue.item_prior import ClassShares, TextPrior
from userip_lightning.catalogue.like_prior import LikePrior
from userip_lightning.data.item_text import words
from userip_lightning.data.prepared import PreparedData
from userip_lightning.data.user_events import UserEvents
from userip_lightning.errors import InputError


def count_mixture(prepared: PreparedData, classes: int, seed: int) -> NDArray[np.int64]:
    """A mixture over events, fitted without any text.

    Args:
        prepared: the data.
        classes: Π K_p, for the bits of the codes.
        seed: of the EM.
    """
    events, explicit = UserEvents.of(prepared)

    def model() -> EventModel:
        return LabelledItemEvents(LikePrior(None, classes)) if explicit else ItemEvents(ClassShares())

    return _codes(events, classes, model, seed)


def bag_of_words_mixture(prepared: PreparedData, classes: int, seed: int) -> NDArray[np.int64]:
    """The mixture of an implicit log with the items' words as its prior; arguments as for
    :func:`count_mixture`.

    Raises:
        InputError: an explicit log, whose mixture takes no text yet, or too few words.
    """
    events, explicit = UserEvents.of(prepared)
    if explicit:
        raise InputError(
            f"{prepared.path}: bag_of_words_mixture is for implicit logs, and these labels differ; take "
            "count_mixture."
        )
    vectors = bag_of_words(words(prepared.items))
    return _codes(events, classes, lambda: ItemEvents(TextPrior(vectors, classes)), seed)


def _codes(events: csr_matrix, classes: int, model: Callable[[], EventModel], seed: int) -> NDArray[np.int64]:
    return fit(events, classes, model, seed).codes(events)[:, None]
