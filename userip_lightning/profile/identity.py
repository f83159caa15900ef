"""What soft tokens depend on; those of another LM, prompt or data set must not be mixed with a run's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from userip_lightning.errors import InputError

if TYPE_CHECKING:
    from userip_lightning.profile.module import ProfileModule


def identity_of(module: ProfileModule) -> dict[str, str]:
    """What the module's soft tokens depend on, by name."""
    data = module.data
    optimizer = module.optimizer([torch.zeros(1, requires_grad=True)])
    return {
        "language model": module._likelihood.backbone.fingerprint(),
        "prompt": module.prompt.hash,
        "data": data.data_hash,
        "start and steps": f"{module.start}, {module.inner_steps}, seed {module.seed}",
        "optimizer": f"{type(optimizer).__name__} {sorted(optimizer.defaults.items())}",
        "behaviours and blocks": f"{data.behaviours}, {data.block}, seed {data.seed}",
    }


def refuse_changed(what: str, found: Mapping[str, str], wanted: Mapping[str, str], advice: str) -> None:
    """Refuse soft tokens that were inferred with something else.

    Args:
        what: which soft tokens, as the start of a sentence.
        found: name of a dependency to its value, as recorded beside them.
        wanted: the same of this run.
        advice: what to do.

    Raises:
        InputError: a value differs.
    """
    for key, value in wanted.items():
        if found.get(key) != value:
            raise InputError(f"{what} with another {key} ({found.get(key)} instead of {value}); {advice}.")
