"""Trainer settings under which stage 1 could not do what it is asked to."""

from __future__ import annotations

from typing import Any

from userip_lightning.errors import InputError

_PRECISIONS = ("32-true", "bf16-mixed", "bf16-true")


def refuse_precision(trainer: Any, weights: bool) -> None:
    """Refuse a precision that would reach what is float32.

    Args:
        trainer: Lightning's.
        weights: whether a prior or an encoder has weights beside z.

    Raises:
        InputError: it would.
    """
    precision = str(trainer.precision)
    if precision not in _PRECISIONS or (precision == "bf16-true" and weights):
        raise InputError(
            f"profile.trainer.precision: {precision}, but soft tokens, distances, a prior and an encoder are "
            "float32 and their loss is not scaled; use 32-true or bf16-mixed, or without prior and encoder "
            "bf16-true."
        )


def refuse_epochs(trainer: Any, schedule: str, learning: int) -> None:
    """Refuse epochs in which ``streaming`` would see a user twice or an encoder could not learn, and steps.

    Args:
        trainer: Lightning's.
        schedule: of the module.
        learning: the first epochs, an encoder's.

    Raises:
        InputError: too many epochs or too few, an end in steps, which Lightning does not count where soft
            tokens move, or several processes, whose encoders would drift apart.
    """
    epochs = trainer.max_epochs
    if trainer.max_steps != -1:
        raise InputError(
            f"profile.trainer.max_steps: {trainer.max_steps}, but stage 1 goes through all users in every "
            "epoch; leave it out, and set max_epochs and profile.model.inner_steps."
        )
    if schedule == "streaming" and epochs != learning + 1:
        after = f" after the encoder's {learning} epochs" if learning else ""
        raise InputError(
            f"profile.trainer.max_epochs: {epochs}, but streaming visits a user once{after}; set it to "
            f"{learning + 1}, and profile.model.inner_steps to the steps he takes then."
        )
    if epochs is not None and 0 <= epochs < learning:
        raise InputError(
            f"profile.trainer.max_epochs: {epochs}, but the encoder alone learns for {learning}; raise it, "
            "or lower profile.model.encoder.epochs."
        )
    if learning and trainer.world_size > 1:
        raise InputError(
            f"profile.model.encoder.epochs: {learning}, but an encoder learns in one process, not "
            f"{trainer.world_size}; let it learn from some users in one, then give its encoder.pt as "
            "profile.model.encoder.weights, with epochs 0."
        )
