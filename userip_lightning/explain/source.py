"""What an explanation is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Source(NamedTuple):
    """An experiment whose codes are made.

    Args:
        experiment: its name.
        engine: that made the codes, ``catalogue`` or ``per_user``.
        prepared: folder of its prepared data.
        bank: folder of its codes.
        columns: of the item table that make an item's text; the title alone where None.
        texts: profile name to the words in front of its soft token.
        seed: whose codes these are.
        language_model: whose words are read, for people; None where nobody reads any.
        why_no_words: a sentence where nobody does.
    """

    experiment: str
    engine: str
    prepared: Path
    bank: Path
    columns: Sequence[str] | None
    texts: Mapping[str, str]
    seed: int
    language_model: str | None = None
    why_no_words: str | None = None
