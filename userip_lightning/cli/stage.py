"""`userip profile|quantize|catalogue|ctr fit|validate|test|predict`: the stock LightningCLI on one stage."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, cast

from lightning.pytorch import Trainer
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI
from lightning.pytorch.utilities import rank_zero_only
from rich.console import Console

from userip_lightning.errors import InputError
from userip_lightning.lock import sole_writer
from userip_lightning.pipeline.fresh_classes import FreshClassLightningParser
from userip_lightning.pipeline.local_paths import absolute
from userip_lightning.pipeline.process_layout import process_count
from userip_lightning.pipeline.processes import processes
from userip_lightning.pipeline.progress import Display, StepProgress
from userip_lightning.pipeline.resume import LastCheckpoint
from userip_lightning.pipeline.slow_precision import slow_precision
from userip_lightning.pipeline.stages import CATALOGUE, CTR, PROFILE, QUANTIZE, Stage, export, shared_strategy
from userip_lightning.weight_files import require_weights

#: Of a key that a study's file needs and a command does not.
METHOD = "as a study's file has it; says no more than the command"


class StageCLI(LightningCLI):
    """LightningCLI that exports the stage's artifact where ``--output`` asks for it.

    Beside Lightning's own checkpoints, ``last.ckpt`` lies in ``trainer.default_root_dir`` after every epoch;
    one `fit` at a time writes there.

    Args:
        stage: whose classes to run.
        arguments: the words of the command line.
        display: shows the Trainer's steps, unless ``trainer.enable_progress_bar`` asks for Lightning's bar.
        until_done: keeps the further processes of this command, if the Trainer asks for some.
    """

    def __init__(
        self, stage: Stage, arguments: Sequence[str], display: Display, until_done: ExitStack
    ) -> None:
        self.stage = stage
        self.display = display
        self.words = [stage.name, *arguments]
        self.until_done = until_done
        strict = {"exit_on_error": False, "allow_abbrev": False}
        super().__init__(
            stage.module,
            stage.data,
            args=list(arguments),
            seed_everything_default=0,
            save_config_kwargs={"overwrite": True},
            trainer_defaults={
                "max_epochs": stage.max_epochs,
                "callbacks": LastCheckpoint(),
                **dict(stage.trainer),
            },
            auto_configure_optimizers=False,
            parser_class=FreshClassLightningParser,
            parser_kwargs={
                "prog": f"userip {stage.name}",
                "description": f"The {stage.name} stage alone, as a stock LightningCLI.",
                **strict,
                **dict.fromkeys(self.subcommands(), strict),
            },
        )

    def subcommands(self) -> dict[str, set[str]]:  # type: ignore[override]  # Lightning's asks for no arguments
        """Lightning's; only the one that is asked for, as each takes a third of a second to build."""
        every = super().subcommands()
        asked = self.words[1]
        return {asked: every[asked]} if asked in every else every

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        parser.add_argument(
            "--output",
            type=str | None,
            default=None,
            help=f"folder to export the {self.stage.kind} artifact to",
        )
        if self.stage.baseline:
            parser.add_argument("--method", type=str, default=self.stage.name, help=METHOD)

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        # Lightning warns when it is given a list under a console script.
        self.config = parser.parse_args(cast("list[str]", args))

    def before_instantiate_classes(self) -> None:
        """Start the other processes: the Trainer shall find them there. Checkpoints have one writer."""
        own = self.config[self.config.subcommand]
        for key, value in list(own.items()):
            own[key] = absolute(value, key)  # the file that Lightning saves means the same from any folder
        if own.get("ckpt_path") is not None:
            if Path(own.ckpt_path).suffix:  # others are words of Lightning's, such as last
                require_weights(Path(own.ckpt_path), "give a checkpoint that Lightning wrote here")
            own.weights_only = True
        trainer = own.trainer
        world = self.until_done.enter_context(processes(self.words, [trainer.as_dict()]))
        if world.rank == 0 and self.config.subcommand == "fit":
            folder = trainer.default_root_dir or Path.cwd()
            self.until_done.enter_context(sole_writer(folder, f"{self.stage.name} run"))
        world.connect()
        trainer.strategy = shared_strategy(self.stage, trainer.strategy, process_count(trainer.as_dict()))

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """See Lightning; its bar floods a log, so the display stands in for it."""
        own_bar = self._get(self.config, "trainer.enable_progress_bar")
        trainer = super().instantiate_trainer(**kwargs, enable_progress_bar=bool(own_bar))
        if not own_bar and trainer.is_global_zero:
            cast(Any, trainer).callbacks.append(StepProgress(self.display, self.stage.name))
        if trainer.is_global_zero and (reason := slow_precision(trainer)) is not None:
            self.display.notice(reason)
        return trainer

    def _parse_ckpt_path(self) -> None:
        """Leave the command line in charge: Lightning 2.6 lets a checkpoint's settings win silently."""

    def after_fit(self) -> None:
        """Export, after a test where the artifact consists of test predictions."""
        if self._output() is not None and self.stage.tested:
            self.trainer.test(self.model, datamodule=self.datamodule)
        self._export()

    def after_test(self) -> None:
        """Export what was tested."""
        if self.stage.tested:
            self._export()

    def _output(self) -> str | None:
        output = self._get(self.config, "output")
        return output if isinstance(output, str) else None

    def _export(self) -> None:
        output = self._output()
        if output is not None:
            folder = export(self.model, Path(output))
            if self.trainer.is_global_zero:
                print(f"{self.stage.kind}: {folder}")


def run_stage(stage: Stage, arguments: Sequence[str]) -> None:
    """Run one stage's command line.

    Raises:
        InputError: no subcommand was given.
    """
    if not arguments:
        raise InputError(
            f"say what to do: userip {stage.name} fit, validate, test or predict (--help explains)."
        )
    console = Console(quiet=True) if rank_zero_only.rank else None  # type: ignore[attr-defined]  # Lightning sets it
    with Display(console) as display, ExitStack() as until_done:
        StageCLI(stage, arguments, display, until_done)


profile, quantize = partial(run_stage, PROFILE), partial(run_stage, QUANTIZE)
catalogue, ctr = partial(run_stage, CATALOGUE), partial(run_stage, CTR)
