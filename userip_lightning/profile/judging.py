"""Judging soft tokens by held-out behaviours, batch by batch (docs/evidence.md)."""

from __future__ import annotations

from torch import Tensor

from userip_lightning.batches import ProfileBatch
from userip_lightning.profile.held_out import HeldOut, JudgedUsers, join_batches, roll_users
from userip_lightning.profile.keep_in_step import accompany
from userip_lightning.profile.likelihood import PromptLikelihood


class Judge:
    """Collects nats per token of the judged users.

    Args:
        likelihood: of behaviours under soft tokens.
        judged: soft tokens of the users who are judged.
        nobody: [1, P, S, D] for a batch without users, where the processes have to run the LM together; None
            where they do not.
    """

    def __init__(self, likelihood: PromptLikelihood, judged: JudgedUsers, nobody: Tensor | None) -> None:
        self.likelihood = likelihood
        self.judged = judged
        self.nobody = nobody
        self._batches: list[HeldOut] = []

    def own(self, batch: ProfileBatch | None) -> None:
        """Judge a batch under the users' own z alone."""
        if batch is not None:
            own = self.likelihood(self.judged.of(batch.user), batch).per_token
            self._batches.append(HeldOut(own.tolist(), [], []))
        elif self.nobody is not None:
            accompany(self.likelihood, self.nobody)

    def compare(self, batch: ProfileBatch | None) -> None:
        """Judge a batch under own z, another user's z and no z."""
        if batch is not None:
            z = self.judged.of(batch.user)
            own, other, none = (self.likelihood(v, batch).per_token for v in (z, roll_users(z), None))
            self._batches.append(HeldOut(own.tolist(), other.tolist(), none.tolist()))
        elif self.nobody is not None:
            accompany(self.likelihood, self.nobody, self.nobody, None)

    def found(self, world: int) -> HeldOut:
        """The figures of all batches of ``world`` processes."""
        return join_batches(self._batches, world)
