"""Mean of a loss over an epoch."""

from __future__ import annotations

from collections.abc import Callable

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

    def take(self, reduce: Callable[..., Tensor] | None = None) -> Tensor:
        """The mean since the last call, a scalar; NaN where nothing was counted.

        Args:
            reduce: ``(tensor, reduce_op="sum")`` adds up over ranks; without it the mean is this rank's.
        """
        total, rows = self._total, self._total.new_tensor(float(self._rows))
        self._total, self._rows = torch.zeros(()), 0
        if reduce is not None:
            total, rows = reduce(torch.stack([total, rows]), reduce_op="sum").unbind()
        return total / rows
