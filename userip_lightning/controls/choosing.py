"""Which form of a control is taken: the one whose codes tell the labels of validation rows best.

``places.py`` judges additive codes of implicit logs, ``affinity.py`` all others, and all where nobody had the
items of validation rows: counts say nothing of those, so it reads the items' words, if there are any.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.user_events import user_events
from userip_lightning.controls.affinity import AffinityJudge, Codes
from userip_lightning.controls.places import PlaceJudge
from userip_lightning.data.item_text import words
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.schema import SUPPORT, TRAIN, VAL
from userip_lightning.texts.bag_of_words import bag_of_words


class Coding(NamedTuple):
    """Codes [U, F] of all users; additive ones also have the places [U, D] that their codewords add up to."""

    codes: Codes
    places: Floats | None = None


def best_coding(prepared: PreparedData, candidates: Iterable[Coding]) -> Codes:
    """The codes with the highest validation AUC, the first of equals.

    Args:
        prepared: the data.
        candidates: at least one, all additive or none.
    """
    new = _items_are_new(prepared)
    by_counts = AffinityJudge(prepared, _words(prepared) if new else None)
    by_place = None if new or user_events(prepared).explicit else PlaceJudge(prepared)

    def auc(coding: Coding) -> float:
        if by_place is None or coding.places is None:
            return by_counts.auc(coding.codes)
        return by_place.auc(coding.places)

    return max(candidates, key=auc).codes


def _items_are_new(prepared: PreparedData) -> bool:
    """Whether nobody had any item of a validation row."""
    met = prepared.rows(TRAIN, SUPPORT).filter("logged")["item"].unique()
    return not prepared.rows(VAL)["item"].is_in(met.implode()).any()


def _words(prepared: PreparedData) -> Floats | None:
    try:
        return bag_of_words(words(prepared.items))
    except InputError:
        return None
