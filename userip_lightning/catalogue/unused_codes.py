"""Codes that nobody has: a field value that a CTR model never learns."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from userip_lightning.errors import InputError

_ADVICE = "lower its size: `profiles` of an experiment, `model.sizes` of `userip catalogue fit`"


def name_unused(codes: NDArray[np.int64], sizes: Mapping[str, int], allowed: bool) -> None:
    """Warn of codes that nobody has, or refuse them.

    Args:
        codes: [U, P].
        sizes: K_p by profile name.
        allowed: whether a code may have no user.

    Raises:
        InputError: a code has no user, and none may.
    """
    for p, (name, size) in enumerate(sizes.items()):
        unused = np.flatnonzero(np.bincount(codes[:, p], minlength=size) == 0).tolist()
        said = f"profile {name!r}: codes {unused} of {size} have no user"
        if unused and not allowed:
            raise InputError(
                f"{said}, expected at least one each; {_ADVICE}; or set catalogue.model.allow_unused."
            )
        if unused:
            warnings.warn(f"{said}; {_ADVICE}.", stacklevel=3)
