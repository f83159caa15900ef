"""Recommendation loss over the table, third term of Eq. 5: codes are to tell the labels of training rows.

EM's table starts it; then table, shares and a surrogate S take gradient steps on

    w · mean over rows (u, i, y) of Σ_c q_c BCE(S(c, i), y)        q = softmax_c(score_uc − n_ue l_ec)
    − Σ_u log Σ_c exp(score_uc) / number of events                 so that classes stay about events

e is the row's own event. Without the subtraction the loss would read the label out of the very event that
it came from. A sampled negative is no event of its user, and gives up one that is drawn anew in every step:
were nothing subtracted there, the number of events left would tell the label. l is normalised as evidence
has to be (``normalised``). The expectation stands over hard codes, which is what the bank hands on; a soft code
q @ E lets the surrogate read q itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, embedding_bag, one_hot

from userip_lightning.catalogue.code_table import CodeTable, Floats
from userip_lightning.errors import InputError
from userip_lightning.quantize.surrogate import SurrogateDCN

Ints = NDArray[np.int64]

_HELD_OUT = 0.1  # share of the users with rows
_SPAWN = 3  # of random numbers; those of EM and of permuted texts begin with 0 to 2


@dataclass(frozen=True)
class Recommendation:
    """How the recommendation loss is trained.

    Args:
        weight: w.
        epochs: the Trainer's last ones, after as many steps of EM as are left of its ``max_epochs``.
        rate: learning rate of the table and the surrogate.
        users: of a step.
    """

    weight: float = 1.0
    epochs: int = 10
    rate: float = 0.01
    users: int = 256

    def __post_init__(self) -> None:
        if min(self.weight, self.epochs, self.rate, self.users) <= 0:
            raise InputError(
                f"catalogue.model.recommendation: {self}, numbers above 0 are needed; leave it out to have none."
            )


class LabelledRows(NamedTuple):
    """N training rows, sorted by user.

    Args:
        user: [N].
        item: [N].
        label: [N], 0 or 1.
        event: [N], column of the event that the row is; -1 where it is none (a sampled negative).
    """

    user: Ints
    item: Ints
    label: Ints
    event: Ints


class RecommendationTerm(nn.Module):
    """Table, shares and surrogate, and the loss that moves them.

    Args:
        counts: [U, E] events of all users.
        explicit: whether an event is a label given the item.
        rows: whose labels are learned.
        classes: C.
        vectors: [I, D] of the items' texts, which the surrogate reads; None leaves text out.
        settings: see there.
        seed: of everything random.
    """

    held_out: Tensor  #   scalar, of the best table
    evidence: Tensor  #   [E, C], of the best table
    log_share: Tensor  #  [C]

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
        self.counts = counts.sorted_indices()
        self.explicit = explicit
        self.rows = rows
        self.settings = settings
        self.seed = seed
        self.first = np.searchsorted(rows.user, np.arange(counts.shape[0] + 1))
        self.place = _places(self.counts, rows)
        taught = np.unique(rows.user)
        self.judging = np.zeros(counts.shape[0], dtype=bool)
        self.judging[taught[self._random(0).random(taught.size) < _HELD_OUT]] = True
        popularity = np.asarray(counts.sum(axis=0)).ravel() + 0.01  # as in ``ItemEvents``
        self.log_popularity = torch.from_numpy(np.log(popularity / popularity.sum())).float()[:, None]
        items = counts.shape[1] // (2 if explicit else 1)
        text = None if vectors is None else torch.from_numpy(vectors).float()
        torch.manual_seed(seed)
        self.surrogate = SurrogateDCN(items, [classes], text)
        self.free = nn.Parameter(torch.zeros(counts.shape[1], classes))
        self.free_share = nn.Parameter(torch.zeros(classes))
        self.register_buffer("evidence", torch.zeros(counts.shape[1], classes))
        self.register_buffer("log_share", torch.zeros(classes))
        self.register_buffer("held_out", torch.tensor(torch.nan))

    @property
    def started(self) -> bool:
        """Whether it has a table."""
        return bool(self.evidence.any())

    @property
    def table(self) -> CodeTable:
        """Of the epoch whose loss on held-out users was lowest; EM's before the first one."""
        return CodeTable(self.evidence.double().numpy(), self.log_share.double().numpy())

    @torch.no_grad()
    def start(self, table: CodeTable) -> None:
        """Begin with EM's table."""
        self.free.copy_(torch.from_numpy(table.evidence))
        self.free_share.copy_(torch.from_numpy(table.log_share))
        self._keep()

    def normalised(self) -> tuple[Tensor, Tensor]:
        """l [E, C] and log π [C]: e^l is p(label | i, c), or p(i | c) / p(i), both of which sum to 1."""
        if self.explicit:
            total = torch.logaddexp(*torch.tensor_split(self.free, 2)).repeat(2, 1)
        else:
            total = torch.logsumexp(self.log_popularity + self.free, dim=0)
        return self.free - total, self.free_share.log_softmax(0)

    def batches(self, first: int, users: int, epoch: int) -> Iterator[Ints]:
        """Users of one step after another, shuffled, out of a block; none that is held out."""
        rng = self._random(1, epoch, first)
        order = first + rng.permutation(users)
        order = order[~self.judging[order]]
        for at in range(0, order.size, self.settings.users):
            yield order[at : at + self.settings.users]

    def losses(self, users: Ints, key: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Recommendation loss per row and negative log-likelihood per event, in nats.

        Args:
            users: [B].
            key: names the random numbers.
        """
        evidence, log_share = self.normalised()
        score = log_share + self._sums(users, evidence)
        events = max(float(self.counts[users].sum()), 1.0)
        likelihood = torch.logsumexp(score, dim=1).sum() / events
        owner, rows = _ranges(self.first, users)
        if not rows.size:
            return score.sum() * 0.0, -likelihood
        place, times = self._left_out(rows, key)
        event = torch.from_numpy(self.counts.indices[place].astype(np.int64))
        without = score[torch.from_numpy(owner)] - times[:, None] * evidence[event]
        item, label = (torch.from_numpy(column[rows]) for column in (self.rows.item, self.rows.label))
        loss = self._by_class(item, label.float())
        return (without.softmax(1) * loss).sum(1).mean(), -likelihood

    @torch.no_grad()
    def judge(self) -> float:
        """Recommendation loss of held-out users; keeps the table where it is the best one."""
        self.eval()
        found = self.losses(np.flatnonzero(self.judging), (2,))[0]
        self.train()
        if not found >= self.held_out:
            self._keep()
            self.held_out.copy_(found)
        return float(found)

    def _by_class(self, item: Tensor, label: Tensor) -> Tensor:
        """BCE [N, C] of rows, were their users in each class for certain."""
        classes = self.free.shape[1]
        code = one_hot(torch.arange(classes), classes).float().repeat(len(item), 1)
        logit = self.surrogate([code], item.repeat_interleave(classes)).view(-1, classes)
        return binary_cross_entropy_with_logits(logit, label[:, None].expand_as(logit), reduction="none")

    def _sums(self, users: Ints, evidence: Tensor) -> Tensor:
        """Σ_e n_ue l_ec, [B, C]."""
        own = self.counts[users]
        index, offset = (torch.from_numpy(part.astype(np.int64)) for part in (own.indices, own.indptr[:-1]))
        weight = torch.from_numpy(own.data).to(evidence.dtype)
        return embedding_bag(index, evidence, offset, mode="sum", per_sample_weights=weight)

    def _left_out(self, rows: Ints, key: Sequence[int]) -> tuple[Ints, Tensor]:
        """Of every row the event that its user's class may not be told by: place in ``counts``, n_ue."""
        start, end = (self.counts.indptr[self.rows.user[rows] + more].astype(np.int64) for more in (0, 1))
        drawn = start + (self._random(3, *key).random(rows.size) * (end - start)).astype(np.int64)
        place = np.where(self.place[rows] >= 0, self.place[rows], np.minimum(drawn, self.counts.nnz - 1))
        return place, torch.from_numpy(self.counts.data[place] * (end > start)).to(self.free.dtype)

    @torch.no_grad()
    def _keep(self) -> None:
        evidence, log_share = self.normalised()
        self.evidence.copy_(evidence)
        self.log_share.copy_(log_share)

    def _random(self, *key: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(_SPAWN, *key)))


def _places(counts: csr_matrix, rows: LabelledRows) -> Ints:
    """Where the rows' events stand among the entries of ``counts``, [N]; -1 where they are none."""
    width = counts.shape[1]
    user = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    place = np.searchsorted(user * width + counts.indices, rows.user * width + rows.event)
    return np.where(rows.event >= 0, place, -1)


def _ranges(first: Ints, users: Ints) -> tuple[Ints, Ints]:
    """Rows of users [B]: for each of N rows the place of its user in ``users``, and the row."""
    length = first[users + 1] - first[users]
    owner = np.repeat(np.arange(users.size), length)
    rows = np.arange(owner.size) - np.repeat(np.cumsum(length) - length, length) + first[users][owner]
    return owner, rows
