"""Code space: x = (mean_s z_s - μ) W / σ per profile, fitted once over all users and fixed afterwards.

The S soft tokens of a profile are averaged first: in which of them a word stands says nothing about a user,
but would set users apart who share all words. With the paper's S = 1 that changes nothing; with S = 8,
k-means on four components of word starts finds planted hobbies with an adjusted Rand index of 1.00 after
averaging and 0.28 without (400 users, the default LM).

``code_dim=None`` is the paper's LM space (section 2.4): W is the identity and σ one number per profile, so
distances keep their order and Eq. 6 is unchanged; steps in v become comparable between language models,
whose embeddings differ in scale. An integer C is a deviation: the first C principal components, each at
unit variance (a whitened PCA), for codes that ignore directions in which users hardly differ and for tables
that are small. Fewer components than C remain where D is smaller.
"""

from __future__ import annotations

import torch
from sklearn.decomposition import PCA
from torch import Tensor, nn

from userip_lightning.errors import InputError

#: A direction whose spread is below this share of the largest is rounding of float32: it is not whitened.
RELATIVE_FLOOR = 1e-4


class CodeSpace(nn.Module):
    """Affine map of every profile from LM space to code space; zero until :meth:`fit` or a checkpoint.

    Args:
        profiles: P.
        width: D, of the LM.
        code_dim: C, at most D of them; or None for LM space (C = D).

    Raises:
        InputError: ``code_dim`` is below 1.
    """

    mean: Tensor  #   [P, D]
    scale: Tensor  #  [P, C] in the PCA, [P, 1] in LM space
    basis: Tensor  #  [P, D, C] in the PCA, absent in LM space

    def __init__(self, profiles: int, width: int, code_dim: int | None = None) -> None:
        super().__init__()
        if code_dim is not None and code_dim < 1:
            raise InputError(f"code_dim: {code_dim} components, expected at least 1, or null for LM space.")
        self.projected = code_dim is not None
        self.dim = width if code_dim is None else min(code_dim, width)
        self.register_buffer("mean", torch.zeros(profiles, width))
        self.register_buffer("scale", torch.ones(profiles, self.dim if self.projected else 1))
        if self.projected:
            self.register_buffer("basis", torch.zeros(profiles, width, self.dim))

    @torch.no_grad()
    def fit(self, table: Tensor) -> None:
        """Fit over all users, [U, P, S, D]."""
        for p in range(table.shape[1]):
            pooled = table[:, p].float().mean(dim=1)
            self.mean[p] = pooled.mean(dim=0)
            centred = pooled - self.mean[p]
            if self.projected:
                self._fit_components(p, centred)
            else:
                spread = centred.square().mean().sqrt()
                self.scale[p] = spread if spread > 0 else 1.0

    def _fit_components(self, profile: int, centred: Tensor) -> None:
        """Principal components, each with its largest entry positive; without a covariance of D by D."""
        count = min(self.dim, *centred.shape)
        pca = PCA(count, random_state=0).fit(centred.cpu().numpy())
        vectors = torch.from_numpy(pca.components_.T).to(self.basis)
        spread = torch.from_numpy(pca.singular_values_).to(self.scale) / len(centred) ** 0.5
        kept = spread > RELATIVE_FLOOR * spread[0].clamp(min=torch.finfo(torch.float32).tiny)
        peak = vectors.abs().argmax(dim=0, keepdim=True)
        self.basis[profile, :, :count] = vectors * vectors.gather(0, peak).sign()
        self.scale[profile, :count] = torch.where(kept, spread, torch.ones_like(spread))

    def forward(self, z: Tensor) -> Tensor:
        """[B, P, S, D] in LM space to [B, P, C], differentiable, float32."""
        with torch.autocast(device_type=z.device.type, enabled=False):
            centred = z.float().mean(dim=2) - self.mean
            if self.projected:
                centred = torch.einsum("bpd,pdc->bpc", centred, self.basis)
            return centred / self.scale
