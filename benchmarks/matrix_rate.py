"""How fast a machine multiplies a language model's own matrices, and what stage 1 must multiply at least."""

from __future__ import annotations

import time
from typing import Any

import torch
from stopwatch import now
from torch import Tensor
from torch.nn import functional as F


def matrices(model: Any) -> list[Tensor]:
    """The matrices that every place of a prompt passes through; the vocabulary's is not among them."""
    blocks = [weight for name, weight in model.base_model.named_parameters() if "layers." in name]
    return [weight for weight in blocks if weight.ndim == 2]


def floor_flops(model: Any, places: int, targets: int) -> float:
    """Multiplications and additions of a forward and a backward pass that reaches the inputs, 4 per weight.

    Args:
        model: a frozen causal LM; its weights have no gradient, so a pass back costs what a pass forth does.
        places: tokens of all prompts.
        targets: tokens among them that are predicted; only they need the vocabulary.
    """
    head = model.get_output_embeddings().weight.numel()
    return 4.0 * (sum(weight.numel() for weight in matrices(model)) * places + head * targets)


def matrix_rate(model: Any, places: int, rounds: int = 3) -> float:
    """Best FLOP/s over ``rounds`` of all products of one forward and one backward pass, and nothing else.

    Args:
        model: a frozen causal LM.
        places: rows of the other factor.
    """
    weights = matrices(model)
    best = float("inf")
    clock = time.perf_counter if weights[0].is_cuda else now
    with torch.no_grad():
        inputs = {n: weights[0].new_ones(places, n).uniform_(-1, 1) for w in weights for n in w.shape}
        for _ in range(rounds + 1):
            _wait(weights[0])
            start = clock()
            for weight in weights:
                F.linear(inputs[weight.shape[1]], weight)
            for weight in weights:
                inputs[weight.shape[0]] @ weight
            _wait(weights[0])
            best = min(best, clock() - start)
    return 4.0 * places * sum(weight.numel() for weight in weights) / best


def _wait(tensor: Tensor) -> None:
    if tensor.is_cuda:
        torch.cuda.synchronize(tensor.device)
