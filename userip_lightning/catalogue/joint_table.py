"""One table that codes anybody: what every event says for every class.

    score_uc = Σ_e n_ue l_ec + log π_c        code(u) = argmax_c score_uc

An event e is an item, or an item with its label; n_ue counts how often the user had it; l_ec is
log p(e | c) − log p(e), up to a constant that is the same for all classes. The rule is the same for the users
of the log and for new ones (docs/codes.md).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import logsumexp

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.e_step import posterior


class CodeTable(NamedTuple):
    """E kinds of events, C classes.

    Args:
        evidence: [E, C], l in nats.
        log_share: [C], log π.
    """

    evidence: Floats
    log_share: Floats

    def scores(self, counts: csr_matrix) -> Floats:
        """Events of users [U, E] → log-odds of classes [U, C], up to a constant per user."""
        return np.asarray(counts @ self.evidence) + self.log_share

    def states(self, counts: csr_matrix) -> Floats:
        """Events of users [U, E] → all that their codes depend on, here [U, C] the scores."""
        return self.scores(counts)

    def codes(self, counts: csr_matrix) -> NDArray[np.int64]:
        """Events of users [U, E] → [U] classes; a user without events gets the most frequent one."""
        return np.asarray(self.scores(counts).argmax(axis=1), dtype=np.int64)

    def held_out(self, seen: csr_matrix, hidden: csr_matrix) -> float:
        """Nats per hidden event, over what events have without classes.

        Args:
            seen: [U, E] events that place the users.
            hidden: [U, E] events of the same users that are to be predicted.
        """
        placed = np.log(posterior(self.scores(seen)) + 1e-300)
        gain = logsumexp(placed + np.asarray(hidden @ self.evidence), axis=1)
        return float(gain.sum() / max(hidden.sum(), 1.0))
