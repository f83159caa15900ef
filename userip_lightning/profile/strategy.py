"""Several processes for stage 1: each infers its own users, so there is no gradient to exchange.

Torch's ``DistributedDataParallel`` refuses a module without trainable parameters, and Lightning's broadcasts
the weights of process 0 over all others, which would overwrite their users. What is left of DDP is the start
of the processes, their ranks and their barriers.
"""

from __future__ import annotations

from lightning.pytorch import Trainer
from lightning.pytorch.strategies import DDPStrategy, StrategyRegistry
from lightning.pytorch.trainer.states import TrainerFn

from userip_lightning.errors import InputError

NAME = "user_sharded"


class UserShardedStrategy(DDPStrategy):
    """DDP without a wrapper: ``Trainer(strategy="user_sharded", devices=2)``, or under ``torchrun``."""

    strategy_name = NAME

    def setup(self, trainer: Trainer) -> None:
        """Move the module to its device; nothing is broadcast."""
        assert self.accelerator is not None
        assert self.model is not None
        self.accelerator.setup(trainer)
        self.precision_plugin.convert_module(self.model)
        self.model_to_device()
        if trainer.state.fn == TrainerFn.FITTING:
            self.setup_optimizers(trainer)
        self.setup_precision_plugin()


def refuse_other_strategy(trainer: Trainer, schedule: str) -> None:
    """Refuse several processes where they would not share the users.

    Raises:
        InputError: another strategy, or the ``joint`` schedule, whose prior learns from all users at once.
    """
    if trainer.world_size == 1:
        return
    if schedule == "joint":
        raise InputError(
            f"profile.trainer.devices: schedule 'joint' runs in one process, not {trainer.world_size}: its "
            "prior learns from all users at once; set devices to 1, or schedule to 'staged' or 'streaming'."
        )
    if not isinstance(trainer.strategy, UserShardedStrategy):
        raise InputError(
            f"profile.trainer.strategy: {type(trainer.strategy).__name__} does not share users among "
            f"{trainer.world_size} processes; set it to {NAME!r}."
        )


# this module may be imported anew, under Ray or after a reload
StrategyRegistry.register(
    NAME, UserShardedStrategy, description="users shared among processes", override=True
)
