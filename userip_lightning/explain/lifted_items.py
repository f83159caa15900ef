"""Items, and anything else that is counted, that a code's users like more often than the others do.

    lift = p(i|c) / p(i) = (n_ic / n_c) / (n_i / n)        n: liked events

Ranked by how surely the share is higher (``catalogue/distinctive.py``), so that one event does not win.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from userip_lightning.catalogue.distinctive import surprise
from userip_lightning.explain.source import Floats, Ints


class Lifted(NamedTuple):
    """Things of one code, the surest first.

    Args:
        things: [n].
        lift: [n].
        under: [n] events under the code.
        of: [n] events in all.
    """

    things: Ints
    lift: Floats
    under: Ints
    of: Ints


def lifted(counts: csr_matrix, most: int, preferred: NDArray[np.bool_] | None = None) -> list[Lifted]:
    """Events of things under codes [X, K] → the ``most`` surely lifted things of every code.

    Memory goes with the pairs that occur, not with X × K.

    Args:
        counts: [X, K].
        most: things per code.
        preferred: [X], things that come before all others.
    """
    cells = counts.tocoo()
    thing, code, count = cells.row.astype(np.int64), cells.col.astype(np.int64), cells.data.astype(np.float64)
    of_thing, of_code = (np.asarray(counts.sum(axis=axis)).ravel().astype(np.float64) for axis in (1, 0))
    total, codes = float(of_code.sum()), counts.shape[1]
    z = surprise(count, of_thing[thing], of_code[code], total, codes)
    lift = count * total / np.maximum(of_code[code] * of_thing[thing], 1e-300)
    first = np.zeros(len(thing)) if preferred is None else ~preferred[thing]
    told = np.flatnonzero((z > 0) & (lift > 1))
    order = told[np.lexsort((thing[told], -z[told], first[told], code[told]))]
    start = np.searchsorted(code[order], np.arange(codes + 1))
    found = []
    for k in range(codes):
        best = order[start[k] : min(start[k + 1], start[k] + most)]
        numbers = (part[best].astype(np.int64) for part in (count, of_thing[thing]))
        found.append(Lifted(thing[best], lift[best], *numbers))
    return found
