"""`userip init`: a shipped configuration as a file of one's own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from userip_lightning.cli.new_file import write_new
from userip_lightning.cli.paragraphs import command_parser
from userip_lightning.errors import InputError
from userip_lightning.pipeline.near_names import did_you_mean
from userip_lightning.pipeline.shipped_configs import shipped_file, shipped_names

_DESCRIPTION = """Write a commented configuration into the current folder for you to edit, and print the next
command. Without a name, list all of them."""
#: The first command of a configuration's comments, and its --config.
_COMMAND = re.compile(r"userip (?:fit|data) .*?--config (\S+\.yaml)[^`\n]*")


def init(arguments: Sequence[str]) -> None:
    """Run `userip init`.

    Raises:
        InputError: no configuration of that name, the file is there already, or it cannot be written.
    """
    parser = command_parser("userip init", _DESCRIPTION)
    parser.add_argument("name", nargs="?", default=None, help="demo, csv (a log of your own), games, ...")
    parser.add_argument("--to", metavar="FILE.yaml", default=None, help="write it there; NAME.yaml otherwise")
    words = parser.parse_args(list(arguments))
    names = [name for name in shipped_names() if "/" not in name]
    if words.name is None:
        print("\n".join(f"{name:<17}{_first_line(name)}" for name in names))
        return
    if words.name not in names:
        meant = did_you_mean(words.name, names)
        raise InputError(
            f"no configuration {words.name!r} to start from;{meant} there are {', '.join(names)}."
        )
    target = Path(words.to or f"{words.name}.yaml").expanduser()
    text = _text(words.name)
    write_new(target, text)
    print(f"{target}\nnext: {_next(text, target)}")


def _text(name: str) -> str:
    file = shipped_file(name)
    return "" if file is None else file.read_text(encoding="utf-8")


def _first_line(name: str) -> str:
    """What a configuration says of itself first."""
    line = _text(name).partition("\n")[0].removeprefix("# ")
    return re.split(r"[:.;]( |$)", line)[0]


def _next(text: str, target: Path) -> str:
    found = _COMMAND.search("\n".join(line for line in text.splitlines() if line.startswith("#")))
    return found[0].replace(found[1], str(target)).strip() if found else f"userip fit --config {target}"
