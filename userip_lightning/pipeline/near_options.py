"""Parsers that say which setting may have been meant where there is none of a name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NoReturn

from jsonargparse import ArgumentParser

from userip_lightning.pipeline.near_names import near_name

#: Of a group, the name below it is told.
_UNKNOWN = re.compile(
    r"(?:Group '(?P<group>[^']+)' .*)?(?:[Oo]ption|unrecognized arguments:) '?"
    r"(?P<dashes>-*)(?P<name>[^\s'=]+)"
)


class NearOptionsParser(ArgumentParser):
    """An ArgumentParser whose complaint about an unknown setting ends with the one that is near, in brackets.

    :func:`~userip_lightning.pipeline.failures.sentence` puts it into words.
    """

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """See jsonargparse."""
        if unknown := _UNKNOWN.search(message):
            group = f"{unknown['group']}." if unknown["group"] else ""
            near = near_name(group + unknown["name"], _names(self))
            message += "" if near is None else f" (near: {unknown['dashes'] and '--'}{near})"
        super().error(message, ex)


def _names(parser: ArgumentParser) -> Iterator[str]:
    """Of all options, also those of subcommands."""
    for action in parser._actions:
        yield from (option[2:] for option in action.option_strings if option.startswith("--"))
        if isinstance(action.choices, dict):
            for below in action.choices.values():
                yield from _names(below)
