"""Mean of a loss over an epoch."""

from __future__ import annotations

import torch
from torch import Tensor


class RunningMean:
    """Mean over rows, summed where the losses are: reading one would make every step wait for the device."""

    def __init__(self) -> None:
        self._total = torch.zeros(())
        self._rows = 0

    def add(self, mean: Tensor, rows: int) -> None:
        """Count ``rows`` rows with the mean ``mean``, a scalar without gradient."""
        self._total = torch.add(self._total, mean, alpha=rows) if self._rows else mean * rows
        self._rows += rows

    def take(self) -> Tensor:
        """The mean since the last call, a scalar; NaN where nothing was counted."""
        mean = self._total / self._rows
        self._total, self._rows = torch.zeros(()), 0
        return mean
