"""`userip data synthesize`: a log with planted profiles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from userip_lightning.cli.paragraphs import command_parser
from userip_lightning.data.sources.planted_files import write_planted
from userip_lightning.data.sources.synthesize import Planted

_PLANTED = ("users", "rows_per_user", "items_per_topic", "focus", "thrift", "noise", "seed")


def synthesize(arguments: Sequence[str]) -> None:
    """Run `userip data synthesize`.

    Raises:
        InputError: a setting is wrong, or the log is there already.
    """
    parser = command_parser(
        "userip data synthesize", "Write a log with planted profiles; users.csv says which."
    )
    parser.add_function_arguments(write_planted, skip={"source", "report", "folder"})
    parser.add_argument("--to", type=str, required=True, help="folder for the files")
    parser.add_class_arguments(Planted, None, skip={"titles", "topic_column"})
    config = parser.parse_args(list(arguments))
    settings = {name: config[name] for name in _PLANTED}
    folder = Path(config.to).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    write_planted(Planted(**settings), folder, config.shape, config.words)
