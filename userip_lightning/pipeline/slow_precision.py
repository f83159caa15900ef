"""A precision that costs time on this machine where it is meant to save some."""

from __future__ import annotations

from lightning.pytorch import Trainer

from userip_lightning.lm.source import cpu_has_bfloat16


def slow_precision(trainer: Trainer) -> str | None:
    """Why a Trainer's precision is slow here, one sentence; None where it is not."""
    on_cpu = trainer.strategy.root_device.type == "cpu"
    if not on_cpu or "bf16" not in str(trainer.precision) or cpu_has_bfloat16():
        return None
    return (
        f"trainer.precision is {trainer.precision}, but this processor does not multiply bfloat16 natively, "
        "and a step can take thirty times as long; set it to 32-true"
    )
