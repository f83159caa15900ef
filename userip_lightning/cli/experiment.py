"""`userip fit` and `userip test`: an experiment from one configuration."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console

from userip_lightning.cli.shown import show_report
from userip_lightning.pipeline.config import Experiment, experiment_parser, parse_experiment
from userip_lightning.pipeline.named_settings import named_settings
from userip_lightning.pipeline.plan import experiment_root
from userip_lightning.pipeline.process_group import World
from userip_lightning.pipeline.processes import processes
from userip_lightning.pipeline.progress import Display
from userip_lightning.pipeline.results import PAGE
from userip_lightning.pipeline.run import fit as fit_experiment
from userip_lightning.pipeline.run import test as test_experiment
from userip_lightning.pipeline.stages import CTR
from userip_lightning.report.sheet import Sheet

_FIT = """Run an experiment: prepare the data, make codes of users, train the CTR model without codes, with
codes and with controls, and report. Finished runs whose settings have not changed are kept; after a crash
or Ctrl+C the same command resumes. Example: userip fit -c demo --seeds [0,1] --stages ctr,report"""
_TEST = """Evaluate the CTR models of a finished experiment again, without training anything, and report.
Give the configuration that it was fitted with. Example: userip test --config demo"""


def fit(arguments: Sequence[str]) -> None:
    """`userip fit`."""
    _run("fit", _FIT, arguments, fit_experiment)


def test(arguments: Sequence[str]) -> None:
    """`userip test`."""
    _run("test", _TEST, arguments, test_experiment, (CTR.name,))


def _run(
    command: str,
    description: str,
    arguments: Sequence[str],
    run: Callable[[Experiment, Display, World], tuple[Sheet, ...] | None],
    stages: Sequence[str] = (),
) -> None:
    if {"-h", "--help"} & set(arguments):
        experiment_parser(command, description, with_sections=False).print_help()
        return
    experiment = parse_experiment(experiment_parser(command, description), arguments)
    chosen = stages or experiment.stages
    trainers = [_trainer(name, section) for name, section in experiment.sections.items() if name in chosen]
    with (
        processes([command, *arguments], trainers) as world,
        Display(Console(quiet=True) if world.rank else None) as display,
    ):
        sheets = run(experiment, display, world)
    if sheets is not None:
        show_report(sheets)
        print(f"as a page, with what the codes mean: {experiment_root(experiment.settings) / PAGE}")


def _trainer(name: str, section: object) -> dict[str, object]:
    """A stage's settings of the Trainer.

    Raises:
        InputError: they, or the stage's, are one value.
    """
    return named_settings(named_settings(section, name)["trainer"], f"{name}.trainer")
