"""Trainer settings under which stage 1 could not do what it is asked to."""

from __future__ import annotations

from lightning.pytorch import Trainer

from userip_lightning.errors import InputError

_PRECISIONS = ("32-true", "bf16-mixed", "bf16-true")


def refuse_precision(trainer: Trainer, weights: bool) -> None:
    """Refuse a precision that would reach what is float32.

    Args:
        trainer: Lightning's.
        weights: whether a prior has weights beside z.

    Raises:
        InputError: it would.
    """
    precision = str(trainer.precision)
    if precision not in _PRECISIONS or (precision == "bf16-true" and weights):
        raise InputError(
            f"profile.trainer.precision: {precision}, but soft tokens, distances and a prior are float32 "
            "and their loss is not scaled; use 32-true or bf16-mixed, or without a prior bf16-true."
        )


def refuse_epochs(trainer: Trainer, schedule: str) -> None:
    """Refuse epochs in which ``streaming`` would see a user twice, and steps.

    Args:
        trainer: Lightning's.
        schedule: of the module.

    Raises:
        InputError: another number of epochs than one in ``streaming``, or an end in steps, which Lightning
            does not count where soft tokens move.
    """
    epochs = trainer.max_epochs
    if trainer.max_steps != -1:
        raise InputError(
            f"profile.trainer.max_steps: {trainer.max_steps}, but stage 1 goes through all users in every "
            "epoch; leave it out, and set max_epochs and profile.model.inner_steps."
        )
    if schedule == "streaming" and epochs != 1:
        raise InputError(
            f"profile.trainer.max_epochs: {epochs}, but streaming visits a user once; set it to 1, and "
            "profile.model.inner_steps to the steps they take then."
        )
