"""`userip bank info|lookup|export`: what is in a feature bank."""

from __future__ import annotations

import json
from collections.abc import Sequence

from jsonargparse import auto_cli

from userip_lightning.bank import FeatureBank


def info(path: str) -> None:
    """Show a bank's current version, where it came from and how many users have each code.

    Args:
        path: the bank's folder, or the folder of one of its versions.
    """
    print(json.dumps(FeatureBank.open(path).info()._asdict(), indent=2))


def lookup(path: str, users: list[str]) -> None:
    """Show the codes of users as tab-separated lines; unknown users have the reserved codes.

    Args:
        path: the bank's folder, or the folder of one of its versions.
        users: user ids, as in [196,186].
    """
    bank = FeatureBank.open(path)
    print("\t".join(("user_id", *bank.names)))
    for user, codes in zip(users, bank.lookup(users).tolist(), strict=True):
        print("\t".join((user, *map(str, codes))))


def export(path: str, output: str) -> None:
    """Write all codes into one file.

    Args:
        path: the bank's folder, or the folder of one of its versions.
        output: a .csv or .parquet file.
    """
    print(FeatureBank.open(path).export(output))


def bank(arguments: Sequence[str]) -> None:
    """Run one of the above."""
    auto_cli([info, lookup, export], args=list(arguments), prog="userip bank", exit_on_error=False)
