"""Control codes from the same EM as the catalogue engine's, without a language model: the controls to beat.

Each gives [U, 1] classes in the order of the users table and sees TRAIN and SUPPORT rows alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from userip_lightning.catalogue.bag_of_words import bag_of_words
from userip_lightning.catalogue.code_table import Floats
from userip_lightning.catalogue.event_model import event_model
from userip_lightning.catalogue.joint_start import fit
from userip_lightning.catalogue.opening import generosity_opening
from userip_lightning.data.item_text import words
from userip_lightning.data.prepared import PreparedData
from userip_lightning.data.user_events import user_events


def count_mixture(prepared: PreparedData, classes: int, seed: int) -> NDArray[np.int64]:
    """A mixture over events, fitted without any text.

    Args:
        prepared: the data.
        classes: Π K_p, for the bits of the codes.
        seed: of the EM.
    """
    return _classes(prepared, None, classes, seed)


def bag_of_words_mixture(prepared: PreparedData, classes: int, seed: int) -> NDArray[np.int64]:
    """The mixture with the items' words as its prior; arguments as for :func:`count_mixture`.

    Raises:
        InputError: too few words.
    """
    return _classes(prepared, bag_of_words(words(prepared.items)), classes, seed)


def _classes(prepared: PreparedData, vectors: Floats | None, classes: int, seed: int) -> NDArray[np.int64]:
    counts, explicit, _ = user_events(prepared)
    opening = generosity_opening(counts, classes) if explicit else None
    table = fit(counts, classes, lambda: event_model(explicit, vectors, classes), seed, opening=opening)
    return table.codes(counts)[:, None]
