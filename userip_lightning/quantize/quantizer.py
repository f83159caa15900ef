"""One engine for every schedule: code space, a codebook per profile and the surrogate (section 2.4).

Staged training moves a user table through it (``module``), the joint schedule the language model's own
soft tokens (``joint_prior``); the terms of Eq. 5 are evaluated here for both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain

import torch
from torch import Tensor, nn

from userip_lightning.batches import RecBatch
from userip_lightning.errors import InputError
from userip_lightning.quantize.codebook import Codebook
from userip_lightning.quantize.losses import (
    QuantizeTerms,
    codebook_loss,
    commitment_loss,
    recommendation_loss,
)
from userip_lightning.quantize.projection import CodeSpace

#: Builds S(codes, item) from the number of items, the widths C_p and None, as ``SurrogateDCN`` does.
SurrogateFactory = Callable[[int, Sequence[int], None], nn.Module]


def by_name(values: Mapping[str, float] | float, names: Sequence[str], key: str) -> list[float]:
    """Values in the order of the profile names; one number stands for all.

    Raises:
        InputError: the keys are not exactly the profile names.
    """
    if not isinstance(values, Mapping):
        return [values] * len(names)
    if set(values) != set(names):
        raise InputError(
            f"{key}: keys {sorted(values)}, expected one per profile, {sorted(names)}; name each once."
        )
    return [values[name] for name in names]


class Quantizer(nn.Module):
    """Codes and losses of users. P profiles, C code width.

    Args:
        sizes: K_p of every profile.
        width: D, of the LM.
        items: number of items.
        code_dim: C, at most D, or None for LM space.
        surrogate: builds the surrogate recommender.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        width: int,
        items: int,
        code_dim: int | None,
        surrogate: SurrogateFactory,
    ) -> None:
        super().__init__()
        self.space = CodeSpace(len(sizes), width, code_dim)
        self.codebooks = nn.ModuleList(Codebook(size, self.space.dim) for size in sizes)
        self.surrogate = surrogate(items, [self.space.dim] * len(sizes), None)

    def books(self) -> list[Codebook]:
        """The P codebooks, typed."""
        return [book for book in self.codebooks if isinstance(book, Codebook)]

    def start(self, table: Tensor, seed: int) -> Tensor:
        """Fit the code space and put every codebook at k-means centres, from all users' [U, P, S, D].

        Returns:
            [U, P, C], the users in code space.

        Raises:
            InputError: more codes than users, or values that are not finite.
        """
        bad = ~torch.isfinite(table).flatten(1).all(dim=1)
        if bad.any():
            row = int(bad.nonzero()[0])
            raise InputError(f"profile vectors: user row {row} is not finite; run the profile stage again.")
        self.space.fit(table)
        v: Tensor = self.space(table)
        for p, book in enumerate(self.books()):
            book.init_from(v[:, p], seed)
        return v

    def resume(self, table: Tensor, prior: dict[str, Tensor]) -> Tensor:
        """Go on from the codebooks and surrogate that the joint schedule trained beside the LM.

        Args:
            table: all users' soft tokens [U, P, S, D].
            prior: state of :class:`userip_lightning.quantize.joint_prior.QuantizePrior`.

        Returns:
            [U, P, C], the users in code space.

        Raises:
            InputError: it was trained with other sizes, another code space or another surrogate.
        """
        try:
            self.load_state_dict({key.removeprefix("quantizer."): value for key, value in prior.items()})
        except RuntimeError as error:
            reason = str(error).splitlines()[-1].strip()
            raise InputError(
                f"quantize.model: does not fit the prior that the joint schedule trained ({reason}); give "
                "sizes, code_dim and surrogate as in profile.model.prior."
            ) from None
        v: Tensor = self.space(table)
        return v

    def assign(self, v: Tensor) -> Tensor:
        """Eq. 6: [B, P, C] to [B, P] int64."""
        return torch.stack([book.assign(v[:, p]) for p, book in enumerate(self.books())], dim=1)

    def freeze_codes(self, frozen: bool) -> None:
        """Stop (or let) the codebooks learn."""
        for parameter in chain.from_iterable(book.parameters() for book in self.books()):
            parameter.requires_grad_(not frozen)

    def terms(self, v: Tensor, rows: RecBatch) -> QuantizeTerms:
        """Terms of Eq. 5.

        Args:
            v: [B, P, C] in code space.
            rows: N rows; ``user`` is 0 .. B - 1.
        """
        found = [book.quantize(v[:, p]) for p, book in enumerate(self.books())]
        codes = [q.straight_through[rows.user] for q in found]
        logit: Tensor = self.surrogate(codes, rows.item)
        return QuantizeTerms(
            codebook=torch.stack([codebook_loss(v[:, p], q.raw) for p, q in enumerate(found)]),
            commitment=torch.stack([commitment_loss(v[:, p], q.raw) for p, q in enumerate(found)]),
            recommendation=recommendation_loss(logit, rows.label),
        )
