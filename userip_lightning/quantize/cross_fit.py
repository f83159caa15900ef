"""Cross-fitting of the exact E step: the rows that choose a user's code never teach the surrogate what
that code likes, in the same epoch.

Where both use the same rows, codes and surrogate agree on noise: a code's taste is learned from the very
clicks that put the user there, and users with few rows, cold ones above all, are then placed by chance.
"""

from __future__ import annotations

from torch import Tensor

from userip_lightning.batches import RecBatch

_GOLDEN, _MIX = -0x61C8864680B583EB, 0x2545F4914F6CDD1D  # odd constants of multiplicative hashing, 64 bits


def chooses(rows: RecBatch, share: float, seed: int, epoch: int) -> Tensor:
    """Whether rows choose codes in an epoch, [N] bool; about ``share`` of them, drawn anew every epoch.

    A function of user, item, seed and epoch alone, so that a row keeps its side wherever it is met, and
    repeated pairs of user and item share one side.

    Args:
        rows: N rows.
        share: 0 to 1.
        seed: of the run.
        epoch: 0, 1, ...
    """
    draw = (rows.user * _MIX + rows.item) * _GOLDEN + (epoch * 0x9E3779B1 + seed * 0x85EBCA77)
    for shift in (29, 32, 29):
        draw = (draw ^ ((draw >> shift) & ((1 << (64 - shift)) - 1))) * _MIX
    uniform = ((draw >> 40) & 0xFFFFFF).double() / 2**24
    return uniform < share


def split(rows: RecBatch, choosing: Tensor) -> tuple[RecBatch, RecBatch]:
    """The rows where ``choosing`` [N] is true, and the others."""
    return RecBatch(*(column[choosing] for column in rows)), RecBatch(*(column[~choosing] for column in rows))
