"""How figures are written for people, the same in every report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Stands where there is no figure.
NONE = "–"


def spread(mean: float | None, deviation: float | None) -> str:
    """Mean ± standard deviation, to four digits."""
    if mean is None:
        return NONE
    return f"{mean:.4f}" if deviation is None else f"{mean:.4f} ± {deviation:.4f}"


def interval(difference: float, low: float, high: float, digits: int = 4) -> str:
    """A signed difference with its interval."""
    return f"{signed(difference, digits)} [{signed(low, digits)}, {signed(high, digits)}]"


def delta(row: Mapping[str, Any], metric: str) -> str:
    """The delta columns of a row; ``metric`` is auc, logloss or calibrated_logloss."""
    values = [row[f"delta_{metric}{end}"] for end in ("", "_low", "_high")]
    return NONE if None in values else interval(*values)


def number(value: float | None, digits: int = 4) -> str:
    """A plain figure."""
    return NONE if value is None else f"{value:.{digits}f}"


def signed(value: float | None, digits: int = 4) -> str:
    """A difference without an interval; what rounds to zero is +0, never -0."""
    return NONE if value is None else f"{round(value, digits) + 0.0:+.{digits}f}"


def percent(share: float | None) -> str:
    """A signed relative change."""
    return NONE if share is None else f"{100 * share:+.2f} %"


def p_value(p: float | None) -> str:
    """To three digits; what would round to zero is said to be below."""
    if p is None:
        return NONE
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def sentence(text: str) -> str:
    """One line that ends with a full stop: messages of libraries may hold several lines."""
    line = " ".join(text.split())
    return line if line.endswith(".") else f"{line}."
