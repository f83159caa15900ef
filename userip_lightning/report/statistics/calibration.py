"""Probabilities of one run, calibrated on its validation rows.

A network keeps the epoch of the highest AUC on validation rows, and by then it is often too sure of itself:
its Logloss is worse than its ranking deserves, by more for one method than for another. Slope and offset of
its log-odds, fitted to the validation rows (Platt 1999, Probabilistic Outputs for Support Vector Machines),
take that out alike for every method; the order of the rows, and with it AUC, stays.

The validation rows also chose epoch and settings, so the slope is a little too steep. The bootstrap takes the
two numbers as given: with few validation rows its interval of the calibrated Logloss is too narrow.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from userip_lightning.report.statistics.metrics import Floats, within

#: A slope of 0 would make all rows alike, one below it turn their order.
_LEAST_SLOPE = 1e-4
#: With SciPy's own tolerances the search stops early where log-odds hardly differ.
_PRECISE = {"ftol": 1e-14, "gtol": 1e-9}


def calibrated(odds: Floats, label: NDArray[np.int8], judged: Floats) -> Floats:
    """Probabilities of the judged rows from their log-odds.

    As Platt has it, a positive row's target is (n₊ + 1) / (n₊ + 2) and a negative one's 1 / (n₋ + 2): the
    slope stays finite where log-odds tell all labels apart.

    Args:
        odds: [V], log-odds of validation rows.
        label: [V], theirs, with both classes.
        judged: [N], log-odds.
    """
    positives = int(label.sum())
    target = np.where(label == 1, (positives + 1) / (positives + 2), 1 / (label.size - positives + 2))

    def loss(line: Floats) -> tuple[float, Floats]:
        shown = line[0] + line[1] * odds
        error = expit(shown) - target
        value = float(np.mean(np.logaddexp(0, shown) - target * shown))
        return value, np.array([error.mean(), (error * odds).mean()])

    found = minimize(
        loss,
        np.array([logit(target.mean()), 1.0]),
        jac=True,
        method="L-BFGS-B",
        bounds=[(None, None), (_LEAST_SLOPE, None)],
        options=_PRECISE,
    ).x
    return np.asarray(expit(found[0] + found[1] * judged))


def calibrated_scores(score: Floats, label: NDArray[np.int8], judged: Floats) -> Floats:
    """The same from probabilities [V] and [N]."""
    return calibrated(logit(within(score)), label, logit(within(judged)))
