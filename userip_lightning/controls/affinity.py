"""A cheap judge of joint codes: how well class and item tell the labels of validation rows.

The M steps of the catalogue engine (``catalogue.event_model``), with every user in one class for certain, say
what each event speaks for. A validation row scores

    implicit logs    log p(i|c) − log p(i)                      popularity is no merit of codes
    explicit logs    log-odds of label 1, given item and class

and the figure is the AUC of all of them. It chooses among the forms of a control in place of a CTR model that
would be trained on each. Test rows are never read.

Of more combinations of codes than a log can count one by one, each profile's codes are counted by themselves
and the log-odds add up.

An item that nobody trained on has no counts, so counts give every class the same odds there, and every code
an AUC of 0.5. With text vectors the M step has its prior of the items' texts, which then decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.metrics import roc_auc_score

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.codebooks import MOST_JOINT
from userip_lightning.catalogue.event_model import event_model
from userip_lightning.catalogue.user_events import user_events
from userip_lightning.data.prepared import PreparedData
from userip_lightning.schema import VAL

Codes = NDArray[np.int64]
#: Log-odds of items and codes: codes [U] → [I, K].
Odds = Callable[[Codes], Floats]

#: M steps until the regression on text has converged; it moves by twelve small steps in each of them.
_STEPS = 35


class AffinityJudge:
    """Prepared once for any number of codings.

    Args:
        prepared: the data.
        vectors: [I, D] of the items' texts, the prior of what an item speaks for; None leaves text out.
    """

    def __init__(self, prepared: PreparedData, vectors: Floats | None = None) -> None:
        self._events = user_events(prepared)
        self._vectors = vectors
        rows = prepared.rows(VAL)
        self._user, self._item, self._label = (rows[name].to_numpy() for name in ("user", "item", "label"))

    def auc(self, codes: Codes) -> float:
        """Validation AUC of codes [U, F]; 0.5 where all labels of validation rows are alike."""
        if np.unique(self._label).size < 2:
            return 0.5
        return float(roc_auc_score(self._label, Affinity(self.odds, codes).of(self._user, self._item)))

    def odds(self, codes: Codes) -> Floats:
        """What codes [U] tell of every item and code, [I, C]: the scores above, in nats."""
        users, classes = codes.size, int(codes.max()) + 1
        member = csr_matrix((np.ones(users), (np.arange(users), codes)), shape=(users, classes))
        expected = (self._events.counts.T @ member).toarray()
        size = np.bincount(codes, minlength=classes).astype(np.float64)
        model = event_model(self._events.explicit, self._vectors, classes)
        for _ in range(1 if self._vectors is None else _STEPS):
            table = model.table(expected, size)
        if not self._events.explicit:
            return table.evidence
        disliked, liked = np.split(table.evidence, 2)
        return np.asarray(liked - disliked)


class Affinity:
    """Log-odds of any rows.

    Args:
        odds: of a field's codes.
        codes: [U, F] of :func:`counted_fields`.
    """

    def __init__(self, odds: Odds, codes: Codes) -> None:
        self._codes = codes
        self._tables = [odds(field) for field in codes.T]

    def of(self, user: NDArray[np.int64], item: NDArray[np.int64]) -> Floats:
        """[N] users and items → [N] nats."""
        fields = zip(self._tables, self._codes.T, strict=True)
        return np.asarray(sum(table[item, field[user]] for table, field in fields))


def counted_fields(codes: Codes, sizes: Sequence[int]) -> Codes:
    """Codes [U, P] → [U, 1] combinations where these are few, else as they are.

    Args:
        codes: of P profiles, or their combinations already.
        sizes: K_p.
    """
    if codes.shape[1] == 1 or prod(sizes) > MOST_JOINT:
        return codes
    return np.asarray(np.ravel_multi_index(tuple(codes.T), tuple(sizes)))[:, None]
