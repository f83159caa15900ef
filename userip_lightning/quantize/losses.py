"""Quantization losses: L_q = ‖sg[z] - e‖² + β‖z - sg[e]‖² + L_rec (Eq. 5), and Σ_p λ_p L_q,p of Eq. 7.

L_lm, the other part of Eq. 7, is added where the language model is (``profile/module.py``).

Every term has a weight of its own. Squared distances are averaged over the C dimensions as well as over
users, where the paper writes a plain norm (the sum): the weights then mean the same in LM space (C = 576
to 4096) and behind a projection (C = 4), and width never drowns the recommendation loss, which is per row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class QuantizeWeights:
    """Weights of the three terms of Eq. 5.

    Args:
        codebook: of ‖sg[z] - e‖².
        commitment: β, of ‖z - sg[e]‖².
        recommendation: of L_rec. Measured on cold users of ML-100K: at 1 the commitment term holds users
            in the cells where they started, from 10 to 30 they move to users who behave alike.
    """

    codebook: float = 1.0
    commitment: float = 0.25
    recommendation: float = 10.0


#: The weights that the project runs with unless a configuration says otherwise.
DEFAULT_WEIGHTS = QuantizeWeights()


class QuantizeTerms(NamedTuple):
    """The terms of Eq. 5 for a batch; L_rec sees all codes of a user at once, so profiles share it."""

    codebook: Tensor  #       [P]
    commitment: Tensor  #     [P]
    recommendation: Tensor  # scalar


def codebook_loss(z: Tensor, raw: Tensor) -> Tensor:
    """‖sg[z] - e‖², first term of Eq. 5: [B, C] twice to a scalar; moves the codebook alone.

    ``raw`` is the raw lookup: the straight-through output has no gradient towards the codebook.
    """
    return functional.mse_loss(raw, z.detach())


def commitment_loss(z: Tensor, raw: Tensor) -> Tensor:
    """‖z - sg[e]‖², second term of Eq. 5: [B, C] twice to a scalar; moves the users alone."""
    return functional.mse_loss(z, raw.detach())


def anchor_loss(v: Tensor, v_0: Tensor) -> Tensor:
    """‖v - v_0‖²: [B, C] twice to a scalar.

    Second-order stand-in for L_lm around the optimum v_0 of stage 1, where its gradient is zero; an
    isotropic curvature is assumed. Only staged training has it: the joint schedule has L_lm itself.
    """
    return functional.mse_loss(v, v_0.detach())


def recommendation_loss(logit: Tensor, label: Tensor) -> Tensor:
    """Binary cross-entropy, third term of Eq. 5: [N] logits and [N] labels (0 or 1) to a scalar, in nats."""
    return functional.binary_cross_entropy_with_logits(logit.float(), label)


def quantization_loss(
    terms: QuantizeTerms, weights: QuantizeWeights, profile_weights: Sequence[float]
) -> Tensor:
    """Σ_p λ_p L_q,p, the quantization part of Eq. 7: P values λ_p to a scalar."""
    semantic = weights.codebook * terms.codebook + weights.commitment * terms.commitment
    loss = semantic + weights.recommendation * terms.recommendation
    return torch.dot(loss, loss.new_tensor(profile_weights))
