import numpy as np
from numpy.typing import NDArray

from userip_lightning.data.kcore import k_core

#: Dropping item c leaves user w with one event, and dropping w leaves item b with one.
CHAIN = "ua ux va vx wb wc vb"


def codes(pairs: str) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    user, item = zip(*pairs.split(), strict=True)
    return tuple(np.unique(side, return_inverse=True)[1].astype(np.int32) for side in (user, item))


def kept(pairs: str, k: int, mode: str) -> str:
    return " ".join(pairs.split()[place] for place in k_core(*codes(pairs), k, mode))


def test_a_single_pass_counts_once() -> None:
    assert kept(CHAIN, 2, "single_pass") == "ua ux va vx wb vb"


def test_the_fixed_point_follows_the_chain() -> None:
    assert kept(CHAIN, 2, "fixed_point") == "ua ux va vx"


def test_nothing_to_drop_and_nothing_left() -> None:
    assert kept(CHAIN, 1, "fixed_point") == CHAIN
    assert kept(CHAIN, 3, "fixed_point") == ""
