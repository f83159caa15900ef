"""The stages that train something: their classes, what the pipeline fills in, their parser."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from jsonargparse import ArgumentParser
from lightning.pytorch import LightningDataModule, LightningModule, Trainer

from userip_lightning.catalogue.datamodule import CatalogueDataModule
from userip_lightning.catalogue.module import CatalogueModule
from userip_lightning.ctr.datamodule import CTRDataModule
from userip_lightning.ctr.module import CTRModule
from userip_lightning.pipeline.fresh_classes import FreshClassParser
from userip_lightning.profile.datamodule import ProfileDataModule
from userip_lightning.profile.module import ProfileModule
from userip_lightning.profile.strategy import NAME as USER_SHARDED
from userip_lightning.quantize.datamodule import QuantizeDataModule
from userip_lightning.quantize.module import QuantizeModule

#: Trainer arguments that the pipeline sets itself: it owns the folders, the logs and the display.
TRAINER_OWNED = frozenset(
    {
        "logger",
        "default_root_dir",
        "enable_checkpointing",
        "enable_progress_bar",
        "enable_model_summary",
        "barebones",
        "fast_dev_run",
    }
)


@runtime_checkable
class Exporting(Protocol):
    """A module that writes what it learned as an artifact."""

    def export(self, path: Path) -> Path:
        """Write the artifact; returns its folder."""


def export(module: object, path: Path) -> Path:
    """Write what a stage's module learned; returns the artifact's folder."""
    if not isinstance(module, Exporting):
        raise TypeError(f"{type(module).__name__} has no method `export`")
    return module.export(path)


class Stage(NamedTuple):
    """One LightningModule and its DataModule, as a section ``{model, data, trainer}`` of a configuration.

    Args:
        name: section name, folder name and W&B job type.
        kind: kind of the artifact that it exports.
        module: the LightningModule; ``export(path)`` writes the artifact.
        data: the DataModule.
        filled: dotted keys of the section that an earlier stage's artifact, the experiment's seed or a
            control decides.
        max_epochs: the Trainer's, unless configured (Lightning's own 1000 suits none of them).
        log_every_n_steps: the Trainer's, unless configured.
        tested: whether the trained module is tested before it is exported.
        selected: whether the experiment's ``selection`` chooses its epoch on validation rows.
        baseline: whether its settings may come from a file of `configs/baselines`, which names a method.
        trainer: further defaults of its Trainer.
    """

    name: str
    kind: str
    module: type[LightningModule]
    data: type[LightningDataModule]
    filled: frozenset[str]
    max_epochs: int
    log_every_n_steps: int
    tested: bool
    selected: bool = False
    baseline: bool = False
    trainer: tuple[tuple[str, str | int], ...] = ()


PROFILE = Stage(
    "profile",
    "profiles",
    ProfileModule,
    ProfileDataModule,
    filled=frozenset({"data.prepared", "data.seed", "model.seed"}),
    max_epochs=10,
    log_every_n_steps=1,  # an epoch may have few steps, each of them as dear as a language model's
    tested=True,
)
QUANTIZE = Stage(
    "quantize",
    "bank",
    QuantizeModule,
    QuantizeDataModule,
    filled=frozenset({"data.prepared", "data.profiles", "data.seed", "data.z", "model.seed"}),
    max_epochs=20,
    log_every_n_steps=50,
    tested=False,
)
CATALOGUE = Stage(
    "catalogue",
    "bank",
    CatalogueModule,
    CatalogueDataModule,
    filled=frozenset({"data.prepared", "data.seed", "data.permute_text", "model.seed"}),
    max_epochs=35,
    log_every_n_steps=1,
    tested=False,
    trainer=(("accelerator", "cpu"), ("devices", 1)),  # numpy's work: a GPU would look on
)
CTR = Stage(
    "ctr",
    "ctr",
    CTRModule,
    CTRDataModule,
    filled=frozenset({"data.prepared", "data.bank", "data.profiles", "data.knowledge", "data.seed"}),
    max_epochs=60,
    log_every_n_steps=50,
    tested=True,
    selected=True,
)
TRAINED = (PROFILE, QUANTIZE, CATALOGUE, CTR)


def stage_parser(stage: Stage, skip: frozenset[str] = frozenset()) -> ArgumentParser:
    """Parser of one section: ``model``, ``data`` and ``trainer``, typed by the classes' signatures.

    LightningCLI would build the same parser around one Trainer; the pipeline needs three sections in one
    file and hands the Trainer loggers and callbacks that no YAML can express, so it parses by itself.

    Args:
        stage: whose section.
        skip: dotted keys that may not be configured.
    """
    parser = FreshClassParser(exit_on_error=False, allow_abbrev=False)
    parser.add_class_arguments(stage.module, "model", sub_configs=True, skip=_under("model", skip))
    parser.add_class_arguments(stage.data, "data", sub_configs=True, skip=_under("data", skip))
    parser.add_class_arguments(
        Trainer, "trainer", sub_configs=True, fail_untyped=False, instantiate=False, skip=set(TRAINER_OWNED)
    )
    parser.set_defaults(
        {
            "trainer.max_epochs": stage.max_epochs,
            "trainer.log_every_n_steps": stage.log_every_n_steps,
            "trainer.num_sanity_val_steps": 0,
            **{f"trainer.{name}": value for name, value in stage.trainer},
        }
    )
    return parser


def shared_strategy(stage: Stage, strategy: object, processes: int) -> Any:
    """The Trainer's strategy for so many processes, unless a particular one was asked for.

    Stage 1 has nothing that torch's DDP could reduce, which refuses it even in a single process: several
    share the users.
    """
    if stage is not PROFILE or strategy not in ("auto", "ddp"):
        return strategy
    return USER_SHARDED if processes > 1 else "auto"


def _under(group: str, keys: frozenset[str]) -> set[str]:
    return {key.removeprefix(f"{group}.") for key in keys if key.startswith(f"{group}.")}
