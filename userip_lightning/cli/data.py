"""`userip data prepare|stats`: from a log to prepared data, and its figures."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from userip_lightning.data.prepared import PreparedData
from userip_lightning.data.statistics import table1
from userip_lightning.errors import InputError
from userip_lightning.pipeline.config import experiment_parser, parse_experiment, prepare

_USAGE = """usage: userip data COMMAND --config FILE ...

  prepare   filter, label and split a log into the cache; say in which folder it lies
  stats     the same (a look-up where it was done before), then the figures of the paper's Table 1

Both take the configuration of an experiment and use its `data` section; --help after either lists it."""
_DESCRIPTION = "Prepare the data of an experiment, by the `data` section of its configuration."


def data(arguments: Sequence[str]) -> None:
    """Run `userip data`.

    Raises:
        InputError: neither `prepare` nor `stats` was asked for, or the log cannot be used.
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_USAGE)
        return
    command, *rest = arguments
    if command not in ("prepare", "stats"):
        raise InputError(f"no command {command!r}; there are prepare and stats.")
    if {"-h", "--help"} & set(rest):
        experiment_parser(f"data {command}", _DESCRIPTION, with_sections=False).print_help()
        return
    experiment = parse_experiment(experiment_parser(f"data {command}", _DESCRIPTION), rest)
    folder = prepare(experiment, print)
    if command == "prepare":
        print(folder)
        return
    with pl.Config(tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True, tbl_width_chars=120):
        print(table1(PreparedData.load(folder)))
