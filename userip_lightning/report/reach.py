"""Whether what codes were made from reaches the CTR model: codes beside the same training on another's input.

A recommendation loss gives good codes whatever profiles or texts hold. So codes that gain are no evidence for
the language model unless they are better than codes of other users' profiles, of noise, or of other items'
texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from userip_lightning.report.notation import delta

_PROFILES = {
    "permuted_z": "codes of other users' profiles",
    "noise_z": "codes of noise in place of profiles",
}
_TEXTS = {"permuted_text": "codes of other items' texts"}


def reach(contrasts: Mapping[str, Mapping[str, Any]]) -> str:
    """What does not reach the CTR model, in one sentence; empty where nothing says so.

    Args:
        contrasts: control to the delta columns of the codes against it; other controls are passed over.
    """
    said = [_said(_PROFILES, "a profile holds", contrasts), _said(_TEXTS, "an item's text says", contrasts)]
    return " ".join(filter(None, said))


def _said(named: Mapping[str, str], source: str, contrasts: Mapping[str, Mapping[str, Any]]) -> str:
    """Controls of one family whose interval reaches zero."""
    as_good = [
        f"{words} (own against them: ΔAUC {delta(contrasts[control], 'auc')})"
        for control, words in named.items()
        if control in contrasts and contrasts[control]["delta_auc_low"] <= 0
    ]
    if not as_good:
        return ""
    listed = " and ".join(as_good)
    return f"{listed[0].upper()}{listed[1:]} do as well: what {source} does not reach the CTR model."
