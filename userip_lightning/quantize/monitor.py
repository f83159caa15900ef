"""What to watch while codes are learned: usage, perplexity, flips. U users, K codes.

Perplexity is exp of the entropy of usage; divided by K it is 1 when all codes serve equally many users and
1/K when one code serves all of them, a collapsed codebook.
"""

from __future__ import annotations

import torch
from torch import Tensor


def usage(codes: Tensor, size: int) -> Tensor:
    """Users per code: [U] int64 to [K] int64."""
    return torch.bincount(codes, minlength=size)


def relative_perplexity(counts: Tensor) -> Tensor:
    """Perplexity of [K] counts over K: a scalar between 1/K and 1."""
    share = counts.double() / counts.sum()
    entropy = torch.special.entr(share).sum()
    return torch.exp(entropy) / counts.numel()


def flips(before: Tensor, after: Tensor) -> Tensor:
    """Number of users whose code changed, from two [U] code vectors."""
    return (before != after).sum()


def figures(profile: str, counts: Tensor, before: Tensor, after: Tensor) -> dict[str, Tensor]:
    """What is logged of a profile's codes.

    Args:
        profile: its name.
        counts: [K] users of every code.
        before: [U] codes an epoch ago.
        after: [U] codes now.
    """
    told = {
        "usage_min": counts.min(),
        "perplexity": relative_perplexity(counts),
        "flips": flips(before, after),
    }
    return {f"codes/{profile}/{name}": value.float() for name, value in told.items()}
