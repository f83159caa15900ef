"""What is measured: a network of some library, in that library's own training loop and with its loader."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Network = Literal["DCN", "DeepFM"]

#: The paper's settings (section 3.1), for every library.
WIDTH, CROSS_LAYERS, HIDDEN, DROPOUT = 8, 3, [16, 16], 0.2


class Rows(NamedTuple):
    """Training rows that every contender gets."""

    names: tuple[str, ...]  #         of the F fields
    sizes: tuple[int, ...]  #         number of values of a field
    fields: NDArray[np.int64]  #      [N, F]
    label: NDArray[np.float32]  #     [N]
    prepared: Path  #                 the folder they come from


class Contender(Protocol):
    """A model that is ready to be trained."""

    def train(self, epochs: int) -> None:
        """Go through all rows, shuffled, ``epochs`` times."""

    def score(self) -> None:
        """Predict the probability of every row."""


class Library(NamedTuple):
    """Where contenders come from."""

    name: str  #         and version
    install: str  #      how to get it
    build: (
        Callable[[Network, Rows, int], Contender] | None
    )  # (network, rows, batch size); None: not installed
