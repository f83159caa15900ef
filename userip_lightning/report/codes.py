"""What the codes are worth in one block: against no codes, and against every control of the same bits.

Every row of the group ``userip`` is held against its network without codes (its ``against``) and against the
measured controls of that network whose codebooks have as many bits (Σ log2 K); a control that names no sizes
counts as drawn at those of the codes. The sentence is that of ``verdict.py``. p-values of the t test carry
Holm's correction over the contrasts of one such row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isclose, log2, prod
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.report.bootstrap import paired_difference
from userip_lightning.report.delong import delong_test
from userip_lightning.report.entries import Entry
from userip_lightning.report.measured import Measured, delta_columns
from userip_lightning.report.significance import holm, paired_t
from userip_lightning.report.verdict import beats, verdict

#: User numbers of the positive and of the negative rows, for the clustered form of DeLong's test.
UsersByClass = tuple[NDArray[np.intp], NDArray[np.intp]]


class CodesVerdict(NamedTuple):
    """What may be said of one method with codes."""

    method: str
    network: str | None
    sentence: str
    gain: bool  #                 over no codes and over every control, of which there is at least one
    controls: int  #              how many it was held against
    best_control: str | None  #   of those, by AUC on the judged rows, which is in the controls' favour
    contrasts: pl.DataFrame  #    against, delta columns, p_delong, p_delong_users, p_t; empty if not judged


def judge_codes(
    entries: Sequence[Entry], measured: Mapping[str, Measured], users: UsersByClass
) -> tuple[CodesVerdict, ...]:
    """Judge every row with codes.

    Args:
        entries: of one block.
        measured: method to its figures; methods that failed or were not run are absent.
        users: of the block's rows.
    """
    return tuple(_judge(entry, entries, measured, users) for entry in entries if entry.group == "userip")


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


def _judge(
    entry: Entry, entries: Sequence[Entry], measured: Mapping[str, Measured], users: UsersByClass
) -> CodesVerdict:
    against = entry.against
    if against is None or against not in measured or entry.method not in measured:
        return CodesVerdict(
            entry.method, entry.network, _unjudged(entry, measured), False, 0, None, pl.DataFrame()
        )
    controls = [other.method for other in entries if _controls(other, entry) and other.method in measured]
    others = [against, *controls]
    rows = [contrast(measured[entry.method], measured[other], users) for other in others]
    correct(rows)
    table = pl.DataFrame(
        [{"against": other, **row} for other, row in zip(others, rows, strict=True)],
        schema_overrides=dict.fromkeys(("p_delong", "p_delong_users", "p_t"), pl.Float64),
    )
    best = max(controls, key=lambda name: float(measured[name].auc.mean()), default=None)
    gain = bool(controls) and all(beats(row) for row in table.to_dicts())
    sentence = verdict(table, against)
    return CodesVerdict(entry.method, entry.network, sentence, gain, len(controls), best, table)


def _unjudged(entry: Entry, measured: Mapping[str, Measured]) -> str:
    if entry.method not in measured:
        return f"{entry.method} cannot be judged: it was not measured."
    if entry.against is None:
        return f"{entry.method} cannot be judged: the study names no row without codes for it."
    return f"{entry.method} cannot be judged: {entry.against} was not measured."


def _controls(other: Entry, entry: Entry) -> bool:
    """Whether ``other`` is a control for ``entry`` with as many bits."""
    if other.group != "control" or other.network != entry.network:
        return False
    return not (other.sizes and entry.sizes) or isclose(_bits(other), _bits(entry))


def _bits(entry: Entry) -> float:
    return log2(prod(entry.sizes.values()))
