"""An amortised start: a small network maps what is cheap to know of a user to where his soft tokens start.

    z_0 = e + f(e, x),    f = W_out GELU(W_word ē_s + W_taste x̄ + b_s) + c_s    for each soft token s

e are the embeddings of the user's start words, x the mean text vectors of what he liked and of what he did
not (:mod:`userip_lightning.profile.item_text`); bars are standardised. W_out and c start at zero, so an
untrained encoder is the words start. It learns over all users by L_lm (Eq. 4), whose gradient with respect to
z goes on through f; the LM stays frozen. The paper has no such network, it is this software's own addition.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from lightning.pytorch.cli import OptimizerCallable
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam, Optimizer

from userip_lightning.artifact import file_hash
from userip_lightning.batches import KnownItems
from userip_lightning.errors import InputError

#: Liked and disliked.
_GROUPS = 2


class BehaviourEncoder(nn.Module):
    """Correction of the start of soft tokens, from a user's start words and the texts of his items.

    Args:
        rank: R, hidden units; with 0 the correction is one learned shift c for all users.
        epochs: the Trainer's first epochs, in which it learns and no user moves; with 0 it stays as it is.
        optimizer: of its parameters.
        weights: ``encoder.pt`` of a ``profiles`` artifact to begin with, made with the same LM and prompt.
    """

    def __init__(
        self,
        rank: int = 64,
        epochs: int = 4,
        optimizer: OptimizerCallable = lambda params: Adam(params, lr=0.01),
        weights: str | None = None,
    ) -> None:
        super().__init__()
        if rank < 0 or epochs < 0:
            raise InputError(
                f"profile.model.encoder: rank {rank} and epochs {epochs} are counts; give 0 or more."
            )
        self.rank = rank
        self.epochs = epochs
        self.optimizer = optimizer
        self.weights = weights
        self.vectors = torch.empty(0)  # [I, D] on the host; a plain attribute, as it follows from LM and data

    def setup(
        self, shape: tuple[int, int, int], embedding: Tensor, vectors: NDArray[np.float16], seed: int
    ) -> None:
        """Build; a checkpoint may be loaded over it afterwards.

        Args:
            shape: (P, S, D).
            embedding: [V, D], the LM's input embeddings.
            vectors: [I, D] text vectors of the items, zeros where an item has no text.
            seed: of the weights.

        Raises:
            InputError: ``weights`` cannot be read or are of another shape.
        """
        self.vectors = torch.from_numpy(vectors)
        told = self.vectors[self.vectors.any(1)].float()
        centre = told.mean(0)
        spread = (told - centre).square().mean().sqrt()
        for name, value in (("centre", centre), ("spread", spread), ("word_spread", embedding.float().std())):
            self.register_buffer(name, value.clone())
        self.centre: Tensor
        self.spread: Tensor
        self.word_spread: Tensor
        self.shift = nn.Parameter(torch.zeros(shape))
        if self.rank:
            self._build_network(*shape, seed)
        if self.weights is not None:
            self._load(Path(self.weights))

    def _build_network(self, profiles: int, soft: int, width: int, seed: int) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.word = nn.Linear(width, self.rank, bias=False)
            self.taste = nn.Linear(_GROUPS * width, self.rank, bias=False)
            self.place = nn.Parameter(torch.randn(profiles, soft, self.rank))
            self.out = nn.Linear(self.rank, width, bias=False)
        nn.init.zeros_(self.out.weight)

    def tastes(self, known: KnownItems, users: int) -> Tensor:
        """[B, 2, D] mean text vector of what each of ``users`` (B) users liked and did not, standardised.

        Zeros, the mean over items, stand for a group without an item.
        """
        row = (known.user * _GROUPS + known.group).to(self.centre.device)
        vectors = self.vectors[known.item.cpu()].to(self.centre.device, torch.float32)
        sums = self.centre.new_zeros(users * _GROUPS, self.vectors.shape[1])
        sums.index_add_(0, row, (vectors - self.centre) / self.spread)
        count = torch.bincount(row, minlength=len(sums)).clamp(min=1).unsqueeze(1)
        return (sums / count).view(users, _GROUPS, -1)

    def forward(self, start: Tensor, tastes: Tensor) -> Tensor:
        """Where z starts.

        Args:
            start: [B, P, S, D] float32, e.
            tastes: [B, 2, D], x.

        Returns:
            [B, P, S, D] float32.
        """
        with torch.autocast(start.device.type, enabled=False):
            if not self.rank:
                return start + self.shift
            taste = self.taste(tastes.flatten(1))[:, None, None]
            hidden = F.gelu(self.word(start / self.word_spread) + taste + self.place)
            moved: Tensor = start + self.out(hidden) + self.shift
            return moved

    def identity(self) -> str:
        """All that its state after learning depends on, besides LM, prompt and data."""
        optimizer = self.optimizer([torch.zeros(1, requires_grad=True)])
        learns = f"{type(optimizer).__name__} {sorted(optimizer.defaults.items())}, {self.epochs} epochs"
        weights = "none" if self.weights is None else file_hash(Path(self.weights))
        return f"rank {self.rank}, {learns}, weights {weights}"

    def _load(self, file: Path) -> None:
        try:
            self.load_state_dict(torch.load(file, weights_only=True, map_location="cpu"))
        except (OSError, RuntimeError, ValueError, KeyError, EOFError) as error:
            reason = " ".join(str(error).split())[:160]
            raise InputError(
                f"profile.model.encoder.weights: {file} does not fit this language model, prompt and rank or "
                f"cannot be read ({reason}); give the encoder.pt of a profiles artifact made with them."
            ) from None


class EncoderStep:
    """What an E step (:func:`userip_lightning.profile.em.e_step`) takes for an optimizer; moves the encoder.

    The mean over users is minimised, so that the rate does not depend on the size of a batch.

    Args:
        leaf: [B, ...] the detached z that the objective is differentiated by.
        z: [B, ...] the encoder's z.
        optimizer: of the encoder.
    """

    def __init__(self, leaf: Tensor, z: Tensor, optimizer: Optimizer) -> None:
        self.leaf, self.z, self.optimizer = leaf, z, optimizer

    def zero_grad(self) -> None:
        """Forget gradients."""
        self.leaf.grad = None
        self.optimizer.zero_grad()

    def step(self) -> None:
        """Hand the gradient by z on to the encoder, and move it."""
        assert self.leaf.grad is not None
        with torch.autocast(self.z.device.type, enabled=False):
            torch.autograd.backward(self.z, self.leaf.grad / len(self.leaf))
        self.optimizer.step()
