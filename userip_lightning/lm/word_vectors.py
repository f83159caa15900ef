"""What a language model's embedding module returns for its vocabulary.

Not always its weight: Gemma, Gemma 3 and XGLM multiply by √D inside the module. Soft tokens stand where its
output goes, so whoever compares with words, or starts at them, has to read the output.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

#: Words that are asked at a time, where all are.
_PART = 1 << 14


class WordVectors:
    """Vectors of a frozen embedding module.

    Args:
        module: [...] ids to [..., D], with a ``weight`` [V, D].
    """

    def __init__(self, module: nn.Module) -> None:
        self._module = module

    @property
    def weight(self) -> Tensor:
        """[V, D], which has the vectors' shape and device and perhaps not their values."""
        weight = self._module.weight
        assert isinstance(weight, Tensor)
        return weight

    def __len__(self) -> int:
        """V."""
        return len(self.weight)

    @property
    def device(self) -> torch.device:
        """Of the vectors."""
        return self.weight.device

    @torch.no_grad()
    def of(self, ids: Tensor) -> Tensor:
        """[...] ids to [..., D] float32."""
        found: Tensor = self._module(ids.to(self.device))
        return found.float()

    @torch.no_grad()
    def all(self) -> Tensor:
        """[V, D] float32."""
        if self._plain:
            return self.weight.detach().float()
        return torch.cat(list(self._parts()))

    @torch.no_grad()
    def mean(self) -> Tensor:
        """[D] float32, of the vocabulary."""
        if self._plain:
            return self.weight.float().mean(0)
        total = self.weight.new_zeros(self.weight.shape[1], dtype=torch.float64)
        for part in self._parts():
            total += part.double().sum(0)
        return (total / len(self)).float()

    @torch.no_grad()
    def std(self) -> Tensor:
        """Of all numbers in all vectors, float32."""
        if self._plain:
            return self.weight.float().std()
        number = self.weight.numel()
        total = torch.stack([part.double().sum() for part in self._parts()]).sum()
        parts = [(part.double() - total / number).square().sum() for part in self._parts()]
        return (torch.stack(parts).sum() / (number - 1)).sqrt().float()

    @property
    def _plain(self) -> bool:
        return type(self._module) is nn.Embedding

    def _parts(self) -> Iterator[Tensor]:
        for first in range(0, len(self), _PART):
            yield self.of(torch.arange(first, min(first + _PART, len(self)), device=self.device))
