"""Which class is which combination of codes: alike classes share the codes of the first profiles.

Classes come out of EM in no order. They are sorted along the first principal axis of the events' evidence
and cut into K_1 groups, each of which is sorted along its own first axis and cut into K_2, and so on. So
a class has one combination of codes, nothing of it is lost, and profile 1 alone already tells coarse
groups apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from userip_lightning.arrays import Floats


def code_order(evidence: Floats, sizes: Mapping[str, int]) -> NDArray[np.int64]:
    """[C] classes in the order of their combinations of codes.

    Args:
        evidence: [E, C].
        sizes: K_p by profile name, Π K_p = C.
    """
    return _sorted(np.arange(evidence.shape[1]), evidence, list(sizes.values()))


def split_classes(classes: NDArray[np.int64], sizes: Sequence[int]) -> NDArray[np.int64]:
    """[U] classes in that order to [U, P] codes."""
    return np.stack(np.unravel_index(classes, tuple(sizes)), axis=1).astype(np.int64)


def _sorted(classes: NDArray[np.int64], evidence: Floats, sizes: list[int]) -> NDArray[np.int64]:
    if len(classes) < 2:
        return classes
    columns = evidence[:, classes]
    centred = columns - columns.mean(axis=1, keepdims=True)
    axis = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    axis = axis * np.sign(axis[np.abs(axis).argmax()])  # an eigenvector has no sign of its own
    ordered = classes[np.argsort(axis, kind="stable")]
    if len(sizes) < 2:
        return ordered
    groups = np.split(ordered, sizes[0])
    return np.concatenate([_sorted(group, evidence, sizes[1:]) for group in groups])
