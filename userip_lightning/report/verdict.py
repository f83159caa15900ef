"""One honest sentence about the codes.

A code is a function of the user id, which is already a field of the CTR model, so even random codes can
move its AUC. A gain counts only where it is at least 0.001 AUC (less is noise), its 95 % interval lies
above zero, and the same holds against every control.
"""

from __future__ import annotations

from typing import Any

import polars as pl

#: AUC differences below this are noise.
NOISE = 0.001


def beats(contrast: dict[str, Any]) -> bool:
    """Whether a row of ``Comparison.contrasts`` is a gain in AUC."""
    return bool(contrast["delta_auc"] >= NOISE and contrast["delta_auc_low"] > 0)


def verdict(contrasts: pl.DataFrame, reference: str) -> str:
    """The sentence.

    Args:
        contrasts: as in ``Comparison.contrasts``.
        reference: the row that stands for no codes; the others are controls.
    """
    rows = contrasts.to_dicts()
    none = next(row for row in rows if row["against"] == reference)
    controls = [row for row in rows if row["against"] != reference]
    gain = f"{none['delta_auc']:+.4f} AUC [{none['delta_auc_low']:+.4f}, {none['delta_auc_high']:+.4f}]"
    if none["delta_auc"] <= -NOISE and none["delta_auc_high"] < 0:
        return f"The codes hurt: {gain} against no codes."
    if not beats(none):
        return f"No gain: {gain} against no codes."
    over_none = f"The codes gain {gain} over no codes"
    if not controls:
        return f"{over_none}, but no control was run, so no gain is claimed."
    unbeaten = [row["against"] for row in controls if not beats(row)]
    if unbeaten:
        return f"{over_none} but do not beat {_list(unbeaten)}: reported as no gain."
    return f"{over_none} and beat every control ({_list([row['against'] for row in controls])})."


def _list(names: list[str]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]
