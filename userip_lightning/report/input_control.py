"""Whether what codes were made from reaches the CTR model: codes beside the same training on another's input.

A recommendation loss gives good codes whatever profiles or texts hold. So codes that gain are no evidence for
the language model unless they are better than codes of other users' profiles, of noise, or of other items'
texts.
"""

from __future__ import annotations

from collections.abc import Mapping

from userip_lightning.report.notation import delta
from userip_lightning.report.verdict import MIN_SEEDS, beats

_PROFILES = {
    "permuted_z": "codes of other users' profiles",
    "noise_z": "codes of noise in place of profiles",
}
_TEXTS = {"permuted_text": "codes of other items' texts"}


def reach(contrasts: Mapping[str, dict[str, object]], seeds: int) -> str:
    """What does not reach the CTR model, in one sentence; empty where nothing says so.

    Args:
        contrasts: control to the delta columns of the codes against it; other controls are passed over.
        seeds: how many were trained; with few of them nothing can be shown.
    """
    found = ((_PROFILES, "what a profile holds"), (_TEXTS, "what an item's text says"))
    return " ".join(filter(None, (_said(words, source, contrasts, seeds) for words, source in found)))


def _said(
    named: Mapping[str, str], source: str, contrasts: Mapping[str, dict[str, object]], seeds: int
) -> str:
    """Controls of one family that own codes do not beat."""
    as_good = [
        f"{words} (own against them: ΔAUC {delta(contrasts[control], 'auc')})"
        for control, words in named.items()
        if control in contrasts and not beats(contrasts[control])
    ]
    if not as_good:
        return ""
    listed = " and ".join(as_good)
    few = f"with fewer than {MIN_SEEDS} seeds, " if seeds < MIN_SEEDS else ""
    return f"{listed[0].upper()}{listed[1:]}: {few}nothing shows that {source} reaches the CTR model."
