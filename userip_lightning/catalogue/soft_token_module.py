"""Soft tokens of codes, moved by gradient through the frozen language model.

Implicit logs: which class an item speaks for, by Bayes' rule with the LM as the classes' likelihood, is
fitted to what EM found:

    π(c|i) = softmax_c(τ s_ic + b_c)        s_ic = log p_LM(text_i | z_c) − its mean over c
    L = −Σ_i w_i Σ_c (n_ic / n_i) log π(c|i)        w_i = min(n_i, 30)

so that the gradient at s_ic is τ w_i (π(c|i) − n_ic / n_i), the residual. Explicit logs:
the log-odds of a like are logit ρ_ic = a_i + b_c + τ d_ic, d_ic the difference of an item's log-likelihoods
after "liked" and after "disliked", fitted to k_ic / n_ic with weights min(n_ic, 30).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from lightning.pytorch import LightningModule
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from userip_lightning.arrays import Floats
from userip_lightning.catalogue.combination_scores import AddedScores, JointScores
from userip_lightning.catalogue.soft_tokens import SoftTokens
from userip_lightning.seeds import place_generator

#: Steps between two checkpoints.
EPOCH = 10
_SCALES = np.logspace(-2, 0.5, 11)


class Targets(NamedTuple):
    """What items are to say of classes; [I, M] each.

    Args:
        rate: n_ic / n_i, or k_ic / n_ic.
        weight: of every entry; for implicit logs that of the item, alike in all columns.
        offset: log-odds to which τ d_ic is added; None in implicit logs.
    """

    rate: Floats
    weight: Floats
    offset: Floats | None


class ItemDraws(Dataset[NDArray[np.int64]]):
    """The items of consecutive steps: drawn by weight, the same again after a resume.

    Args:
        weight: [I].
        first: step.
        items: per step.
        seed: of the draw.
    """

    def __init__(self, weight: Floats, first: int, items: int, seed: int) -> None:
        self._share = weight / weight.sum()
        self._items = min(items, int((weight > 0).sum()))
        self._first, self._seed = first, seed

    def __len__(self) -> int:
        return EPOCH

    def __getitem__(self, step: int) -> NDArray[np.int64]:
        rng = place_generator(self._seed, 3, self._first + step)
        return rng.choice(len(self._share), self._items, replace=False, p=self._share)


class SoftTokenModule(LightningModule):
    """Learns the codebooks, τ and b.

    Args:
        scores: the frozen LM.
        start: [K_p, S, D] per profile.
        targets: of the items.
        rate: of Adam, for the codebooks.
        divisor: [I] of the items' log-likelihoods.
        items: per step.
        seed: of the draws of items.
    """

    def __init__(
        self,
        scores: JointScores | AddedScores,
        start: Sequence[Tensor],
        targets: Targets,
        rate: float,
        divisor: Floats,
        items: int,
        seed: int,
    ) -> None:
        super().__init__()
        self.scores = scores
        self.soft_tokens = SoftTokens(start)
        self.log_scale = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(len(self.soft_tokens.combinations)))
        self._targets = targets
        self._rate, self._items, self._seed = rate, items, seed
        self._divisor = torch.from_numpy(divisor).float()
        self.losses: list[float] = []  # mean of an epoch

    def train_dataloader(self) -> DataLoader[NDArray[np.int64]]:
        """Another epoch of draws; the Trainer has to ask again in every one."""
        weight = self._targets.weight.sum(axis=1)
        draws = ItemDraws(weight, self.current_epoch * EPOCH, self._items, self._seed)
        return DataLoader(draws, batch_size=None, collate_fn=cast(Any, _as_it_is))

    def sound(self, items: Sequence[int]) -> tuple[list[int], Tensor]:
        """Those n of the items of which the LM gives finite numbers, and their evidence [n, M].

        Items stand in one row of the LM, where NaN of one reaches the others through keys that the mask
        weighs with zero; so they are asked one by one where it occurs.
        """
        found = self.evidence(items)
        if found.isfinite().all():
            return list(items), found
        alone = {item: self.evidence([item]) for item in items}
        whole = {item: row for item, row in alone.items() if row.isfinite().all()}
        return list(whole), torch.cat([found.new_zeros(0, found.shape[1]), *whole.values()])

    def evidence(self, items: Sequence[int]) -> Tensor:
        """s or d of n items, [n, M], of mean 0 over combinations."""
        found: Tensor = self.scores(self.soft_tokens, items)
        signal = found[0] if len(found) == 1 else found[0] - found[1]
        signal = signal / self._divisor[list(items)].to(signal.device).unsqueeze(1)
        centred: Tensor = signal - signal.mean(1, keepdim=True)
        return centred

    def on_train_start(self) -> None:
        """Begin at the best τ of a grid on the first items: start words alone can say too much of an item."""
        if self.global_step:
            return
        items = self.train_dataloader().dataset[0].tolist()
        with torch.no_grad():
            items, signal = self.sound(items)
            losses = [float(self._loss(items, scale * signal)) for scale in _SCALES]
            self.log_scale.fill_(float(np.log(_SCALES[int(np.argmin(losses))])))

    def training_step(self, batch: NDArray[np.int64], batch_idx: int) -> Tensor:
        """Loss of the drawn items."""
        items, signal = self.sound(batch.tolist())
        loss = self._loss(items, self.log_scale.exp() * signal + self.bias)
        self._sum += float(loss.detach())
        self.log("soft_tokens/loss", loss, prog_bar=True, batch_size=len(items))
        self.log("soft_tokens/scale", self.log_scale.exp(), batch_size=len(items))
        return loss

    def on_train_epoch_start(self) -> None:
        """Begin the epoch's mean."""
        self._sum = 0.0

    def on_train_epoch_end(self) -> None:
        """Keep the epoch's mean."""
        self.losses.append(self._sum / EPOCH)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam; τ and b have a rate of their own."""
        return torch.optim.Adam(
            [
                {"params": list(self.soft_tokens.parameters()), "lr": self._rate},
                {"params": [self.log_scale, self.bias], "lr": 0.02},
            ]
        )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Leave the frozen LM out."""
        checkpoint["losses"] = self.losses
        state = checkpoint["state_dict"]
        checkpoint["state_dict"] = {
            name: value for name, value in state.items() if not name.startswith("scores.")
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Put it in again, as Lightning loads strictly."""
        self.losses = checkpoint["losses"]
        own = {f"scores.{name}": value for name, value in self.scores.state_dict().items()}
        checkpoint["state_dict"] |= own

    def _loss(self, items: Sequence[int], signal: Tensor) -> Tensor:
        rate, weight = (self._rows(part, items) for part in self._targets[:2])
        if self._targets.offset is None:
            return -(rate * F.log_softmax(signal, 1)).sum() / max(len(items), 1)
        logits = self._rows(self._targets.offset, items) + signal
        share = weight / weight.sum(1, keepdim=True)  # an item's own weight decides how often it is drawn
        return F.binary_cross_entropy_with_logits(logits, rate, share, reduction="sum") / max(len(items), 1)

    def _rows(self, part: Floats, items: Sequence[int]) -> Tensor:
        return torch.from_numpy(part[list(items)]).float().to(self.device)


def _as_it_is(items: NDArray[np.int64]) -> NDArray[np.int64]:
    return items
