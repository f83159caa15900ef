"""Those commands of `userip data` that take the configuration of an experiment."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from userip_lightning.assets import cache_root
from userip_lightning.data.prepared import PreparedData, PreparedFiles
from userip_lightning.data.statistics import beside_paper, table1
from userip_lightning.data.tools.export_fuxictr import export_fuxictr
from userip_lightning.data.tools.export_recbole import export_recbole
from userip_lightning.data.tools.head import head
from userip_lightning.data.tools.split_file import export_split
from userip_lightning.data.tools.validation import validate
from userip_lightning.errors import InputError
from userip_lightning.pipeline.config import (
    Experiment,
    experiment_parser,
    parse_experiment,
    preparation,
    prepare,
)

_DESCRIPTIONS = {
    "prepare": "Prepare the data of an experiment, by the `data` section of its configuration.",
    "stats": "Count what an experiment's data holds, beside the paper's data sets; prepares it first.",
    "validate": "List everything that is wrong with an experiment's log, and say whether it can be prepared.",
    "head": "Print the first events of an experiment's log as its source reads them.",
    "export": "Write the prepared data in another program's format; prepares it first.",
}


def experiment_data(command: str, arguments: Sequence[str]) -> None:
    """Run one of them.

    Args:
        command: the word after `userip data`.
        arguments: the words after it.

    Raises:
        InputError: the configuration or the log cannot be used.
    """
    name, described = f"data {command}", _DESCRIPTIONS[command]
    own, words = _own_arguments(command).parse_known_args(arguments)
    if {"-h", "--help"} & set(words):
        experiment_parser(name, described, with_sections=False).print_help()
        print(f"\n{_own_arguments(command).format_help()}".rstrip())
        return
    experiment = parse_experiment(experiment_parser(name, described), words)
    _COMMANDS[command](experiment, own)


def _prepare(experiment: Experiment, own: argparse.Namespace) -> None:
    print(prepare(experiment, print))


def _stats(experiment: Experiment, own: argparse.Namespace) -> None:
    prepared = PreparedData.load(prepare(experiment, print))
    _show(table1(prepared))
    _show(beside_paper(prepared))


def _validate(experiment: Experiment, own: argparse.Namespace) -> None:
    wanted = preparation(experiment, print)
    cache_root().mkdir(parents=True, exist_ok=True)
    found = validate(wanted, cache_root())
    print("\n".join(found.lines))
    missing = []
    if found.bad_rows > wanted.max_bad_rows:
        missing.append(f"data.max_bad_rows={found.bad_rows}")
    if found.duplicates and wanted.duplicates == "refuse":
        missing.append("data.duplicates=drop")
    if missing or found.faults:
        rest = f"set {' and '.join(missing)} to leave such rows out" if missing else ""
        joint = (", and " if found.faults else ", or ") if missing else ""
        raise InputError(
            f"{wanted.source.origin}: these data would be refused; mend what is listed{joint}{rest}."
        )
    print("these data can be prepared")


def _head(experiment: Experiment, own: argparse.Namespace) -> None:
    if own.rows < 1:
        raise InputError(f"--rows is {own.rows}, expected 1 or more.")
    events, bad = head(preparation(experiment, print).source, own.rows)
    _show(events)
    if bad:
        print(f"{bad:,} rows on the way there cannot be used; `userip data validate` lists them")


def _export(experiment: Experiment, own: argparse.Namespace) -> None:
    if own.format is None or own.to is None:
        raise InputError(f"say --format ({', '.join(_FORMATS)}) and --to PATH.")
    if own.attributes and own.format == "splits":
        raise InputError("--attributes says nothing about splits; leave it out.")
    prepared, target = PreparedFiles.open(prepare(experiment, print)), Path(own.to).expanduser()
    attributes = [name for name in own.attributes.split(",") if name]
    if own.format == "splits":
        export_split(prepared, target)
    elif own.format == "fuxictr":
        export_fuxictr(prepared, target, attributes)
    else:
        export_recbole(prepared, target, attributes)
    print(target)


_FORMATS = ("fuxictr", "recbole", "splits")
_COMMANDS: dict[str, Callable[[Experiment, argparse.Namespace], None]] = {
    "prepare": _prepare,
    "stats": _stats,
    "validate": _validate,
    "head": _head,
    "export": _export,
}


def _own_arguments(command: str) -> argparse.ArgumentParser:
    """What a command takes besides the configuration of an experiment."""
    parser = argparse.ArgumentParser(
        usage=argparse.SUPPRESS, exit_on_error=False, allow_abbrev=False, add_help=False
    )
    own = parser.add_argument_group(f"options of {command} alone")
    if command == "head":
        own.add_argument("--rows", type=int, default=10, help="how many events; 10 if left out")
    if command == "export":
        own.add_argument("--format", choices=_FORMATS, help="what to write (required)")
        own.add_argument("--to", metavar="PATH", help="where (required)")
        own.add_argument(
            "--attributes", metavar="A,B", default="", help="columns of users and items to write, too"
        )
    return parser


def _show(frame: pl.DataFrame) -> None:
    with pl.Config(
        tbl_hide_dataframe_shape=True,
        tbl_hide_column_data_types=True,
        tbl_width_chars=120,
        tbl_rows=-1,
        tbl_cols=-1,
        fmt_str_lengths=40,
    ):
        print(frame)
