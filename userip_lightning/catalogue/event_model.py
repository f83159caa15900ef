"""M steps: from expected counts to what every event says for every class (docs/codes.md).

``ItemEvents``, for implicit logs, an event being an item:

    p(c|i) = (n_ic + β π(c|i)) / (n_i + β)        l_ic = log p(c|i) − log Σ_j p(j) p(c|j)

with n_ic the expected counts, p(j) the popularity, and π(c|i) the prior of ``text_prior.py``. By Bayes'
rule l_ic is log p(i|c) − log p(i). One β per item suits short and long logs; a prior per class needs
one for each.

``LabelledItemEvents``, for explicit logs, an event being a label given the item:

    p(1|i,c) = (k_ic + β ρ_ic) / (n_ic + β)

with k_ic the expected positives and ρ_ic the prior of ``label_prior.py``.

Where codes are anchored to words with a weight w_ic, the first becomes p(c|i) + w_ic / C, normalised, and
the second (p(1|i,c) + w_ic) / (1 + w_ic).
"""

from __future__ import annotations

import numpy as np
from scipy.special import logit

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.adam import of_vectors
from userip_lightning.catalogue.joint_table import CodeTable
from userip_lightning.catalogue.label_prior import LikePrior
from userip_lightning.catalogue.text_prior import ItemPrior, item_prior
from userip_lightning.catalogue.unseen_items import LEAST, UnseenItems

#: Added to counts whose logarithm is taken.
_LITTLE = 1e-6


class ItemEvents:
    """Events are items.

    ``prior.weight`` is all that a model keeps between M steps; ``alone`` [C] is what the last one said of
    classes whatever the item (:class:`UnseenItems`).

    Args:
        prior: π(c|i); keeps what it learned between M steps.
        strength: β, in events per item.
    """

    def __init__(self, prior: ItemPrior, strength: float = 10.0) -> None:
        self.prior = prior
        self.strength = strength
        self.alone: Floats = np.zeros(0)

    def table(self, expected: Floats, users: Floats, anchored: Floats | None = None) -> CodeTable:
        """M step; of an anchor, a full match with s = 1 gives a class as much as an even share of all.

        Args:
            expected: counts [E, C].
            users: expected ones [C].
            anchored: [I, C], what the words of anchors weigh beside events and prior of an item
                (``anchors.py``); None without any.
        """
        share = _shares(users)
        total = expected.sum(axis=1, keepdims=True)
        class_given_item = (expected + self.strength * self.prior(expected, share)) / (total + self.strength)
        if anchored is not None:
            class_given_item = class_given_item + anchored / expected.shape[1]
            class_given_item /= class_given_item.sum(axis=1, keepdims=True)
        popularity = (total + 0.01) / (total + 0.01).sum()
        self.alone = np.log((popularity * class_given_item).sum(axis=0) + LEAST)
        return CodeTable(np.log(class_given_item + LEAST) - self.alone, np.log(share))

    def unseen(self, vectors: Floats | None, log_share: Floats) -> UnseenItems:
        """What the last M step says of items without events.

        Args:
            vectors: [I, D], those of the prior; None where it has none.
            log_share: [C], of the table.
        """
        weight = log_share[None] if vectors is None else of_vectors(self.prior.weight, vectors)
        return UnseenItems(weight, self.alone)


class LabelledItemEvents:
    """Events are labels given items; row i is item i disliked, row I + i the same item liked.

    Args:
        prior: ρ_ic; keeps what it learned between M steps.
        strength: β, in events per item and class.
    """

    def __init__(self, prior: LikePrior, strength: float = 20.0) -> None:
        self.prior = prior
        self.strength = strength
        self.alone: Floats = np.zeros(0)

    def table(self, expected: Floats, users: Floats, anchored: Floats | None = None) -> CodeTable:
        """See :meth:`ItemEvents.table`; words of an anchor speak for likes."""
        disliked, liked = np.split(expected, 2)
        self.alone = _class_odds(liked, disliked)
        likes = self.prior(liked, liked + disliked, like_offset(liked, disliked))
        likes = (liked + self.strength * likes) / (liked + disliked + self.strength)
        if anchored is not None:
            likes = (likes + anchored) / (1 + anchored)
        return CodeTable(np.log(np.concatenate([1 - likes, likes])), np.log(_shares(users)))

    def unseen(self, vectors: Floats | None, log_share: Floats) -> UnseenItems:
        """See :meth:`ItemEvents.unseen`."""
        no_bias = np.zeros((1, len(log_share)))
        learned = np.concatenate([self.prior.weight, no_bias])
        return UnseenItems(no_bias if vectors is None else of_vectors(learned, vectors), self.alone)


#: What an EM run asks of a kind of events.
EventModel = ItemEvents | LabelledItemEvents


def like_offset(liked: Floats, disliked: Floats) -> Floats:
    """Log-odds of a like by item and class alone, a_i + b_c [I, C], from expected events [I, C]."""
    rate = _click_rate(liked, disliked)
    of_item = _rate(liked.sum(axis=1), disliked.sum(axis=1), rate)
    return np.asarray(logit(of_item)[:, None] + _class_odds(liked, disliked) - logit(rate))


def _class_odds(liked: Floats, disliked: Floats) -> Floats:
    """Log-odds of a like by class alone, b_c [C]: an item without events has the log's own click rate."""
    rate = _click_rate(liked, disliked)
    return np.asarray(logit(_rate(liked.sum(axis=0), disliked.sum(axis=0), rate)))


def _click_rate(liked: Floats, disliked: Floats) -> float:
    positives = liked.sum()
    return float((positives + _LITTLE) / (positives + disliked.sum() + 2 * _LITTLE))


def _shares(users: Floats) -> Floats:
    """π [C]."""
    share = users + _LITTLE
    return np.asarray(share / share.sum())


def _rate(liked: Floats, disliked: Floats, rate: float) -> Floats:
    """Smoothed as by five events of the log's own click rate; never 0 or 1 where the log has both labels."""
    return np.asarray((liked + 5.0 * rate) / (liked + disliked + 5.0))


def event_model(
    explicit: bool, vectors: Floats | None, classes: int, strength: float | None = None
) -> EventModel:
    """The M step of a log.

    Args:
        explicit: whether events have labels.
        vectors: [I, D] of the items' texts; None leaves text out.
        classes: C.
        strength: β; None takes that of the kind of log.
    """
    given = {} if strength is None else {"strength": strength}
    if explicit:
        return LabelledItemEvents(LikePrior(vectors, classes), **given)
    return ItemEvents(item_prior(vectors, classes), **given)
