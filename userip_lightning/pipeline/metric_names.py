"""The names under which runs log figures: stable, for dashboards and queries are written against them.

What each one means stands in docs/wandb.md; a test holds runs, this list and that page together.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

#: What Lightning logs beside every figure, and W&B draws figures against.
EPOCH, STEP = "epoch", "trainer/global_step"


class Figure(NamedTuple):
    """One logged figure.

    Args:
        name: its name; ``*`` stands for a profile or for a term of a loss.
        axis: what W&B draws it against.
        best: which of its values the W&B summary keeps, as ``NAME.max`` or ``NAME.min``; the last where None.
    """

    name: str
    axis: str = EPOCH
    best: Literal["max", "min"] | None = None


FIGURES = (
    Figure("train/loss"),
    Figure("val/auc", best="max"),
    Figure("val/logloss", best="min"),
    Figure("test/auc"),
    Figure("test/logloss"),
    Figure("codes/*/perplexity"),
    Figure("codes/*/usage_min"),
    Figure("codes/*/flips"),
    Figure("quantize/*"),
    Figure("quantize/val_recommendation", best="min"),
    Figure("catalogue/held_out", best="max"),
    Figure("catalogue/entropy"),
    Figure("catalogue/smallest"),
    Figure("catalogue/recommendation"),
    Figure("catalogue/event_nats"),
    Figure("catalogue/anchor"),
    Figure("catalogue/recommendation_held_out", best="min"),
    Figure("profile/objective", STEP),
    Figure("profile/nats", STEP),
    Figure("profile/val_nats", STEP, best="min"),
    Figure("profile/test_own", STEP),
    Figure("profile/test_gain_over_other", STEP),
    Figure("profile/test_gain_over_none", STEP),
)
