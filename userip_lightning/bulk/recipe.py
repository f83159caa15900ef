"""What decides a new user's soft tokens, besides what they did: the settings that the trained users had."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from lightning.pytorch.cli import OptimizerCallable

from userip_lightning.lm.prompt import PromptTemplate
from userip_lightning.lm.source import LMSource


class Recipe(NamedTuple):
    """Settings of stage 1, as a worker needs them.

    Args:
        lm: the language model.
        prompt: the prompt.
        start: where soft tokens start.
        optimizer: of soft tokens.
        steps: gradient steps of a user, over all epochs of the training.
        behaviours: shown per step, at most.
        batch_size: users per step of the LM, on average.
        block_size: users whose soft tokens are held at a time.
        accelerator: what the LM runs on, as Lightning calls it.
        precision: as Lightning calls it.
        seed: of draws and of a random start.
    """

    lm: LMSource
    prompt: PromptTemplate
    start: Literal["words", "random"]
    optimizer: OptimizerCallable
    steps: int
    behaviours: int
    batch_size: int
    block_size: int
    accelerator: str
    precision: str
    seed: int

    @property
    def shape(self) -> tuple[int, int]:
        """P and S."""
        return len(self.prompt.profiles), self.prompt.soft_tokens

    def identity(self) -> dict[str, str]:
        """What codes depend on, by the words in which a refusal names it; batch sizes do not count."""
        optimizer = self.optimizer([torch.zeros(1, requires_grad=True)])
        return {
            "prompt": self.prompt.hash,
            "start and steps": f"{self.start}, {self.steps}, seed {self.seed}",
            "optimizer": f"{type(optimizer).__name__} {sorted(optimizer.defaults.items())}",
            "number of behaviours": str(self.behaviours),
            "precision": f"{self.precision}, weights {self.lm.dtype}, {self.lm.quantization}",
        }
