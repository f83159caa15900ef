"""Control codes from the same EM as the catalogue engine's, without a language model: the controls to beat.

They have the engine's own settings. Their form is one field [U, 1] with a class for every combination, or
[U, P] codes where there are more combinations than a log can teach as classes (``catalogue.codebooks``).
Users are in the order of the users table. Codes are made from TRAIN and SUPPORT rows; validation rows choose
how many columns a bag of words has, as they choose among the forms of other controls (``kmeans.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.additive_table import additive_table
from userip_lightning.catalogue.code_order import split_classes
from userip_lightning.catalogue.codebooks import Codebooks, are_additive, classes_of, joint_starts
from userip_lightning.catalogue.em_search import Schedule, Search, run
from userip_lightning.catalogue.user_events import user_events
from userip_lightning.controls.choosing import Coding, best_coding
from userip_lightning.data.item_text import words
from userip_lightning.data.prepared import PreparedData
from userip_lightning.texts.bag_of_words import bag_of_words
from userip_lightning.texts.joined import joined_texts

#: What validation rows choose from: columns of a bag of words. Few pay on thin logs, many on new items.
WIDTHS = (32, 128, 256)


class EngineSettings(NamedTuple):
    """What a mixture takes over from the engine whose codes have to beat it; see ``CatalogueModule``.

    Args:
        columns: that make an item's text; None reads all words that are known of it.
        codebooks: their form.
        starts: of EM.
        strength: β; None takes the default.
        schedule: steps of EM.
    """

    columns: Sequence[str] | None = None
    codebooks: Codebooks = "auto"
    starts: int = 3
    strength: float | None = None
    schedule: Schedule = Schedule()


def count_mixture(
    prepared: PreparedData,
    sizes: Sequence[int],
    seed: int,
    settings: EngineSettings = EngineSettings(),  # noqa: B008  # a NamedTuple, immutable
) -> NDArray[np.int64]:
    """A mixture over events, fitted without any text.

    Args:
        prepared: the data.
        sizes: K_p of the codes.
        seed: of the EM.
        settings: the engine's.
    """
    return _coding(prepared, None, sizes, seed, settings).codes


def bag_of_words_mixture(
    prepared: PreparedData,
    sizes: Sequence[int],
    seed: int,
    settings: EngineSettings = EngineSettings(),  # noqa: B008  # a NamedTuple, immutable
) -> NDArray[np.int64]:
    """The mixture with the items' words as its prior; arguments as for :func:`count_mixture`.

    Raises:
        InputError: too few words, or the items lack a column.
    """
    columns = settings.columns
    texts = (
        words(prepared.items)
        if columns is None
        else joined_texts(prepared.items, columns, "catalogue.data.columns")
    )
    forms = {vectors.shape[1]: vectors for vectors in (bag_of_words(texts, width) for width in WIDTHS)}
    return best_coding(prepared, [_coding(prepared, form, sizes, seed, settings) for form in forms.values()])


def _coding(
    prepared: PreparedData,
    vectors: Floats | None,
    sizes: Sequence[int],
    seed: int,
    settings: EngineSettings,
) -> Coding:
    counts, explicit, _ = user_events(prepared)
    _, codebooks, starts, strength, schedule = settings
    classes = classes_of(codebooks, sizes)
    starts_of_em = joint_starts(counts, classes, explicit, vectors, strength, starts)
    table = run(Search(starts_of_em, seed, schedule), counts).table
    if not are_additive(codebooks, sizes):
        return Coding(table.codes(counts)[:, None])
    additive = additive_table(table, counts, sizes, seed)
    places = additive.codes(counts)
    return Coding(split_classes(places, sizes), additive.directions[places])
