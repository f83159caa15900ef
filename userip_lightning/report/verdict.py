"""One honest sentence about the codes.

A code is a function of the user id, which is already a field of the CTR model, so even random codes can
move its AUC. A gain counts only where

- it is at least 0.001 AUC (less is noise) and its 95 % interval lies above zero,
- the calibrated Logloss is not worse: the interval of its difference does not lie above zero,
- both hold against no codes and against every control,
- no control that was asked for is missing, and one of them knows more than chance,
- the calibrated Logloss is not above that of the click rate alone,
- it was measured with at least five seeds, as one seed says nothing of training luck, and at least twenty
  users. Fewer claim no harm either.

Logloss is judged after calibration on validation rows, alike for every row (``statistics/calibration.py``).
Where the scores as predicted have a worse Logloss than no codes, a control or the click rate, the sentence
says so. The click rate is that of the judged rows, which no model can know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import polars as pl

from userip_lightning.plural import plural

#: AUC differences below this are noise.
NOISE = 0.001
#: Seeds from which on anything is claimed.
MIN_SEEDS = 5
#: Judged users from which on anything is claimed.
MIN_USERS = 20
#: Controls that say nothing of a user: to beat them alone shows nothing.
CHANCE = frozenset({"shuffled", "random"})


class Judged(NamedTuple):
    """What a verdict knows of the row with codes, besides its contrasts.

    Args:
        seeds: how many were trained.
        users: who are judged.
        logloss: mean over seeds, nats, of the scores as predicted.
        calibrated_logloss: the same after calibration.
        base_rate_logloss: of predicting the click rate of the judged rows for all of them, nats.
        controls: kinds of the controls among its contrasts, such as ``svd_kmeans``.
        missing: names of controls that were asked for and not measured on these rows and seeds.
    """

    seeds: int
    users: int
    logloss: float
    calibrated_logloss: float
    base_rate_logloss: float
    controls: Sequence[str]
    missing: Sequence[str] = ()


class Verdict(NamedTuple):
    """The sentence, and whether it claims a gain."""

    sentence: str
    gain: bool


def beats(contrast: dict[str, Any]) -> bool:
    """Whether a row of ``Comparison.contrasts`` gains AUC at a calibrated Logloss that is not worse."""
    better = contrast["delta_auc"] >= NOISE and contrast["delta_auc_low"] > 0
    return bool(better and contrast["delta_calibrated_logloss_low"] <= 0)


def verdict(contrasts: pl.DataFrame, reference: str, codes: Judged) -> Verdict:
    """Judge the codes.

    Args:
        contrasts: as in ``Comparison.contrasts``.
        reference: the row that stands for no codes; the others are controls.
        codes: the row with codes.
    """
    rows = contrasts.to_dicts()
    none = next(row for row in rows if row["against"] == reference)
    controls = [row for row in rows if row["against"] != reference]
    gain = _interval(none, "auc", "AUC")
    if few := too_few(codes.seeds, codes.users):
        return Verdict(f"Nothing is claimed: {gain} against no codes with {few}.", False)
    if none["delta_auc"] <= -NOISE and none["delta_auc_high"] < 0:
        return Verdict(f"The codes hurt: {gain} against no codes.", False)
    if not beats(none):
        worse = none["delta_calibrated_logloss_low"] > 0
        nats = _interval(none, "calibrated_logloss", "nats")
        loss = f", and a worse calibrated Logloss ({nats})" if worse else ""
        return Verdict(f"No gain: {gain} against no codes{loss}.", False)
    over_none = f"The codes gain {gain} over no codes"
    if doubt := _doubt(controls, codes):
        return Verdict(f"{over_none}{doubt}", False)
    beaten = _list([row["against"] for row in controls])
    caution = _caution(none, controls, codes)
    return Verdict(f"{over_none} and beat every control ({beaten}).{caution}", True)


def _doubt(controls: list[dict[str, Any]], codes: Judged) -> str:
    """Why a gain over no codes is not claimed; empty where it is."""
    if codes.missing:
        were = "was" if len(codes.missing) == 1 else "were"
        return f", but {_list(codes.missing)} {were} not measured, so no gain is claimed."
    if not controls:
        return ", but no control was run, so no gain is claimed."
    if CHANCE.issuperset(codes.controls):
        names = _list([row["against"] for row in controls])
        return f", but the only controls ({names}) know nothing of a user, so no gain is claimed."
    unbeaten = [row["against"] for row in controls if not beats(row)]
    if unbeaten:
        return f" but do not beat {_list(unbeaten)}: reported as no gain."
    if codes.calibrated_logloss > codes.base_rate_logloss:
        return (
            f", but their calibrated Logloss of {codes.calibrated_logloss:.4f} is above the "
            f"{codes.base_rate_logloss:.4f} of the click rate alone: reported as no gain."
        )
    return ""


def _caution(none: dict[str, Any], controls: Sequence[dict[str, Any]], codes: Judged) -> str:
    """What to know of a gain before its scores are used as probabilities; empty where nothing."""
    found = []
    if codes.logloss > codes.base_rate_logloss:
        found.append(f"above the {codes.base_rate_logloss:.4f} of the click rate alone")
    if none["delta_logloss_low"] > 0:
        found.append(f"worse than that of no codes ({_interval(none, 'logloss', 'nats')})")
    if lower := [row["against"] for row in controls if row["delta_logloss_low"] > 0]:
        found.append(f"worse than that of {_list(lower)}")
    if not found:
        return ""
    return (
        f" Before calibration their Logloss of {codes.logloss:.4f} is {_list(found)}: calibrate scores that "
        "are used as probabilities."
    )


def too_few(seeds: int, users: int) -> str:
    """What there are too few of for any claim, in words; empty where there are enough."""
    if users < MIN_USERS:
        return f"{plural(users, 'judged user')}, and a claim takes at least {MIN_USERS}"
    if seeds < MIN_SEEDS:
        return f"{plural(seeds, 'seed')}, and a claim takes at least {MIN_SEEDS}; run more seeds"
    return ""


def _interval(contrast: dict[str, object], metric: str, unit: str) -> str:
    value, low, high = (contrast[f"delta_{metric}{end}"] for end in ("", "_low", "_high"))
    return f"{value:+.4f} {unit} [{low:+.4f}, {high:+.4f}]"


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]
