"""M steps: from expected counts to what every event says for every class (design, section 7).

``ItemEvents``, for implicit logs, an event being an item:

    p(c|i) = (n_ic + β π(c|i)) / (n_i + β)        l_ic = log p(c|i) − log Σ_j p(j) p(c|j)

with n_ic the expected counts, p(j) the popularity, and π(c|i) the prior of ``item_prior.py``. By Bayes' rule
l_ic is log p(i|c) − log p(i). One β per item suits short and long logs;
a prior per class needs one for each size.

``LabelledItemEvents``, for explicit logs, an event being a label given the item:

    p(1|i,c) = (k_ic + β ρ_ic) / (n_ic + β)       ρ_ic = σ(a_i + b_c)

with k_ic the expected positives, a_i the item's log-odds and b_c how far the class's are from the log's.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import expit, logit

from userip_lightning.catalogue.code_table import CodeTable, Floats
from userip_lightning.catalogue.item_prior import ItemPrior

#: Added to counts whose logarithm is taken.
_LITTLE = 1e-6


class EventModel(Protocol):
    """What an EM run asks of a kind of events."""

    def table(self, counts: csr_matrix, posterior: Floats) -> CodeTable:
        """M step: events [U, E] and r [U, C] → the table."""


class ItemEvents:
    """Events are items.

    Args:
        prior: π(c|i); keeps what it learned between M steps.
        strength: β, in events per item.
    """

    def __init__(self, prior: ItemPrior, strength: float = 10.0) -> None:
        self.prior = prior
        self.strength = strength

    def table(self, counts: csr_matrix, posterior: Floats) -> CodeTable:
        """See :class:`EventModel`."""
        share = _shares(counts, posterior)
        expected = np.asarray(counts.T @ posterior)
        total = np.asarray(counts.sum(axis=0)).ravel()[:, None]
        class_given_item = (expected + self.strength * self.prior(expected, share)) / (total + self.strength)
        popularity = (total + 0.01) / (total + 0.01).sum()
        class_alone = (popularity * class_given_item).sum(axis=0)
        return CodeTable(np.log(class_given_item + 1e-9) - np.log(class_alone + 1e-9), np.log(share))


class LabelledItemEvents:
    """Events are labels given items; column i is item i disliked, column I + i the same item liked.

    Args:
        strength: β, in events per item and class.
    """

    def __init__(self, strength: float = 20.0) -> None:
        self.strength = strength

    def table(self, counts: csr_matrix, posterior: Floats) -> CodeTable:
        """See :class:`EventModel`."""
        items = counts.shape[1] // 2
        expected = np.asarray(counts.T @ posterior)
        disliked, liked = expected[:items], expected[items:]
        rate = (liked.sum() + _LITTLE) / (expected.sum() + 2 * _LITTLE)
        of_item = _rate(liked.sum(axis=1), disliked.sum(axis=1), rate)
        of_class = _rate(liked.sum(axis=0), disliked.sum(axis=0), rate)
        likes = expit(logit(of_item)[:, None] + logit(of_class) - logit(rate))
        likes = (liked + self.strength * likes) / (liked + disliked + self.strength)
        evidence = np.log(np.concatenate([1 - likes, likes]))
        return CodeTable(evidence, np.log(_shares(counts, posterior)))


def _shares(counts: csr_matrix, posterior: Floats) -> Floats:
    """π [C], of the users who have events."""
    active = np.diff(counts.indptr) > 0
    share = posterior[active].sum(axis=0) + _LITTLE
    return np.asarray(share / share.sum())


def _rate(liked: Floats, disliked: Floats, rate: float) -> Floats:
    """Smoothed as by five events of the log's own click rate, so never 0 or 1."""
    return np.asarray((liked + 5.0 * rate) / (liked + disliked + 5.0))
