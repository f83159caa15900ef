"""`userip reproduce`: the tables and figures of the paper, on anybody's data, and the study of regimes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import NamedTuple

from jsonargparse import ArgumentParser

from userip_lightning.cli.paragraphs import command_parser
from userip_lightning.cli.regimes import regimes
from userip_lightning.cli.shown import show
from userip_lightning.errors import InputError
from userip_lightning.pipeline.named_settings import named_settings
from userip_lightning.pipeline.readable import readable
from userip_lightning.pipeline.settings import Selection, WandbSettings
from userip_lightning.reproduce.choice import Choice
from userip_lightning.reproduce.every_table import ALL, make, names, reproduce_all
from userip_lightning.reproduce.progress import StudyDisplay
from userip_lightning.reproduce.run import Finished
from userip_lightning.reproduce.settings import Study, Tuning
from userip_lightning.reproduce.tables_without_rows import SPECIAL

#: The study that has settings of its own.
REGIMES = "regimes"
_DESCRIPTION = """Measure a table or figure of the paper, or all of them: every method in every block
(dataset, split, fields) with every seed, tuned alike on validation rows, beside references and controls,
and report. Finished runs whose settings have not changed are kept, also by the other tables; after a crash
or Ctrl+C the same command resumes. A run that fails is shown and does not stop the others.
Example: userip reproduce table2 -c reproduce/ml100k --methods DCN --splits random --seeds [0]"""
_TABLE = (
    "table2: every network without and with codes; table3: continuous profiles in place of codes; table4: "
    "codes trained with one network's surrogate, fed to the others; fig5, fig6: a growing codebook of hobby, "
    "of background; "
    + "".join(f"{name}: {special.help}; " for name, special in SPECIAL.items())
    + "all: every table and figure in turn, with an overview page; regimes: when codes need text or a "
    "language model (userip reproduce regimes --help)"
)
_LAYERS = "layers of the language model, from 1, whose mean attention fig7 shows; all by default"


class Request(NamedTuple):
    """What a command line asks for."""

    table: str
    study: Study
    choice: Choice


def reproduce(arguments: Sequence[str]) -> None:
    """Run `userip reproduce`.

    Raises:
        InputError: settings that cannot be used, or a row failed; the report is written all the same.
    """
    if arguments and arguments[0] == REGIMES:
        regimes(arguments[1:])
        return
    request = parse_study(arguments)
    name, study, choice = request
    display = StudyDisplay()
    with display:
        if name == ALL:
            finished = reproduce_all(study, choice, display)
        else:
            finished = make(name, study, choice, display)
    _close(finished)


def parse_study(arguments: Sequence[str]) -> Request:
    """Read a command line.

    Raises:
        argparse.ArgumentError: an unknown key, or a value of another type.
        InputError: a file that cannot be read, or settings that contradict each other.
    """
    with readable(arguments):
        config = _parser().parse_args(list(arguments))
    names = {setting.name for setting in fields(Study)} - {"tuning", "selection", "wandb"}
    study = Study(
        **{name: config[name] for name in names},
        tuning=Tuning(**named_settings(config.tuning, "tuning")),
        selection=Selection(**named_settings(config.selection, "selection")),
        wandb=WandbSettings(**named_settings(config.wandb, "wandb")),
    )
    if config.layers and config.table not in ("fig7", ALL):
        raise InputError(f"--layers: {config.table} shows no attention, fig7 does; leave it out.")
    if low := [layer for layer in config.layers if layer < 1]:
        raise InputError(f"--layers: {low[0]} given, layers count from 1; name layers of the language model.")
    choice = Choice(*(config[name] or None for name in ("datasets", "splits", "methods", "layers")))
    return Request(config.table, study, choice)


def _close(finished: Finished) -> None:
    folder, summary = finished.report.folder, finished.report.summary
    show(summary)
    print(f"The report, as a page, as Markdown and for programs: {folder}")
    if finished.failed:
        named = ", ".join(finished.failed[:3]) + (", ..." if len(finished.failed) > 3 else "")
        raise InputError(
            f"{len(finished.failed)} of {finished.rows} rows failed ({named}); {folder}/report.md "
            "says why, the same command tries them again."
        )


def _parser() -> ArgumentParser:
    parser = command_parser("userip reproduce", _DESCRIPTION)
    parser.add_argument("table", choices=[*names(), ALL], help=_TABLE)
    parser.add_argument("-c", "--config", action="config", help="YAML file; give several, the later ones win")
    parser.add_argument(
        "--datasets", nargs="+", type=str, default=[], help="only these, by their names in the study"
    )
    parser.add_argument(
        "--splits", nargs="+", type=str, default=[], help="only these, by their names in the study"
    )
    parser.add_argument(
        "--methods", nargs="+", type=str, default=[], help="only these rows, or all rows of these networks"
    )
    parser.add_argument("--layers", nargs="+", type=int, default=[], help=_LAYERS)
    parser.add_class_arguments(Study, None)
    return parser
