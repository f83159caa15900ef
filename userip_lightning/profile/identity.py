"""What soft tokens depend on; those of another LM, prompt or data set must not be mixed with a run's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

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
