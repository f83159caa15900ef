"""The last steps of EM, in which anchors take part (``anchors.py``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.anchors import Anchor, anchored_order, anchored_weight, find_anchors
from userip_lightning.catalogue.code_order import code_order
from userip_lightning.catalogue.joint_em import JointStart
from userip_lightning.catalogue.steering import Steering
from userip_lightning.errors import InputError


class AnchoredSteps(NamedTuple):
    """Anchors, and from which step on they take part.

    Args:
        anchors: perhaps none.
        first: steps without anchors.
        strength: s.
        sizes: K_p by profile name.
    """

    anchors: list[Anchor]
    first: int
    strength: float
    sizes: Mapping[str, int]

    def have_begun(self, step: int) -> bool:
        """Whether anchors take part after ``step`` steps."""
        return bool(self.anchors) and step >= self.first

    def begin(self, start: JointStart, popularity: Floats) -> None:
        """Number the classes as a fit without anchors does, but for codes that change their numbers.

        Args:
            start: that goes on alone.
            popularity: [I], events of every item.
        """
        start.reorder(code_order(start.table.evidence, self.sizes))
        start.reorder(anchored_order(self.anchors, start.table, popularity, self.sizes))
        self.weigh(start)

    def weigh(self, start: JointStart) -> None:
        """Let the anchors' words count in the M steps that follow."""
        start.anchored = anchored_weight(self.anchors, self.strength, self.sizes)


def anchored_steps(
    steering: Steering, sizes: Mapping[str, int], texts: Sequence[str], steps: int, race: int
) -> AnchoredSteps:
    """The anchors of a steering, and when they begin.

    Args:
        steering: names codes and words.
        sizes: K_p by profile name.
        texts: [I], of the items.
        steps: of EM in all.
        race: steps until one start goes on alone.

    Raises:
        InputError: the anchors would begin before the race ends, or no item has a word of one.
    """
    first = steps - steering.steps
    if steering.anchors and first <= race:
        raise InputError(
            f"catalogue.model.steering: the last {steering.steps} steps are with anchors, after a race of "
            f"{race}, and EM takes {steps}; give more catalogue.trainer.max_epochs."
        )
    return AnchoredSteps(find_anchors(steering, list(sizes), texts), first, steering.strength, sizes)
