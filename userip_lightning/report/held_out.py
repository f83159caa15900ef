"""Stage 1 on its own: held-out nats per token under a user's own z, another user's z, and no z.

The intervals are 95 % percentile bootstraps over users, drawn alike for all figures.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from userip_lightning.errors import InputError
from userip_lightning.report.statistics.bootstrap import Interval
from userip_lightning.report.statistics.user_mean import user_mean

CONDITIONS = ("own", "other", "none")


class HeldOut(NamedTuple):
    """Mean over users; differences are positive where the user's own z predicts better."""

    users: int
    own: Interval  #       nats per token; lower is better
    other: Interval
    none: Interval
    own_over_other: Interval  # other minus own
    own_over_none: Interval  #  none minus own


def read_held_out(file: Path, replicates: int = 2000, seed: int = 0) -> HeldOut:
    """Read ``profile_eval.json``: lists ``own``, ``other`` and ``none`` with one mean per user, in one order.

    Raises:
        InputError: no such file, not JSON, a list is missing, empty, of another length, or not finite.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        own, other, none = (np.asarray(content[name], dtype=np.float64) for name in CONDITIONS)
    except OSError:
        raise InputError(f"{file}: no such file; run the profile stage's evaluation first.") from None
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"{file}: not a profile evaluation ({error!r}); it needs lists {', '.join(CONDITIONS)} with one "
            "number per user, run the profile stage's evaluation again."
        ) from None
    if not (own.ndim == 1 and own.size and own.shape == other.shape == none.shape):
        raise InputError(
            f"{file}: lists {', '.join(CONDITIONS)} have shapes {own.shape}, {other.shape}, {none.shape}; "
            "one number per user in each was expected, run the profile stage's evaluation again."
        )
    if not np.isfinite([own, other, none]).all():
        raise InputError(f"{file}: a likelihood is not finite; the profile stage diverged, lower its rate.")
    figures = (own, other, none, other - own, none - own)
    return HeldOut(own.size, *(user_mean(values, replicates, seed) for values in figures))
