"""`userip bank info|lookup|export|feast`: what is in a feature bank, and the way to those who need it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from jsonargparse import ArgumentParser

from userip_lightning.bank import FeatureBank
from userip_lightning.cli import bank_feast

_DESCRIPTION = "Read a feature bank: the codes that the quantize stage wrote, or those of a control."
_INFO = "the current version, where it came from and how many users have each code, as JSON"
_LOOKUP = "the codes of users, tab-separated; a user that is not in the bank has the reserved codes"
_EXPORT = "all codes as one .csv or .parquet file"


def bank(arguments: Sequence[str]) -> None:
    """Run `userip bank`.

    Raises:
        InputError: no bank there, or a damaged one.
    """
    config = _parser().parse_args(list(arguments))
    chosen = config[config.subcommand]
    if config.subcommand == "feast":
        bank_feast.run(chosen)
        return
    feature_bank = FeatureBank.open(chosen.path)
    if config.subcommand == "info":
        print(json.dumps(feature_bank.info()._asdict(), indent=2))
    elif config.subcommand == "export":
        print(feature_bank.export(chosen.file))
    else:
        _lookup(feature_bank, chosen.users)


def _lookup(feature_bank: FeatureBank, users: list[str]) -> None:
    found = feature_bank.lookup(users).tolist()
    print("\t".join(("user_id", *feature_bank.names)))
    for user, codes in zip(users, found, strict=True):
        print("\t".join((user, *map(str, codes))))
    strangers = [user for user, codes in zip(users, found, strict=True) if codes == list(feature_bank.sizes)]
    if strangers:
        print(f"not in the bank, hence the reserved codes: {', '.join(strangers)}", file=sys.stderr)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="userip bank", description=_DESCRIPTION, exit_on_error=False)
    commands = parser.add_subcommands()
    info, lookup, export = (
        ArgumentParser(description=text, exit_on_error=False) for text in (_INFO, _LOOKUP, _EXPORT)
    )
    for command in (info, lookup, export):
        command.add_argument("path", type=str, help="the bank's folder, or that of one of its versions")
    lookup.add_argument("users", type=str, nargs="+", help="user ids")
    export.add_argument("file", type=str, help="where to write; ends in .csv or .parquet")
    commands.add_subcommand("info", info, help=_INFO)
    commands.add_subcommand("lookup", lookup, help=_LOOKUP)
    commands.add_subcommand("export", export, help=_EXPORT)
    commands.add_subcommand("feast", bank_feast.parser(), help=bank_feast.SUMMARY)
    return parser
