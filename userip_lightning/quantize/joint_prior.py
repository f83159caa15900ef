"""Prior of the joint schedule (Algorithm 1): Σ_p λ_p L_q,p (Eq. 7) on soft tokens that the LM is moving.

Stage 1 adds the loss to L_lm. Its gradients: the codebook term reaches the codebooks alone, the commitment
term the soft tokens alone, the recommendation term the surrogate and, straight through, the soft tokens.
Deviation: the code space is fixed when training starts, as distances need one scale throughout.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from userip_lightning.batches import RecBatch
from userip_lightning.default_sizes import DEFAULT_SIZES
from userip_lightning.quantize.losses import DEFAULT_WEIGHTS, QuantizeWeights, quantization_loss
from userip_lightning.quantize.quantizer import Quantizer, SurrogateFactory, by_name
from userip_lightning.surrogate.code_dcn import SurrogateDCN


class PriorOutput(NamedTuple):
    """What the prior says of a batch of users."""

    loss: Tensor  #             scalar, Σ_p λ_p L_q,p
    logs: dict[str, Tensor]  #  detached scalars by metric name


class QuantizePrior(nn.Module):
    """Codebooks and surrogate beside a language model.

    Args:
        sizes: K_p by profile name; where None, those of the experiment's ``profiles``, or the paper's.
        code_dim: C principal components to learn codes in, at most D, or None for LM space.
        weights: of the terms of Eq. 5.
        profile_weights: λ_p by profile name, or one number for all; 1 where None.
        surrogate: builds the surrogate recommender.
    """

    quantizer: Quantizer

    def __init__(
        self,
        sizes: dict[str, int] | None = None,
        code_dim: int | None = 4,
        weights: QuantizeWeights = DEFAULT_WEIGHTS,
        profile_weights: dict[str, float] | float | None = None,
        surrogate: SurrogateFactory = SurrogateDCN,
    ) -> None:
        super().__init__()
        self.sizes = sizes or DEFAULT_SIZES
        self.code_dim = code_dim
        self.weights = weights
        self.profile_weights = 1.0 if profile_weights is None else profile_weights
        self.surrogate_factory = surrogate

    def setup(self, z_table: Tensor, names: tuple[str, ...], n_items: int, seed: int) -> None:
        """Build and start from all users' soft tokens, [U, P, S, D], profiles in the order of ``names``.

        A checkpoint may be loaded over it afterwards.

        Raises:
            InputError: ``sizes`` are of other profiles, more codes than users, or values not finite.
        """
        sizes = [int(size) for size in by_name(self.sizes, names, "prior.sizes")]
        self.lambdas = by_name(self.profile_weights, names, "prior.profile_weights")
        torch.manual_seed(seed)
        self.quantizer = Quantizer(
            sizes, z_table.shape[3], n_items, self.code_dim, self.surrogate_factory
        ).to(z_table.device)
        self.quantizer.start(z_table.detach(), seed)

    def forward(self, z: Tensor, rows: RecBatch) -> PriorOutput:
        """Loss of a batch.

        Args:
            z: [B, P, S, D] soft tokens.
            rows: their training rows; ``user`` is 0 .. B - 1.
        """
        terms = self.quantizer.terms(self.quantizer.space(z), rows)
        loss = quantization_loss(terms, self.weights, self.lambdas)
        means = {f"quantize/{name}": term.detach().mean() for name, term in terms._asdict().items()}
        return PriorOutput(loss, means)

    @torch.no_grad()
    def codes(self, z: Tensor) -> Tensor:
        """Eq. 6: [B, P, S, D] to [B, P] int64."""
        return self.quantizer.assign(self.quantizer.space(z))
