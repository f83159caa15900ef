"""The M step of two codebooks in a product of experts (``factorised_table.py``), for implicit logs.

One profile moves while the other is held, first j, then k. With N_jk the expected events of users with codes
j and k, the table so far expects

    E_ij = p(i) Σ_k N_jk exp(b_ik) / Z_jk

of item i where the code j says nothing of it, and the counts n_ij say the rest, smoothed as in
``event_model.py`` by a prior worth β events per item:

    exp(a_ij) = (n_ij + β π(j|i)) / (E_ij + β E_ij / E_i)      π(j|i) = softmax(log E_ij + W x_i)_j

with E_i = Σ_j E_ij. This is a step of iterative proportional fitting (Darroch and Ratcliff 1972). With one
code k it is the M step of ``ItemEvents``.
"""

from __future__ import annotations

import numpy as np

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.adam import of_vectors
from userip_lightning.catalogue.factorised_table import FactorisedTable, PairSums
from userip_lightning.catalogue.text_prior import ItemPrior
from userip_lightning.catalogue.unseen_items import UnseenItems

_LITTLE = 1e-9


class FactorisedItemEvents:
    """Events are items.

    Args:
        priors: π of either profile; they keep what they learned between M steps.
        strength: β, in events per item and profile.
    """

    def __init__(self, priors: tuple[ItemPrior, ItemPrior], strength: float = 30.0) -> None:
        self.priors = priors
        self.strength = strength
        self.alone = np.zeros(0), np.zeros(0)

    def table(self, sums: PairSums, before: FactorisedTable | None) -> FactorisedTable:
        """M step: what the E step added up, and the table that it went by → the next one."""
        first, second = (
            (np.zeros_like(sums.first), np.zeros_like(sums.second)) if before is None else before[:2]
        )
        popularity = sums.first.sum(axis=1) + 0.01
        popularity /= popularity.sum()
        rate = sums.events / _normaliser(popularity, first, second)
        first, one = self._learn(0, sums.first, popularity[:, None] * (np.exp(second) @ rate.T), popularity)
        rate = sums.events / _normaliser(popularity, first, second)
        second, two = self._learn(1, sums.second, popularity[:, None] * (np.exp(first) @ rate), popularity)
        self.alone = one, two
        log_normaliser = np.log(_normaliser(popularity, first, second))
        return FactorisedTable(first, second, log_normaliser, _log_shares(sums.users))

    def unseen(self, vectors: Floats | None) -> UnseenItems:
        """What the last M step says of items without events, both profiles' codes side by side.

        Args:
            vectors: [I, D], those of the priors; None where they have none.
        """
        weight = [
            np.zeros((1, len(alone))) if vectors is None else of_vectors(prior.weight, vectors)
            for prior, alone in zip(self.priors, self.alone, strict=True)
        ]
        return UnseenItems(np.concatenate(weight, axis=1), np.concatenate(self.alone))

    def _learn(
        self, profile: int, counted: Floats, expected: Floats, popularity: Floats
    ) -> tuple[Floats, Floats]:
        """[E, K], in nats, for every code Σ_i p(i) exp = 1, and what was taken off for that, [K]."""
        expected = expected + _LITTLE
        of_item = expected.sum(axis=1, keepdims=True)
        prior = self.priors[profile](counted, expected / of_item)
        evidence = np.log(counted + self.strength * prior + _LITTLE)
        evidence -= np.log(expected * (1 + self.strength / of_item))
        alone = np.asarray(np.log(popularity @ np.exp(evidence)))
        return np.asarray(evidence - alone), alone


def _normaliser(popularity: Floats, first: Floats, second: Floats) -> Floats:
    """Z [K_1, K_2]."""
    return np.asarray(np.exp(first).T @ (popularity[:, None] * np.exp(second)))


def _log_shares(users: Floats) -> Floats:
    """log π [K_1, K_2], of profiles that are independent."""
    share = users + 1e-6 / users.size
    one, two = share.sum(axis=1), share.sum(axis=0)
    return np.asarray(np.log(one[:, None] * two / share.sum() ** 2))
