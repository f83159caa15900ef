"""The two forms that codes take, and which one they get.

``joint``: EM finds a class for every combination of codes; classes are named afterwards (``code_order.py``).
``additive``: EM finds a few classes, and every profile has a codebook of places among them
(``additive_table.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Literal

from scipy.sparse import csr_matrix

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.event_model import event_model
from userip_lightning.catalogue.generosity_start import generosity_opening
from userip_lightning.catalogue.joint_em import JointStart
from userip_lightning.errors import InputError

Codebooks = Literal["auto", "joint", "additive"]

#: Combinations up to which ``auto`` gives each a class of its own, and classes of additive codebooks
#: (docs/codes.md, "Bits").
MOST_JOINT = 16
_MOST_ADDITIVE = 2**16
#: Figures that a table may have, 8 GiB of them; EM holds a few such tables.
_MOST_FIGURES = 2**30


def are_additive(codebooks: Codebooks, sizes: Sequence[int]) -> bool:
    """Which form the codes take.

    Args:
        codebooks: what was asked for.
        sizes: K_p.

    Raises:
        InputError: more combinations than additive codebooks can have.
    """
    combinations = prod(sizes)
    additive = codebooks == "additive" or (codebooks == "auto" and combinations > MOST_JOINT)
    if additive and combinations > _MOST_ADDITIVE:
        raise InputError(
            f"codes: the sizes {', '.join(map(str, sizes))} have {combinations:,} combinations, at most "
            f"{_MOST_ADDITIVE:,} (16 bits) are searched; lower them (`profiles` of an experiment, "
            "`model.sizes` of `userip catalogue fit`)."
        )
    return additive


def classes_of(codebooks: Codebooks, sizes: Sequence[int]) -> int:
    """C, the classes that EM finds for codes of this form; raises as :func:`are_additive`."""
    return MOST_JOINT if are_additive(codebooks, sizes) else prod(sizes)


def joint_starts(
    counts: csr_matrix,
    classes: int,
    explicit: bool,
    vectors: Floats | None,
    strength: float | None,
    starts: int,
) -> list[JointStart]:
    """Starts of EM.

    Args:
        counts: [U, E].
        classes: C.
        explicit: whether events have labels.
        vectors: [I, D] of the items' texts; None leaves text out.
        strength: β; None takes the default.
        starts: how many.

    Raises:
        InputError: the table would not fit into memory.
    """
    events = counts.shape[1]
    if events * classes > _MOST_FIGURES:
        raise InputError(
            f"catalogue.model.codebooks: a table of {events} kinds of events × {classes} combinations of "
            "codes is too large for joint ones; set it to additive, or lower the sizes (`profiles` of an "
            "experiment, `model.sizes` of `userip catalogue fit`)."
        )
    opening = generosity_opening(counts, classes) if explicit else None
    return [
        JointStart(events, classes, event_model(explicit, vectors, classes, strength), opening)
        for _ in range(starts)
    ]
