"""The 4-D attention mask of Fig. 4, from the segments of a prompt.

Query q sees key k iff ``k <= q``, k is not padding, and one of

- k is BOS,
- q and k share a segment,
- q is in the body and k is in the prefix or in the task text that introduces q,
- q and k are both in the body and behaviours are not ``independent``.

So z_p depends on nothing but its own name, and no profile sees another. ``independent`` is our addition:
behaviours given the profiles are then conditionally independent, p(h | z) = Π_i p(h_i | z), so that the
likelihood cannot be explained by the title before and its whole gradient goes to z.

The mask is additive, in the model's dtype, with ``finfo.min`` and never ``-inf`` (a fully masked row would
be NaN under eager attention), and the diagonal is always visible. A bool mask is silently wrong under
``eager`` and a 0/1 float mask under ``sdpa``.
"""

from __future__ import annotations

import torch
from torch import Tensor


def visible(segment: Tensor, head: Tensor, valid: Tensor, profiles: int, independent: bool) -> Tensor:
    """Who sees whom.

    Args:
        segment: [B, T] int; 0 is BOS, 1 .. P the profiles, above P the body.
        head: [B, T] int; in the body the segment of the task text that introduces the token, else -1.
        valid: [B, T] bool; False on padding.
        profiles: P.
        independent: behaviours do not see each other.

    Returns:
        [B, T, T] bool, query by key.
    """
    length = segment.shape[1]
    query, key = segment.unsqueeze(2), segment.unsqueeze(1)
    in_body = query > profiles
    shown = (key == 0) | (query == key) | (in_body & (key <= profiles))
    shown |= in_body & ((key == head.unsqueeze(2)) if independent else (key > profiles))
    causal = torch.ones(length, length, dtype=torch.bool, device=segment.device).tril()
    shown = shown & causal & valid.unsqueeze(1)
    return shown | torch.eye(length, dtype=torch.bool, device=segment.device)


def additive(shown: Tensor, dtype: torch.dtype) -> Tensor:
    """[B, T, T] bool to the [B, 1, T, T] mask that ``eager`` and ``sdpa`` add to their scores."""
    mask = torch.zeros(shown.shape, dtype=dtype, device=shown.device)
    return mask.masked_fill_(~shown, torch.finfo(dtype).min).unsqueeze(1)
