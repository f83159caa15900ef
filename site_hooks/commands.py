"""Put the help of every command into docs/reference/commands.md while the site is built."""

from __future__ import annotations

import os
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

from userip_lightning.cli import COMMANDS, main

PAGE = "reference/commands.md"
MARK = "<!-- commands -->"
#: Stages and baselines are stock LightningCLIs with hundreds of settings, which the modules document.
_LONG = {"profile", "quantize", "catalogue", "ctr", "kar", "pepler", "rella"}
_BELOW = {"bank": ("info", "lookup", "export", "push", "pull", "feast", "prune", "forget", "verify")}


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Replace the mark on the page by the commands and their help; other pages stay as they are."""
    return markdown.replace(MARK, _commands()) if page.file.src_uri == PAGE else markdown


def _commands() -> str:
    os.environ["COLUMNS"] = "82"  # argparse asks for the width of the terminal; a page has room for so much
    return "\n".join([_section("userip", []), *(_command(command.name) for command in COMMANDS)])


def _command(name: str) -> str:
    if name in _LONG:
        return f"## userip {name}\n\nA stage of its own: `userip {name} --help` lists its settings.\n"
    words = [[name], *([name, below] for below in _BELOW.get(name, ()))]
    return "\n".join(_section(" ".join(["userip", *one]), one) for one in words)


def _section(title: str, words: list[str]) -> str:
    shown = StringIO()
    with redirect_stdout(shown):
        code = main([*words, "--help"])
    if code or not shown.getvalue().strip():
        raise RuntimeError(f"{title} --help: exit code {code}, no help to show")
    level = "#" * min(1 + max(len(words), 1), 3)
    text = shown.getvalue().replace(" \b", "").strip()  # a terminal takes the blank back
    return f"{level} {title}\n\n```text\n{text}\n```\n"
