"""Codebook of one profile: code(u) = argmin_j ‖z_u - e_j‖² (Eq. 6, section 2.4).

The straight-through output has the value of the chosen code and the gradient of its input, so a loss on it
moves users and never the code; the raw lookup carries the gradient of the codebook term (Eq. 5).
Deviation: codes start at the k-means centres of all users, where the paper does not say how they start.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from userip_lightning.errors import InputError

#: Restarts of k-means; the best of them is kept.
KMEANS_RESTARTS = 4


class Quantized(NamedTuple):
    """What a codebook makes of B vectors."""

    codes: Tensor  #            [B] int64
    raw: Tensor  #              [B, C], gradient to the codebook
    straight_through: Tensor  # [B, C], same values, gradient to the input


class Codebook(nn.Module):
    """K vectors of width C; zero until :meth:`init_from` or a checkpoint fills them.

    Args:
        size: K, number of codes.
        dim: C, width of a code.
    """

    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.zeros(size, dim))

    @property
    def size(self) -> int:
        """K, number of codes."""
        return self.embedding.shape[0]

    @torch.no_grad()
    def init_from(self, table: Tensor, seed: int) -> None:
        """Put the codes at the k-means centres of a whole table of users, [U, C].

        Raises:
            InputError: fewer users than codes.
        """
        users = table.shape[0]
        if self.size > users:
            raise InputError(
                f"codebook: {self.size} codes for {users} users, expected at most one code per user; "
                "lower the size of this profile's codebook or add users."
            )
        # One thread: scikit-learn adds partial sums in the order in which threads finish.
        with threadpool_limits(limits=1):
            kmeans = KMeans(self.size, n_init=KMEANS_RESTARTS, random_state=seed)
            centres = kmeans.fit(table.float().cpu().numpy()).cluster_centers_
        self.embedding.copy_(torch.from_numpy(centres))

    @torch.no_grad()
    def reseed_dead(self, z: Tensor, counts: Tensor, generator: torch.Generator) -> int:
        """Move codes that no user has to users far from their code; returns how many moved.

        Users are drawn without replacement, with probabilities as the squared distance to their code
        (the seeding of k-means++): the farthest one alone would often be an outlier.

        Args:
            z: [U, C], all users.
            counts: [K], users per code.
            generator: on the CPU, source of the draw.
        """
        dead = (counts == 0).nonzero().flatten()
        far = self.distances(z).min(dim=1).values.double().cpu()
        if not dead.numel() or int((far > 0).sum()) < dead.numel():
            return 0
        # Gumbel top-k is an exact draw without replacement and, unlike multinomial, has no limit on U.
        keys = far.log() - torch.empty_like(far).exponential_(generator=generator).log()
        drawn = keys.topk(dead.numel()).indices.to(z.device)
        self.embedding[dead] = z[drawn].to(self.embedding.dtype)
        return dead.numel()

    @torch.no_grad()
    def distances(self, z: Tensor) -> Tensor:
        """Squared distances of [B, C] to every code, [B, K] float32.

        Differences are formed before they are squared: expanding the square cancels where vectors lie far
        from the origin, and reduced precision flips codes, hence float32 whatever autocast says.
        """
        with torch.autocast(device_type=z.device.type, enabled=False):
            exact = "donot_use_mm_for_euclid_dist"
            return torch.cdist(z.float(), self.embedding.float(), compute_mode=exact).square()

    def assign(self, z: Tensor) -> Tensor:
        """Nearest code of every vector: [B, C] to [B] int64; the lowest code wins a tie."""
        return self.distances(z).argmin(dim=1)

    def lookup(self, codes: Tensor) -> Tensor:
        """Vectors of codes: [B] to [B, C]."""
        return self.embedding[codes]

    def quantize(self, z: Tensor) -> Quantized:
        """Nearest codes of [B, C], raw and straight-through."""
        codes = self.assign(z)
        raw = self.lookup(codes)
        return Quantized(codes, raw, z + (raw - z).detach())
