"""What a process does in a step for which it has no users.

Nothing, as a rule. Where the LM is divided among the processes (:mod:`userip_lightning.lm.sharded`), the
others wait in every block for this one, so it runs the LM as often as they do, on a body of one token.
"""

from __future__ import annotations

import torch
from torch import Tensor

from userip_lightning.batches import ProfileBatch, RecBatch
from userip_lightning.profile.likelihood import PromptLikelihood


def accompany(likelihood: PromptLikelihood, *given: Tensor | None) -> Tensor:
    """Run the LM once for each of ``given``.

    Args:
        likelihood: whose LM.
        given: [1, P, S, D] each, or None for the likelihood without profiles.

    Returns:
        Scalar zero, to be differentiated where the others differentiate.
    """
    batch = _nobody(likelihood)
    nats = [likelihood(z, batch).per_token.sum() for z in given]
    return torch.stack(nats).sum()


def _nobody(likelihood: PromptLikelihood) -> ProfileBatch:
    """A body of one token, which is no target."""
    zero = torch.zeros(1, 1, dtype=torch.long, device=likelihood.prefix_ids.device)
    empty = torch.empty(0, dtype=torch.long)
    return ProfileBatch(
        user=zero[0],
        ids=zero,
        target=zero != 0,
        segment=zero + likelihood.profiles + 1,
        head=zero - 1,
        position=zero,
        source=zero,
        valid=zero == 0,
        rows=RecBatch(empty, empty, torch.empty(0)),
    )
