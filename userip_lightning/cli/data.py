"""`userip data`: from a log to prepared data, what is in it, and what others can read."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from userip_lightning.assets import cache_root
from userip_lightning.cli.sniff import sniff
from userip_lightning.data.prepared import PreparedData, PreparedFiles
from userip_lightning.data.sources.planted_files import write_planted
from userip_lightning.data.sources.synthesize import Planted
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
from userip_lightning.pipeline.near_names import did_you_mean
from userip_lightning.pipeline.near_options import NearOptionsParser

_USAGE = """usage: userip data COMMAND --config FILE ...
       userip data sniff FILE [--to FILE.yaml]

  prepare     filter, label and split a log into the cache; say in which folder it lies
  stats       the same (a look-up where it was done before), then its figures beside the paper's Table 1
  validate    read a log to its last row and list all that is wrong with it
  head        the first events with their items' titles; --rows N
  export      prepared data for others: --format fuxictr|recbole|splits --to PATH [--attributes A,B]
  sniff       a configuration for a log of your own, guessed from its first rows: FILE [--to FILE.yaml]
  synthesize  a log with planted profiles, of any size: --to FOLDER [--shape csv|amazon] [--users N] ...

What export writes is for programs, with every id and text as it is: a spreadsheet would run those that begin
with = + - or @ as formulas.

All but sniff and synthesize take the configuration of an experiment and use its `data` section; --help after
any of them lists its settings."""
_DESCRIPTION = "Prepare the data of an experiment, by the `data` section of its configuration."


def data(arguments: Sequence[str]) -> None:
    """Run `userip data`.

    Raises:
        InputError: there is no such command, or the log cannot be used.
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_USAGE)
        return
    command, *rest = arguments
    if command == "synthesize":
        _synthesize(rest)
        return
    if command == "sniff":
        sniff(rest)
        return
    if command not in _COMMANDS:
        names = (*_COMMANDS, "sniff", "synthesize")
        meant = did_you_mean(command, names)
        raise InputError(f"no command {command!r};{meant} there are {', '.join(names)}.")
    own, words = _own_arguments(command).parse_known_args(rest)
    parser = experiment_parser(f"data {command}", _DESCRIPTION, with_sections=False)
    if {"-h", "--help"} & set(words):
        print(_own_arguments(command).format_usage().strip())
        parser.print_help()
        return
    experiment = parse_experiment(experiment_parser(f"data {command}", _DESCRIPTION), words)
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
    found = validate(wanted.source, cache_root())
    print("\n".join(found.lines))
    missing = []
    if found.bad_rows > wanted.max_bad_rows:
        missing.append(f"data.max_bad_rows={found.bad_rows}")
    if found.duplicates and wanted.duplicates == "refuse":
        missing.append("data.duplicates=drop")
    if missing or found.faults:
        or_else = f", or set {' and '.join(missing)} to leave such rows out" if missing else ""
        raise InputError(f"{wanted.source.origin}: these data would be refused; mend them{or_else}.")


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
        prog=f"userip data {command}", exit_on_error=False, allow_abbrev=False, add_help=False
    )
    if command == "head":
        parser.add_argument("--rows", type=int, default=10)
    if command == "export":
        parser.add_argument("--format", choices=_FORMATS)
        parser.add_argument("--to", metavar="PATH")
        parser.add_argument("--attributes", metavar="A,B", default="")
    return parser


def _synthesize(arguments: Sequence[str]) -> None:
    parser = NearOptionsParser(
        prog="userip data synthesize",
        description="Write a log with planted profiles; users.csv says which.",
        exit_on_error=False,
        allow_abbrev=False,
    )
    parser.add_function_arguments(write_planted, skip={"source", "report", "folder"})
    parser.add_argument("--to", type=str, required=True, help="folder for the files")
    parser.add_class_arguments(Planted, None, skip={"titles", "topic_column"})
    config = parser.parse_args(list(arguments))
    settings = {name: config[name] for name in _PLANTED}
    folder = Path(config.to).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    write_planted(Planted(**settings), folder, config.shape, config.words)


_PLANTED = ("users", "rows_per_user", "items_per_topic", "focus", "thrift", "noise", "seed")


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
