"""`userip bank ...`: the commands on a feature bank."""

from __future__ import annotations

import re
from argparse import ArgumentError
from collections.abc import Sequence

from jsonargparse import ArgumentParser, Namespace

from userip_lightning.cli.bank_commands import COMMANDS
from userip_lightning.cli.paragraphs import Paragraphs
from userip_lightning.errors import InputError
from userip_lightning.pipeline.near_options import NearOptionsParser

_DESCRIPTION = """Read and keep a feature bank: the codes that the catalogue or quantize stage wrote, or
those of a control."""

#: No word of a command line has it.
_MARK = "\0"

#: Commands that take ids.
_OF_USERS = ("lookup", "forget")


def bank(arguments: Sequence[str]) -> None:
    """Run `userip bank`.

    Raises:
        InputError: no bank there, a damaged one, or what a command refuses.
    """
    words, further = _at_dashes(arguments)
    takes_users = bool(words) and words[0] in _OF_USERS
    if further and not takes_users:
        raise InputError(f"{further[0]}: not expected after --; only user ids are.")
    config = _parsed([_marked(word) for word in words] if takes_users else words)
    chosen = config[config.subcommand]
    if takes_users:
        chosen.path = chosen.path.removeprefix(_MARK)
        # argparse takes words after -- for users only where no option comes between
        chosen.users = [*(user.removeprefix(_MARK) for user in chosen.users), *further]
        if not chosen.users:
            raise InputError("users: none given; name at least one id, after -- if it begins with --.")
    COMMANDS[config.subcommand].run(chosen)


def _at_dashes(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words before and after the first ``--``."""
    words = list(arguments)
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


def _marked(word: str) -> str:
    """A word that begins with one dash, which argparse would take for an option; there is none but ``-h``."""
    return f"{_MARK}{word}" if re.match(r"-[^-]", word) and word != "-h" else word


def _parsed(words: list[str]) -> Namespace:
    try:
        return _parser().parse_args(words)
    except ArgumentError as error:
        error.message = re.sub(r"(?<=required: )\w+\.", "", error.message)  # of its command, which is known
        unknown = re.search(r"unrecognized arguments: (\S+)", error.message)
        if unknown is None or words[0] not in _OF_USERS:
            raise
        raise InputError(
            f"{unknown[1].removeprefix(_MARK)}: no such setting; check its spelling, and put ids that begin "
            "with -- after --."
        ) from None


def _parser() -> ArgumentParser:
    parser = NearOptionsParser(
        prog="userip bank",
        description=_DESCRIPTION,
        formatter_class=Paragraphs,  # of its subcommands, too
        exit_on_error=False,
    )
    commands = parser.add_subcommands()
    for name, command in COMMANDS.items():
        own = NearOptionsParser(description=command.description, exit_on_error=False, allow_abbrev=False)
        command.arguments(own)
        commands.add_subcommand(name, own, help=command.summary)
    return parser
