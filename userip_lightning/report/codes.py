"""What the codes are worth in one block: against no codes, and against every control of the same bits.

Every row of the group ``userip`` is held against its network without codes (its ``against``) and against the
controls of that network whose codebooks have as many bits (Σ log2 K); a control that names no sizes has
those of the study's own codes. A row whose capacity is not in bits, such as continuous profiles, has no
control, and further codes none that was drawn or trained from the study's own. The sentence is that of
``verdict.py``. p-values of the t test carry Holm's correction over the contrasts of one such row.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose, log2, prod
from typing import NamedTuple

import numpy as np
import polars as pl

from userip_lightning.report.entries import Entry
from userip_lightning.report.input_control import reach
from userip_lightning.report.measurements import Measurements, UsersByClass
from userip_lightning.report.method_figures import Measured, delta_columns
from userip_lightning.report.statistics import metrics
from userip_lightning.report.statistics.bootstrap import paired_difference
from userip_lightning.report.statistics.delong import delong_test
from userip_lightning.report.statistics.significance import holm, paired_t
from userip_lightning.report.verdict import Judged, verdict

#: Controls that are drawn or trained from one set of codes.
_OF_OWN_CODES = ("shuffled", "permuted_z", "noise_z", "permuted_text")


class CodesVerdict(NamedTuple):
    """What may be said of one method with codes."""

    method: str
    network: str | None
    sentence: str
    gain: bool  #                 over no codes and over every control, of which there is at least one
    controls: int  #              how many it was held against
    best_control: str | None  #   of those, by AUC on the judged rows, which is in the controls' favour
    contrasts: pl.DataFrame  #    against, delta columns, p_delong, p_delong_users, p_t; empty if not judged
    reach: str = ""  #            what the codes were made from and does not reach the CTR model


def judge_codes(entries: Sequence[Entry], measured: Measurements) -> tuple[CodesVerdict, ...]:
    """Judge every row with codes.

    Args:
        entries: of one block.
        measured: the figures of those that were measured.
    """
    return tuple(_judge(entry, entries, measured) for entry in entries if entry.group == "userip")


def contrast(ours: Measured, other: Measured, users: UsersByClass) -> dict[str, float | None]:
    """delta columns, p_delong, p_delong_users and the uncorrected p_t of ours minus other."""
    p_values = {
        "p_delong": delong_test(ours.placements, other.placements).p,
        "p_delong_users": delong_test(ours.placements, other.placements, users).p,
        "p_t": paired_t(ours.auc, other.auc),
    }
    return {
        **delta_columns(paired_difference(ours.replicates, other.replicates)),
        **{name: None if np.isnan(p) else p for name, p in p_values.items()},
    }


def correct(rows: Sequence[dict[str, float | None]]) -> None:
    """Replace every ``p_t`` by its Holm-corrected value over ``rows``."""
    adjusted = holm([np.nan if row["p_t"] is None else row["p_t"] for row in rows])
    for row, p in zip(rows, adjusted, strict=True):
        row["p_t"] = None if np.isnan(p) else p


def _judge(entry: Entry, entries: Sequence[Entry], measured: Measurements) -> CodesVerdict:
    beside = _beside(entry, entries, measured)
    if entry.against is None or entry.against not in beside:
        sentence = _unjudged(entry, measured)
        return CodesVerdict(entry.method, entry.network, sentence, False, 0, None, pl.DataFrame())
    controls = [other for other in beside if other != entry.against]
    named = {other.method: other.control for other in entries if other.control is not None}
    ours, users = measured.own(entry.method), measured.users(entry.method)
    rows = [contrast(ours, other, users) for other in beside.values()]
    correct(rows)
    table = pl.DataFrame(
        [{"against": other, **row} for other, row in zip(beside, rows, strict=True)],
        schema_overrides=dict.fromkeys(("p_delong", "p_delong_users", "p_t"), pl.Float64),
    )
    best = max(controls, key=lambda name: float(beside[name].auc.mean()), default=None)
    judged = Judged(
        seeds=ours.logloss.size,
        users=int(np.unique(measured.rows(entry.method).users).size),
        logloss=float(ours.logloss.mean()),
        calibrated_logloss=float(ours.calibrated_logloss.mean()),
        base_rate_logloss=metrics.base_rate_logloss(measured.rows(entry.method).label),
        controls=[named.get(name, name) for name in controls],
        missing=[
            other.method
            for other in entries
            if _controls(other, entry) and other.method not in beside and not other.left_out
        ],
    )
    sentence, gain = verdict(table, entry.against, judged)
    against = {named[row["against"]]: row for row in table.to_dicts() if row["against"] in named}
    remark = reach(against, ours.auc.size) if entry.codes is None else ""  # others' codes were trained again
    return CodesVerdict(entry.method, entry.network, sentence, gain, len(controls), best, table, remark)


def _beside(entry: Entry, entries: Sequence[Entry], measured: Measurements) -> dict[str, Measured]:
    """No codes, then the controls, each on the rows and seeds of the row with codes."""
    if entry.method not in measured or entry.against is None:
        return {}
    others = [entry.against, *(other.method for other in entries if _controls(other, entry))]
    found = {other: measured.beside(entry.method, other) for other in others}
    return {other: figures for other, figures in found.items() if figures is not None}


def _unjudged(entry: Entry, measured: Measurements) -> str:
    if entry.method not in measured:
        return f"{entry.method} cannot be judged: it was not measured."
    if entry.against is None:
        return f"{entry.method} cannot be judged: the study names no row without codes for it."
    if entry.against in measured:
        return f"{entry.method} cannot be judged: {entry.against} was measured on other rows or seeds."
    return f"{entry.method} cannot be judged: {entry.against} was not measured."


def _controls(other: Entry, entry: Entry) -> bool:
    """Whether ``other`` is a control for ``entry`` with as many bits."""
    if other.group != "control" or other.network != entry.network or not entry.sizes:
        return False
    if entry.codes is not None and (not other.sizes or other.control in _OF_OWN_CODES):
        return False
    return not other.sizes or isclose(_bits(other), _bits(entry))


def _bits(entry: Entry) -> float:
    return log2(prod(entry.sizes.values()))
