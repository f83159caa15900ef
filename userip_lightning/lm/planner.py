"""Does a run fit its device, and how large may its batches be? Answered before weights are loaded.

    total(R) = weights + table + optimizer + max(peak(R), saved(R) + logits) + R · batch

R rows are in flight. ``saved`` is what the backward pass needs, ``peak`` the most that both passes of the LM
have alive, ``logits`` one chunk of vocabulary logits (:mod:`userip_lightning.lm.cost`); ``batch`` is
the copy of z, its gradient and its optimizer state for the users of a row. All of it is linear in R.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch

from userip_lightning.errors import InputError
from userip_lightning.lm.attention import kernel
from userip_lightning.lm.cost import LMCost, measure_cost, weight_bytes
from userip_lightning.lm.device_memory import available_bytes
from userip_lightning.lm.families import ADVICE, refuse_family
from userip_lightning.lm.mask_check import cannot_be_run
from userip_lightning.lm.quantized import Quantization
from userip_lightning.lm.source import LMSource, load_config, resolve_dtype
from userip_lightning.lm.target_nll import chunk_tokens

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

Table = Literal["memory", "disk", "streaming"]

#: Share of the free memory that is left alone. In main memory, glibc's allocator keeps pieces that are too
#: small to be used again: a run held up to 1.35 times the bytes that were alive (docs/benchmarks.md). The
#: figure for CUDA was not measured.
SPARE = {"cpu": 0.3, "cuda": 0.1}

_GIB = 2**30
_FLOAT32 = 4


class SoftTokens(NamedTuple):
    """The soft tokens of a run and where they live.

    ``memory`` keeps z and its optimizer state on the device, ``disk`` and ``streaming`` those of the batch.
    """

    users: int
    per_user: int  #  numbers in z of one user, P · S · D
    states: int  #    optimizer tensors of the size of z; 2 for Adam
    table: Table
    per_row: float = 1.0  #  users whose prompts share a row

    @property
    def resident(self) -> int:
        """Bytes of z on the device, whatever the batch."""
        return self.users * self.per_user * _FLOAT32 if self.table == "memory" else 0

    @property
    def batch(self) -> float:
        """Bytes per row of the batch: z, its gradient and its optimizer state."""
        return self.per_row * self.per_user * _FLOAT32 * (2 + self.states)


class MemoryPlan(NamedTuple):
    """Bytes of a run on one device, at its fullest moment."""

    rows: int  #      in flight
    largest: int  #   rows that would fit
    tokens: int  #    of a row
    users: float  #   of a row
    weights: int
    activations: int
    workspace: int  # logits or a kernel's result, whichever is larger
    table: int
    optimizer: int
    batch: int
    budget: int  #    what may be used

    @property
    def total(self) -> int:
        """Bytes of everything."""
        parts = (self.weights, self.activations, self.workspace, self.table, self.optimizer, self.batch)
        return sum(parts)

    def summary(self) -> str:
        """The plan in one line."""
        parts = {
            "weights": self.weights,
            "activations": self.activations,
            "logits": self.workspace,
            "users": self.table + self.optimizer + self.batch,
        }
        told = ", ".join(f"{name} {size / _GIB:.2f}" for name, size in parts.items())
        return f"planned memory {self.total / _GIB:.2f} GiB of {self.budget / _GIB:.1f} ({told})"


def plan_memory(
    cost: LMCost, z: SoftTokens, available: int, spare: float, rows: int | None = None
) -> MemoryPlan:
    """Lay out a run on a device: arithmetic alone.

    Args:
        cost: of the LM at the width of a row.
        z: the soft tokens.
        available: free bytes, from :func:`userip_lightning.lm.device_memory.available_bytes`.
        spare: share of ``available`` that is left for what kernels and the allocator use inside themselves.
        rows: in flight; ``None`` takes the largest number that fits. Where not one fits, one is planned.

    Returns:
        The plan, whether or not it fits.
    """
    budget = int(available * (1 - spare))
    optimizer = z.resident * z.states
    left = budget - cost.weights - z.resident - optimizer
    largest = max(
        0,
        int(
            min(
                (left - cost.peak.fixed) / (cost.peak.per_row + z.batch),
                (left - cost.saved.fixed - cost.logits) / (cost.saved.per_row + z.batch),
            )
        ),
    )
    rows = max(1, largest) if rows is None or largest == 0 else rows
    saved = cost.saved.at(rows)
    return MemoryPlan(
        rows=rows,
        largest=largest,
        tokens=cost.tokens,
        users=z.per_row,
        weights=cost.weights,
        activations=saved,
        workspace=max(cost.peak.at(rows) - saved, cost.logits),
        table=z.resident,
        optimizer=optimizer,
        batch=int(rows * z.batch),
        budget=budget,
    )


def refuse_too_large(plan: MemoryPlan, device: str, smaller: Mapping[str, int]) -> None:
    """Say what does not fit, and what would.

    Args:
        plan: of the run.
        device: as users call it.
        smaller: a setting to the bytes of the weights under it, the mildest first.

    Raises:
        InputError: the plan needs more than it may use.
    """
    if plan.total <= plan.budget:
        return
    room, weights = f"{_gib(plan.budget)} are free for it on {device}", _gib(plan.weights)
    resident, tokens = plan.table + plan.optimizer, f"of {plan.tokens} tokens"
    if plan.weights > plan.budget:
        advice = _lighter(plan, plan.weights - plan.budget, smaller)
        raise InputError(f"profile.model.lm: its weights need {weights} and {room}; {advice}.")
    if plan.weights + resident > plan.budget:
        raise InputError(
            f"profile.model.schedule: the soft tokens of all users and their optimizer state need "
            f"{_gib(resident)} beside {weights} of weights, and {room}; set profile.model.table to disk, or "
            "profile.model.schedule to streaming."
        )
    if plan.largest == 0:
        advice = _lighter(plan, plan.total - plan.budget, smaller)
        raise InputError(
            f"profile.data: a batch of one row {tokens} needs {_gib(plan.total)} with the weights, "
            f"and {room}; shorten the rows, or {advice}."
        )
    raise InputError(
        f"profile.data.batch_size: {plan.rows} rows {tokens} need {_gib(plan.total)} with the weights, and "
        f"{room}; at most {plan.largest} rows ({plan.largest * plan.users:.0f} users) fit."
    )


def plan_run(
    source: LMSource,
    z: SoftTokens,
    tokens: int,
    device: torch.device,
    rows: int | None = None,
    processes: int = 1,
    neighbours: int = 1,
    learns: bool = True,
) -> MemoryPlan:
    """Plan a run from the configuration of its LM, in seconds for any size; nothing is loaded.

    Args:
        source: the LM.
        z: the soft tokens.
        tokens: width T of the widest row, prefix included.
        device: of this process.
        rows: in flight; ``None`` takes the largest number that fits.
        processes: of the run; matters where ``source`` is sharded.
        neighbours: processes that share this device's memory, itself included.
        learns: whether soft tokens move; where they are only judged, nothing is kept for a backward pass.

    Raises:
        InputError: the configuration cannot be read or is of a family that would be scored wrongly, or the
            run does not fit.
    """
    shards = processes if source.sharded else 1
    cost = _cost(source, tokens, device, shards, learns)
    spare = SPARE["cuda" if device.type == "cuda" else "cpu"]
    plan = plan_memory(cost, z, available_bytes(device) // neighbours, spare, rows)
    if plan.total > plan.budget:
        refuse_too_large(plan, str(device), _smaller(source))
    return plan


def usable_config(source: LMSource) -> PreTrainedConfig:
    """The configuration of an LM that may be scored rightly.

    Raises:
        InputError: it cannot be read, or is of a family that would be scored wrongly.
    """
    config = load_config(source)
    refuse_family(source.name, config)
    return config


@lru_cache(maxsize=8)
def _cost(source: LMSource, tokens: int, device: torch.device, shards: int, learns: bool) -> LMCost:
    """Of the same LM and width, found once: runs of one process often share them."""
    config = usable_config(source)
    chunk = chunk_tokens(config.get_text_config().vocab_size, device.type)
    dtype, quantization = resolve_dtype(source.dtype), source.quantization
    attention = kernel(source.attention, config)
    try:
        return measure_cost(config, dtype, attention, tokens, device, quantization, shards, chunk, learns)
    except InputError:
        raise
    except Exception as error:  # a family may fail in any way when it is given what it does not know
        raise InputError(f"lm.name: {source.name!r} {cannot_be_run(error)}; {ADVICE}.") from error


def _smaller(source: LMSource) -> dict[str, int]:
    """Milder forms of the LM than its present one, with the bytes of their weights."""
    config, dtype = load_config(source), resolve_dtype(source.dtype)
    forms: dict[str, int] = {}
    if dtype == torch.float32 and source.quantization == "none":
        forms["lm.dtype to bfloat16"] = weight_bytes(config, torch.bfloat16, "none")
    kinds: tuple[Quantization, ...] = ("none", "int8", "nf4")
    for kind in kinds[kinds.index(source.quantization) + 1 :]:
        forms[f"lm.quantization to {kind}"] = weight_bytes(config, dtype, kind)
    return forms


def _lighter(plan: MemoryPlan, excess: int, smaller: Mapping[str, int]) -> str:
    """Which of ``smaller`` saves ``excess`` bytes."""
    enough = [f"{form} ({_gib(size)})" for form, size in smaller.items() if plan.weights - size >= excess]
    return (
        f"set {' or '.join(enough)}"
        if enough
        else "take a smaller LM, or divide it among processes (lm.sharded)"
    )


def _gib(size: int) -> str:
    return f"{size / _GIB:.1f} GiB" if size >= _GIB / 10 else f"{size / _GIB * 1024:.1f} MiB"
