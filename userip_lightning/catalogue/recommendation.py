"""Recommendation loss over the table, third term of Eq. 5: codes are to tell the labels of training rows.

EM's table l and shares π start it; then they and a surrogate S take gradient steps on

    w · mean over rows (u, i, y) of Σ_c q_c BCE(S(c, i), y)        q = softmax_c(score_uc − n_ue l_ec)
    − Σ_u log Σ_c exp(score_uc) / number of events                 so that classes stay about events
    + ½ β Σ_ec (l_ec − l_ec of EM)² / (C · number of events)       in place of the prior of the M step

e is the row's own event. Without the subtraction the loss would read the label out of the very event that
it came from. A sampled negative is no event of its user, and gives up one that is drawn anew in every step:
were nothing subtracted there, the number of events left would tell the label. The loss is an expectation over
hard codes, which is what the bank hands on; with a soft code q @ E, S would learn to read q itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, embedding_bag, one_hot
from torch.optim import Adam

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.joint_table import CodeTable
from userip_lightning.catalogue.labelled_rows import Ints, LabelledRows
from userip_lightning.errors import InputError
from userip_lightning.seeds import place_generator
from userip_lightning.surrogate.code_dcn import SurrogateDCN

_HELD_OUT = 0.1  # share of the users with rows
_SPAWN = 3  # of random numbers; those of EM and of permuted texts begin with 0 to 2
_SPLIT, _ORDER, _DRAW, _JUDGE = range(4)
#: Of Adam, whose default makes full steps of the tiny gradients that normalising gives to all other rows.
_EPS = 1e-6


@dataclass(frozen=True)
class Recommendation:
    """How the recommendation loss is trained.

    Args:
        weight: w.
        epochs: the last ones of the Trainer's ``max_epochs``; EM has those before.
        anchor: β, how many events of an item EM's table is worth.
        rate: learning rate of table and shares.
        surrogate_rate: learning rate of the surrogate.
        users: of a step.
    """

    weight: float = 1.0
    epochs: int = 8
    anchor: float = 10.0
    rate: float = 0.03
    surrogate_rate: float = 0.01
    users: int = 256

    def __post_init__(self) -> None:
        if min(self.weight, self.epochs, self.rate, self.surrogate_rate, self.users) <= 0 or self.anchor < 0:
            raise InputError(
                f"catalogue.model.recommendation: {self}, numbers above 0 are needed (anchor may be 0); "
                "null leaves this loss out."
            )


def em_steps(epochs: int, recommendation: Recommendation | None, anchored: bool) -> int:
    """Steps of EM in ``epochs`` epochs of the Trainer.

    Args:
        epochs: below 1 where their number is open.
        recommendation: has the last of them, if any.
        anchored: whether the last steps of EM are with anchors.

    Raises:
        InputError: the number is open, and something begins so many epochs before the end; or the
            recommendation loss leaves none to EM.
    """
    last = recommendation.epochs if recommendation else 0
    if epochs < 1 and (recommendation or anchored):
        takes = "recommendation" if recommendation else "steering.anchors"
        raise InputError(
            f"catalogue.trainer.max_epochs: {epochs}, but catalogue.model.{takes} takes the last epochs, so "
            "their number must be known; give a number from 1 up."
        )
    if 0 < epochs <= last:
        raise InputError(
            f"catalogue.trainer.max_epochs: {epochs}, of which catalogue.model.recommendation takes {last} "
            "and leaves none to EM; give more."
        )
    return epochs - last


def refuse_recommendation(device: str, additive: bool) -> None:
    """Refuse the loss where it cannot be had: on another device than the CPU, of additive codebooks.

    Raises:
        InputError: one of the two.
    """
    if device != "cpu":
        raise InputError(
            f"catalogue.trainer.accelerator: {device!r}, but this engine computes on the CPU, and "
            "catalogue.model.recommendation with it; set accelerator to cpu."
        )
    if additive:
        raise InputError(
            "catalogue.model.recommendation: it moves the table of joint codebooks alone, these are "
            "additive; set codebooks to joint, or recommendation to null."
        )


class RecommendationTerm(nn.Module):
    """Table, shares and surrogate, and the loss that moves them.

    Args:
        counts: [U, E] events of all users.
        explicit: whether an event is a label given the item.
        rows: whose labels are learned; a tenth of their users is held out.
        classes: C.
        vectors: [I, D] of the items' texts, which the surrogate reads; None leaves text out.
        settings: see there.
        seed: of everything random.
    """

    begun: Tensor  #      [E, C], EM's
    evidence: Tensor  #   [E, C], of the best epoch so far
    log_share: Tensor  #  [C]
    lowest: Tensor  #     scalar, loss of held-out users in that epoch

    def __init__(
        self,
        counts: csr_matrix,
        explicit: bool,
        rows: LabelledRows,
        classes: int,
        vectors: Floats | None,
        settings: Recommendation,
        seed: int,
    ) -> None:
        super().__init__()
        self.counts: csr_matrix = counts.sorted_indices()
        self.explicit = explicit
        self.rows = rows
        self.settings = settings
        self.seed = seed
        self._place = rows.places(self.counts)
        taught = np.unique(rows.user)
        self.held_out = taught[self._random(_SPLIT).random(taught.size) < _HELD_OUT]
        popularity = np.asarray(counts.sum(axis=0)).ravel() + 0.01  # as in ``ItemEvents``
        self._log_popularity = torch.from_numpy(np.log(popularity / popularity.sum())).float()[:, None]
        items = counts.shape[1] // (2 if explicit else 1)
        torch.manual_seed(seed)
        self.surrogate = SurrogateDCN(
            items, [classes], None if vectors is None else torch.from_numpy(vectors)
        )
        self.free = nn.Parameter(torch.zeros(counts.shape[1], classes))
        self.free_share = nn.Parameter(torch.zeros(classes))
        for name in ("begun", "evidence"):
            self.register_buffer(name, torch.zeros_like(self.free))
        self.register_buffer("log_share", torch.zeros_like(self.free_share))
        self.register_buffer("lowest", torch.tensor(torch.inf))

    @property
    def started(self) -> bool:
        """Whether it has a table."""
        return bool(self.begun.any())

    @property
    def table(self) -> CodeTable:
        """That of the epoch in which held-out users were told best; EM's before the first one."""
        return CodeTable(self.evidence.double().numpy(), self.log_share.double().numpy())

    @torch.no_grad()
    def start(self, table: CodeTable) -> None:
        """Begin with EM's table."""
        self.free.copy_(torch.from_numpy(table.evidence))
        self.free_share.copy_(torch.from_numpy(table.log_share))
        self.begun.copy_(self.free)
        self._keep()

    def optimizer(self) -> Adam:
        """Of all parameters."""
        table = {"params": [self.free, self.free_share], "lr": self.settings.rate}
        surrogate = {"params": self.surrogate.parameters(), "lr": self.settings.surrogate_rate}
        return Adam([table, surrogate], eps=_EPS)

    def steps(self, first: int, users: int, epoch: int) -> Iterator[Ints]:
        """Users of one step after another, shuffled, out of a block; none that is held out."""
        order = first + self._random(_ORDER, epoch, first).permutation(users)
        order = order[~np.isin(order, self.held_out)]
        return (order[at : at + self.settings.users] for at in range(0, order.size, self.settings.users))

    def losses(self, users: Ints, key: Sequence[int]) -> dict[str, Tensor]:
        """Recommendation loss per row, negative log-likelihood per event, anchor, in nats.

        Args:
            users: [B].
            key: names the random numbers of the step.
        """
        score, told = self._told(users, self._random(_DRAW, *key))
        moved = (self.free - self.begun).square().sum() / self.free.shape[1]
        return {
            "recommendation": told.sum() / max(len(told), 1),
            "event_nats": -torch.logsumexp(score, dim=1).sum() / max(float(self.counts[users].sum()), 1.0),
            "anchor": self.settings.anchor / 2 * moved / float(self.counts.sum()),
        }

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        """What is minimised."""
        return self.settings.weight * losses["recommendation"] + losses["event_nats"] + losses["anchor"]

    @torch.no_grad()
    def judge(self) -> float:
        """Recommendation loss of held-out users; keeps the table if it is the best, or if there are none."""
        self.eval()
        rng, parts = self._random(_JUDGE), -(-self.held_out.size // self.settings.users)
        told = [self._told(users, rng)[1] for users in np.array_split(self.held_out, max(parts, 1))]
        self.train()
        loss = float(torch.cat(told).mean())
        if not loss >= float(self.lowest):
            self._keep()
            self.lowest.fill_(loss)
        return loss

    def _normalised(self) -> tuple[Tensor, Tensor]:
        """l [E, C] and log π [C]: e^l is p(label | i, c) or p(i | c) / p(i), whose sums are 1."""
        if self.explicit:
            total = torch.logaddexp(*torch.tensor_split(self.free, 2)).repeat(2, 1)
        else:
            total = torch.logsumexp(self._log_popularity + self.free, dim=0)
        return self.free - total, self.free_share.log_softmax(0)

    def _told(self, users: Ints, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Scores of users [B, C], and Σ_c q_c BCE(S(c, i), y) of their rows [n]."""
        evidence, log_share = self._normalised()
        score = log_share + self._sums(users, evidence)
        owner, rows = self.rows.of(users)
        place, times = self._left_out(rows, rng)
        event = torch.from_numpy(self.counts.indices[place].astype(np.int64))
        without = score[torch.from_numpy(owner)] - times[:, None] * evidence[event]
        logit = self._logits(self.rows.item[rows])
        truth = torch.from_numpy(self.rows.label[rows]).float()[:, None].expand_as(logit)
        loss = binary_cross_entropy_with_logits(logit, truth, reduction="none")
        return score, (without.softmax(1) * loss).sum(1)

    def _logits(self, item: Ints) -> Tensor:
        """S(c, i) of items [n], [n, C]; an item that is there twice is evaluated once."""
        met, at = (torch.from_numpy(part) for part in np.unique(item, return_inverse=True))
        classes = len(self.free_share)
        code = one_hot(torch.arange(classes), classes).float().repeat(len(met), 1)
        logit: Tensor = self.surrogate([code], met.repeat_interleave(classes))
        return logit.view(-1, classes)[at]

    def _sums(self, users: Ints, evidence: Tensor) -> Tensor:
        """Σ_e n_ue l_ec of users [B], [B, C]."""
        own = self.counts[users]
        index, offset = (torch.from_numpy(part.astype(np.int64)) for part in (own.indices, own.indptr[:-1]))
        weight = torch.from_numpy(own.data).to(evidence.dtype)
        return embedding_bag(index, evidence, offset, mode="sum", per_sample_weights=weight)

    def _left_out(self, rows: Ints, rng: np.random.Generator) -> tuple[Ints, Tensor]:
        """The event that a row's class may not be told by: [n] its place in ``counts``, [n] n_ue."""
        first, end = (self.counts.indptr[self.rows.user[rows] + more].astype(np.int64) for more in (0, 1))
        drawn = first + (rng.random(rows.size) * (end - first)).astype(np.int64)
        drawn = np.minimum(drawn, self.counts.nnz - 1)  # of users without events, who have nothing to give up
        place = np.where(self._place[rows] >= 0, self._place[rows], drawn)
        return place, torch.from_numpy(self.counts.data[place] * (end > first)).to(self.free.dtype)

    @torch.no_grad()
    def _keep(self) -> None:
        evidence, log_share = self._normalised()
        self.evidence.copy_(evidence)
        self.log_share.copy_(log_share)

    def _random(self, *key: int) -> np.random.Generator:
        return place_generator(self.seed, _SPAWN, *key)
