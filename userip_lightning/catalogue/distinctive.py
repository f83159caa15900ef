"""How surely a thing is more frequent under one code than under the others.

    z = (log odds(ñ_xc) − log odds(ñ_x − ñ_xc)) / √(1/ñ_xc + 1/(ñ_x − ñ_xc))

with a prior on top of all counts ñ

(Monroe, Colaresi and Quinn, "Fightin' Words", 2008, equation 22, with the shares of all codes together as the
prior.) So what a hundred events made twice as frequent as elsewhere comes before what one event made so.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_PRIOR = 10.0  # events
_LITTLE = 1e-9


def surprise(count: Floats, of_thing: Floats, of_code: Floats, of_all: float, codes: int) -> Floats:
    """z of the log-odds, in standard errors; arguments may have any shapes that broadcast to one.

    Args:
        count: events n_xc of a thing under a code.
        of_thing: events n_x of the thing under all codes.
        of_code: events of all things under the code.
        of_all: events of all things under all codes.
        codes: K.
    """
    weight = _PRIOR * codes
    prior = weight * of_thing / max(of_all, _LITTLE) + _LITTLE
    here, rest = count + prior, of_thing - count + prior
    other = (
        np.maximum(of_code + weight - here, _LITTLE),
        np.maximum(of_all - of_code + weight - rest, _LITTLE),
    )
    odds = np.log(here / other[0]) - np.log(rest / other[1])
    return np.asarray(odds / np.sqrt(1 / here + 1 / rest))
