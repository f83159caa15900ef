"""Writing stage 1's artifact."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from userip_lightning.artifact import Manifest, stable_hash, writing
from userip_lightning.profile.identity import identity_of
from userip_lightning.schema import PRIOR, ProfileVectors

if TYPE_CHECKING:
    from userip_lightning.profile.module import ProfileModule

#: Held-out figures of the module's test, beside the vectors.
HELD_OUT = "profile_eval.json"


def export_profiles(module: ProfileModule, path: Path) -> Path:
    """Write soft tokens, held-out figures and prior as a ``profiles`` artifact.

    All processes have to call it; the first one writes.

    Raises:
        InputError: a user has no soft tokens yet, or the disk is full.
    """
    data, likelihood = module.data, module._likelihood
    z = module.all_vectors()
    if not module.trainer.is_global_zero:
        module.trainer.strategy.barrier()
        return path
    manifest = Manifest(
        kind="profiles",
        config_hash=stable_hash([identity_of(module), module.schedule, module.trainer.max_epochs]),
        data_hash=data.data_hash,
        users=data.n_users,
        lm=f"{module.lm.name}@{likelihood.backbone.fingerprint()}",
        prompt_hash=module.prompt.hash,
        extra={"names": list(module.prompt.names), "schedule": module.schedule, "start": module.start},
    )
    with writing(path, manifest, data.rows_seen) as folder:
        ProfileVectors(data.user_ids(), module.prompt.names, z).save(folder)
        if module.held_out.own:
            (folder / HELD_OUT).write_text(json.dumps(module.held_out._asdict()), encoding="utf-8")
        if module.prior is not None:
            torch.save(module.prior.state_dict(), folder / PRIOR)
    module.trainer.strategy.barrier()
    return path
