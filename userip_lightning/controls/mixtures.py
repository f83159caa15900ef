"""Control codes from the same EM as the catalogue engine's, without a language model: the controls to beat.

They take the form that the engine's codes take by default (``catalogue.codebooks``): one field [U, 1] with a
class for every combination, or [U, 2] codes where two profiles have more than a log can teach as classes.
Users are in the order of the users table; TRAIN and SUPPORT rows alone are seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.codebooks import are_factorised, factorised_starts, joint_starts
from userip_lightning.catalogue.em import Search, run
from userip_lightning.catalogue.user_events import user_events
from userip_lightning.data.item_text import words
from userip_lightning.data.prepared import PreparedData
from userip_lightning.texts.bag_of_words import bag_of_words

_STARTS = 3


def count_mixture(prepared: PreparedData, sizes: Sequence[int], seed: int) -> NDArray[np.int64]:
    """A mixture over events, fitted without any text.

    Args:
        prepared: the data.
        sizes: K_p of the codes.
        seed: of the EM.
    """
    return _codes(prepared, None, sizes, seed)


def bag_of_words_mixture(prepared: PreparedData, sizes: Sequence[int], seed: int) -> NDArray[np.int64]:
    """The mixture with the items' words as its prior; arguments as for :func:`count_mixture`.

    Raises:
        InputError: too few words.
    """
    return _codes(prepared, bag_of_words(words(prepared.items)), sizes, seed)


def _codes(
    prepared: PreparedData, vectors: Floats | None, sizes: Sequence[int], seed: int
) -> NDArray[np.int64]:
    counts, explicit, _ = user_events(prepared)
    if are_factorised("auto", {str(p): size for p, size in enumerate(sizes)}, explicit):
        starts = factorised_starts(counts, (sizes[0], sizes[1]), vectors, None, _STARTS)
        return run(Search(starts, seed), counts).table.codes(counts)
    joint = joint_starts(counts, prod(sizes), explicit, vectors, None, _STARTS)
    return run(Search(joint, seed), counts).table.codes(counts)[:, None]
