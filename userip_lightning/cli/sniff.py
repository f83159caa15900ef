"""`userip data sniff`: a configuration drafted for one's own log."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from userip_lightning.cli.new_file import write_new
from userip_lightning.cli.paragraphs import command_parser
from userip_lightning.data.tools.drafted_config import draft_config

_DESCRIPTION = """Look at the first rows of a log and print a configuration that reads it: separator,
encoding, decimals and names of the file, which column is the user, the item, the rating, the time, and what
is unsure. Nothing is prepared."""


def sniff(arguments: Sequence[str]) -> None:
    """Run `userip data sniff`.

    Raises:
        InputError: the log is no table, or the configuration cannot be written.
    """
    parser = command_parser("userip data sniff", _DESCRIPTION)
    parser.add_argument(
        "file", metavar="FILE", help="CSV, TSV, another text table, JSON lines or Parquet; packed or not"
    )
    parser.add_argument(
        "--to",
        metavar="FILE.yaml",
        default=None,
        help="write it there instead; never over a file that is there",
    )
    words = parser.parse_args(list(arguments))
    text = draft_config(words.file)
    if words.to is None:
        print(text, end="")
        return
    target = Path(words.to).expanduser()
    write_new(target, text)
    print(target)
