"""What the data of stage 1 depends on in the module that it feeds."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol, runtime_checkable

from lightning.pytorch import LightningDataModule

from userip_lightning.lm.prompt import PromptTemplate
from userip_lightning.lm.source import LMSource

Schedule = Literal["staged", "joint", "streaming"]


class ProfileSettings(NamedTuple):
    """Settings of the module that decide what it is fed.

    Args:
        lm: whose tokenizer writes prompts.
        prompt: how they are written.
        schedule: in what order users come by.
        inner_steps: steps of a block of users.
        has_prior: whether batches need the users' training rows.
    """

    lm: LMSource
    prompt: PromptTemplate
    schedule: Schedule
    inner_steps: int
    has_prior: bool


@runtime_checkable
class HasProfileSettings(Protocol):
    """A module that stage 1's data can feed."""

    @property
    def settings(self) -> ProfileSettings: ...


def settings_of(data: LightningDataModule) -> ProfileSettings:
    """Settings of the module that ``data`` feeds.

    Raises:
        TypeError: no Trainer has been given both, or the module is of another stage.
    """
    module: object = None if data.trainer is None else data.trainer.lightning_module
    if not isinstance(module, HasProfileSettings):
        raise TypeError(f"{type(data).__name__} feeds a ProfileModule, not a {type(module).__name__}")
    return module.settings
