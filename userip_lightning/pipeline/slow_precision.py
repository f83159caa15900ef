"""A precision that costs time on this machine where it is meant to save some."""

from __future__ import annotations

import platform

from lightning.pytorch import Trainer

from userip_lightning.lm.source import cpu_has_bfloat16


def slow_precision(trainer: Trainer) -> str | None:
    """Why a Trainer's precision is slow here, one sentence; None where it is not."""
    x86 = platform.machine().lower() in ("x86_64", "amd64")  # of others torch does not tell
    on_cpu = x86 and trainer.strategy.root_device.type == "cpu"
    if not on_cpu or "bf16" not in str(trainer.precision) or cpu_has_bfloat16():
        return None
    return (
        f"trainer.precision is {trainer.precision}, but this processor does not multiply bfloat16 natively, "
        "and a step can take twenty times as long; set it to 32-true"
    )
