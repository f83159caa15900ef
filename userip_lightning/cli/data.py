"""`userip data`: from a log to prepared data, what is in it, and what others can read."""

from __future__ import annotations

from collections.abc import Sequence
from pkgutil import resolve_name

from userip_lightning.errors import InputError
from userip_lightning.pipeline.near_names import did_you_mean

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
_OF_EXPERIMENT = ("prepare", "stats", "validate", "head", "export")
#: These take no configuration, and no training framework is imported for them.
_ALONE = ("sniff", "synthesize")


def data(arguments: Sequence[str]) -> None:
    """Run `userip data`.

    Raises:
        InputError: there is no such command, or the log cannot be used.
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_USAGE)
        return
    command, *rest = arguments
    if command in _ALONE:
        resolve_name(f"userip_lightning.cli.{command}:{command}")(rest)
    elif command in _OF_EXPERIMENT:
        resolve_name("userip_lightning.cli.experiment_data:experiment_data")(command, rest)
    else:
        names = (*_OF_EXPERIMENT, *_ALONE)
        meant = did_you_mean(command, names)
        raise InputError(f"no command {command!r};{meant} there are {', '.join(names)}.")
