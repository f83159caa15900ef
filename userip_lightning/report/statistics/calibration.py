"""Probabilities of one method, calibrated on validation rows.

A network keeps the epoch of the highest AUC on validation rows, and by then it is often too sure of itself:
its Logloss is worse than its ranking deserves, by more for one method than for another. Two numbers per run,
a and b of σ(a + b · log-odds) fitted to the validation rows (Platt 1999, Probabilistic Outputs for Support
Vector Machines), take that out alike for every method; the order of the rows, and with it AUC, stays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from userip_lightning.report.statistics.metrics import Floats, within

#: A slope of 0 would make all rows alike, one below it turn their order.
_LEAST_SLOPE = 1e-4


def calibrated(odds: Floats, label: NDArray[np.int8], judged: Floats) -> Floats:
    """Probabilities of the judged rows from their log-odds.

    Args:
        odds: [V], log-odds of validation rows.
        label: [V], theirs, with both classes.
        judged: [N], log-odds.
    """
    start = np.array([logit(label.mean()), 1.0])

    def loss(line: Floats) -> tuple[float, Floats]:
        shown = line[0] + line[1] * odds
        error = expit(shown) - label
        value = float(np.mean(np.logaddexp(0, shown) - label * shown))
        return value, np.array([error.mean(), (error * odds).mean()])

    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(None, None), (_LEAST_SLOPE, None)]).x
    return np.asarray(expit(found[0] + found[1] * judged))


def calibrated_scores(score: Floats, label: NDArray[np.int8], judged: Floats) -> Floats:
    """The same from probabilities [V] and [N]."""
    return calibrated(logit(within(score)), label, logit(within(judged)))
