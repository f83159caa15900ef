"""Random numbers of a part: drawn for the whole batch, of which every row keeps its own.

All ranks have drawn as much from the generator afterwards, so they stay in step with each other and with one
process. What is drawn for something else than the rows at hand is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from userip_lightning.distributed.part import Part


class WholeBatchRandomness(TorchFunctionMode):
    """Replaces dropout and ``torch.rand_like`` over a part's n rows in the block.

    Args:
        part: the rows at hand.
    """

    def __init__(self, part: Part) -> None:
        super().__init__()
        self.part = part

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        if func is functional.dropout and self._is_ours(args[0]):
            ones = args[0].new_ones(self.part.total, *args[0].shape[1:])
            return args[0] * self._own(func(ones, *args[1:], **{**named, "inplace": False}))
        if func is torch.rand_like and self._is_ours(args[0]):
            return self._own(func(args[0].new_empty(self.part.total, *args[0].shape[1:]), **named))
        return func(*args, **named)

    def _is_ours(self, tensor: Tensor) -> bool:
        return tensor.dim() > 0 and len(tensor) == len(self.part.rows)

    def _own(self, whole: Tensor) -> Tensor:
        return whole.index_select(0, self.part.rows)
