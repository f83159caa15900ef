"""A frozen model of the shape of Llama-2-7B with random weights, and what a step of it costs.

Where the rows of a step do not fit, by the package's own planner, they are not tried: its sentence is told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from matrix_rate import floor_flops
from transformers import AutoModelForCausalLM, LlamaConfig

from benchmarks.gpu.child import Child
from userip_lightning.errors import InputError
from userip_lightning.lm import attention
from userip_lightning.lm.backbone import FrozenBackbone
from userip_lightning.lm.cost import measure_cost
from userip_lightning.lm.device_memory import available_bytes
from userip_lightning.lm.planner import SPARE, MemoryPlan, SoftTokens, plan_memory, refuse_too_large
from userip_lightning.lm.target_nll import chunk_tokens

_GB = 1e9
_ADAM_STATES = 2


class Step(NamedTuple):
    """What one step reads, and how it is taken."""

    work: Callable[[], object]
    rows: int
    width: int  #    of a row, soft tokens and padding included
    places: int  #   without padding
    targets: int


def llama(dry: bool) -> LlamaConfig:
    """Of Llama-2-7B; tiny in a dry run."""
    if dry:
        return LlamaConfig(
            vocab_size=300,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=256,
        )
    return LlamaConfig(
        vocab_size=32_000,
        hidden_size=4096,
        intermediate_size=11_008,
        num_hidden_layers=32,
        num_attention_heads=32,
        max_position_embeddings=4096,
    )


def random_backbone(config: LlamaConfig, child: Child) -> FrozenBackbone:
    """Its weights in bfloat16, made on the device.

    Raises:
        InputError: the planner says that not one short row fits.
    """
    plan(config, child, rows=1, width=64, numbers=config.hidden_size, learns=False)
    torch.manual_seed(0)
    with child.device:
        make: Any = AutoModelForCausalLM.from_config  # transformers lacks the type
        model = make(config, dtype=torch.bfloat16, attn_implementation=attention.NAME)
    return FrozenBackbone(model).to(child.device)


def plan(
    config: LlamaConfig,
    child: Child,
    rows: int,
    width: int,
    numbers: int,
    learns: bool = True,
    loaded: int = 0,
) -> MemoryPlan:
    """Plan rows of a width.

    Args:
        config: of the model.
        child: whose device is asked.
        rows: in flight.
        width: tokens of a row.
        numbers: in the soft tokens of a row.
        learns: whether there is a backward pass.
        loaded: bytes of the model that are on the device already.

    Raises:
        InputError: they do not fit.
    """
    device = child.device
    chunk = chunk_tokens(config.vocab_size, device.type)
    cost = measure_cost(config, torch.bfloat16, attention.NAME, width, device, "none", 1, chunk, learns)
    z = SoftTokens(0, numbers, _ADAM_STATES, "disk")
    found = plan_memory(cost, z, available_bytes(device) + loaded, SPARE[device.type], rows)
    refuse_too_large(found, str(device), {})
    return found


def measured(child: Child, model: Any, step: Step, rate: float, learns: bool) -> dict[str, float]:
    """Figures of a step: rates, share of the matrix rate, peak memory.

    Args:
        child: with the clock.
        model: whose matrices make the floor.
        step: warmed up, then taken a few times.
        rate: FLOP/s of the model's matrices, from :func:`benchmarks.matrix_rate.matrix_rate`.
        learns: whether the step has a backward pass; without one the floor is half.
    """
    child.reset_peak()
    seconds = child.seconds_of(step.work, rounds=3, warm=1)
    floor = floor_flops(model, step.places, step.targets) / (1 if learns else 2)
    return {
        "target tokens/s": step.targets / seconds,
        "tokens/s": step.places / seconds,
        "share of the matrix rate": floor / rate / seconds,
        "ms a step": seconds * 1e3,
        **child.peak(),
    }


def grow(
    child: Child,
    row: str,
    config: LlamaConfig,
    build: Callable[[int], Step],
    measure: Callable[[Step], dict[str, float]],
    numbers: int,
    most: int,
    seconds: float,
) -> dict[str, float]:
    """Double a step's size up to what fits, tell how far that goes, and return the fastest step's figures.

    Args:
        child: to tell.
        row: for the largest size.
        config: of the model, for the planner.
        build: makes the step of a size, from 8 on.
        measure: of a step.
        numbers: in the soft tokens of a row.
        most: size that is not passed.
        seconds: after which no larger size is tried.

    Raises:
        InputError: not even the smallest size fits.
    """
    end, size = child.left - seconds, 8
    largest: dict[str, Any] = {}
    best: dict[str, float] = {}
    why = f"sizes up to {most} were tried"
    loaded = torch.cuda.memory_allocated(child.device) if child.device.type == "cuda" else 0
    while size <= most:
        if child.left < end:
            why = "time was up before larger ones"
            break
        step = build(size)
        try:
            planned = plan(config, child, step.rows, step.width, numbers, loaded=loaded)
            found = measure(step)
        except (InputError, torch.OutOfMemoryError) as error:
            why = f"{size}: {str(error).splitlines()[0]}"
            break
        found = {"size": size, **found}
        largest = {
            "size": size,
            "planned GB": planned.total / _GB,
            "rows by the plan": planned.largest,
        }
        largest |= {name: found[name] for name in ("peak GB", "target tokens/s") if name in found}
        if not best or found["target tokens/s"] > best["target tokens/s"]:
            best = found
        size *= 2
    if not best:
        child.refuse(row, why)
        raise InputError(why)
    child.tell(row, **largest, end=why)
    return best
