"""A cheap judge of joint codes: how well class and item tell the labels of validation rows.

The M steps of the catalogue engine (``catalogue.event_model``), with every user in one class for certain, say
what each event speaks for. A validation row scores

    implicit logs    log p(i|c) − log p(i)                      popularity is no merit of codes
    explicit logs    log-odds of label 1, given item and class

and the figure is the AUC of all of them. It chooses among the forms of a control in place of a CTR model that
would be trained on each. Test rows are never read.

An item that nobody trained on has no counts, so counts give every class the same odds there, and every code
an AUC of 0.5. With text vectors the M step has its prior of the items' texts, which then decides.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.metrics import roc_auc_score

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.event_model import event_model
from userip_lightning.catalogue.user_events import user_events
from userip_lightning.data.item_text import words
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.schema import SUPPORT, TRAIN, VAL
from userip_lightning.texts.bag_of_words import bag_of_words

Codes = NDArray[np.int64]

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
        """Validation AUC of codes [U]; 0.5 where all labels of validation rows are alike."""
        if np.unique(self._label).size < 2:
            return 0.5
        scores = self.odds(codes)[self._item, codes[self._user]]
        return float(roc_auc_score(self._label, scores))

    def best(self, candidates: Iterable[Codes]) -> Codes:
        """The candidate [U] with the highest AUC, the first of equals."""
        return max(candidates, key=self.auc)

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


def choosing_judge(prepared: PreparedData) -> AffinityJudge:
    """The judge that chooses among the forms of a control.

    It knows the items' words, if there are any, where nobody had the items of validation rows: counts say
    nothing of those.
    """
    met = prepared.rows(TRAIN, SUPPORT).filter("logged")["item"].unique()
    if prepared.rows(VAL)["item"].is_in(met.implode()).any():
        return AffinityJudge(prepared)
    try:
        return AffinityJudge(prepared, bag_of_words(words(prepared.items)))
    except InputError:
        return AffinityJudge(prepared)
