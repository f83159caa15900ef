"""The two forms that codes of several profiles take, and which one a log gets.

``joint``: EM finds a class for every combination of codes; classes are named afterwards (``code_order.py``).
``factorised``: each of two profiles has a codebook of its own, and EM finds both at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Literal

from scipy.sparse import csr_matrix

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.event_model import event_model
from userip_lightning.catalogue.factorised_em import FactorisedStart
from userip_lightning.catalogue.factorised_events import FactorisedItemEvents
from userip_lightning.catalogue.generosity_start import generosity_opening
from userip_lightning.catalogue.joint_em import JointStart
from userip_lightning.catalogue.text_prior import item_prior
from userip_lightning.errors import InputError

Codebooks = Literal["auto", "joint", "factorised"]

#: Combinations up to which ``auto`` gives each a class of its own (docs/codes.md, "Bits").
MOST_JOINT = 16
#: Figures that a table may have, 8 GiB of them; EM holds a few such tables.
_MOST_FIGURES = 2**30


def are_factorised(codebooks: Codebooks, sizes: Mapping[str, int], explicit: bool) -> bool:
    """Which form the codes take.

    Args:
        codebooks: what was asked for.
        sizes: K_p by profile name.
        explicit: whether events have labels.

    Raises:
        InputError: these codes or this log cannot be factorised.
    """
    possible = len(sizes) == 2 and not explicit
    if codebooks == "auto":
        return possible and prod(sizes.values()) > MOST_JOINT
    if codebooks == "factorised" and not possible:
        raise InputError(
            "catalogue.model.codebooks: factorised codes need two profiles and an implicit log, this is "
            f"{len(sizes)} and an {'explicit' if explicit else 'implicit'} one; set it to joint."
        )
    return codebooks == "factorised"


def factorised_starts(
    counts: csr_matrix, sizes: tuple[int, int], vectors: Floats | None, strength: float | None, starts: int
) -> list[FactorisedStart]:
    """Starts with a codebook per profile.

    Args:
        counts: [U, I].
        sizes: K_1, K_2.
        vectors: [I, D] of the items' texts; None leaves text out.
        strength: β; None takes the default.
        starts: how many.
    """
    given = {} if strength is None else {"strength": strength}
    one, two = sizes

    def model() -> FactorisedItemEvents:
        return FactorisedItemEvents((item_prior(vectors, one), item_prior(vectors, two)), **given)

    return [FactorisedStart(counts.shape[1], sizes, model()) for _ in range(starts)]


def joint_starts(
    counts: csr_matrix,
    classes: int,
    explicit: bool,
    vectors: Floats | None,
    strength: float | None,
    starts: int,
) -> list[JointStart]:
    """Starts with a class for every combination; arguments as for :func:`factorised_starts`.

    Raises:
        InputError: the table would not fit into memory.
    """
    events = counts.shape[1]
    if events * classes > _MOST_FIGURES:
        raise InputError(
            f"catalogue.model.codebooks: a table of {events} kinds of events × {classes} combinations of "
            "codes is too large for joint ones; lower the sizes (`profiles` of an experiment, `model.sizes` "
            "of `userip catalogue fit`), or, of two profiles and an implicit log, set it to factorised."
        )
    opening = generosity_opening(counts, classes) if explicit else None
    return [
        JointStart(events, classes, event_model(explicit, vectors, classes, strength), opening)
        for _ in range(starts)
    ]
