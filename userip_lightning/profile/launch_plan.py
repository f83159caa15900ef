"""The memory of a run of stage 1, planned before weights are loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.trainer.states import TrainerFn

from userip_lightning.lm.planner import MemoryPlan, SoftTokens, plan_run, usable_config
from userip_lightning.profile.user_table import state_of

if TYPE_CHECKING:
    from userip_lightning.profile.module import ProfileModule


def plan_launch(module: ProfileModule) -> tuple[MemoryPlan, int]:
    """Plan the run, and refuse what does not fit.

    Returns:
        The plan, and users per step: those of the DataModule, or what fits where it leaves them open.

    Raises:
        InputError: the LM's configuration cannot be read, a prompt could outgrow its context, or the run does
            not fit.
    """
    data, source = module.data, module.lm
    config = usable_config(source).get_text_config()
    soft = len(module.prompt.profiles) * module.prompt.soft_tokens
    context = getattr(config, "max_position_embeddings", None)
    if context is not None:
        data.check_context(context)  # before memory for prompts that no model reads
    width, mean = data.body_width()
    numbers = soft * config.hidden_size
    states = sum(1 for value in state_of((1, 1), module.optimizer).values() if value.dim())
    strategy = module.trainer.strategy
    device = strategy.root_device  # the module itself gets there later
    in_memory = module.table_place == "memory" and module.trainer.world_size == 1
    on_host = device.type == "cpu" and in_memory and module.schedule != "streaming"
    z = SoftTokens(
        len(data.owned_users()) if on_host else 0, numbers, states, "memory" if on_host else "disk"
    )
    tokens = soft + width
    processes = module.trainer.world_size
    neighbours = module.trainer.num_devices if device.type == "cpu" else 1
    among = processes, neighbours, _learns(module.trainer)
    batch = data.batch_size
    if batch is None:
        largest = plan_run(source, z, tokens, device, None, *among).largest
        users = max(1, min(data.MOST_USERS, int((largest - 1) * width / max(mean, 1))))
        # processes that have unequally much room have to take equally many steps
        batch = int(strategy.reduce(torch.tensor(users, device=device), reduce_op="min"))
    return plan_run(source, z, tokens, device, _rows(batch, width, mean), *among), batch


def _learns(trainer: Trainer) -> bool:
    """Whether soft tokens move: in training that has an epoch, and in inference."""
    if trainer.state.fn == TrainerFn.FITTING:
        return trainer.max_epochs != 0 and trainer.limit_train_batches != 0
    return trainer.state.fn == TrainerFn.PREDICTING


def _rows(users: int, width: int, mean: float) -> int:
    """Rows of the longest body with the tokens of a batch: batches hold about equally many of them."""
    return min(users, int(users * mean / max(width, 1)) + 1)
