"""Help texts with their paragraphs; argparse would run them into one."""

from __future__ import annotations

import re

from jsonargparse import ArgumentParser, DefaultHelpFormatter

from userip_lightning.pipeline.near_options import NearOptionsParser

#: An empty line, and the line that begins with an example.
_BREAK = re.compile(r"\n\s*\n|\n(?=Examples?:)")


class Paragraphs(DefaultHelpFormatter):
    """Fills every paragraph of a description by itself; of examples each line stays one."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n\n".join(self._paragraph(part, width, indent) for part in _BREAK.split(text.strip()))

    def _paragraph(self, text: str, width: int, indent: str) -> str:
        if not text.startswith("Example"):
            return super()._fill_text(text, width, indent)
        label, _, commands = text.partition(":")
        return "\n".join(
            [f"{indent}{label}:", *(f"{indent}  {line.strip()}" for line in commands.splitlines())]
        )


def command_parser(prog: str, description: str) -> ArgumentParser:
    """A parser with such a help, which raises what it cannot use and takes no abbreviations."""
    return NearOptionsParser(
        prog=prog,
        description=description,
        formatter_class=Paragraphs,
        exit_on_error=False,
        allow_abbrev=False,
    )


def add_experiment(parser: ArgumentParser, seed: str) -> None:
    """What a command on a finished experiment takes: its folder, and ``--seed`` with its help."""
    parser.add_argument("experiment", type=str, help="folder of a finished experiment, such as runs/demo")
    parser.add_argument("--seed", type=int | None, default=None, help=seed)
