"""Show the title of a page where a text, which is also read on GitHub, names its file: [data.md](data.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_LINK = re.compile(r"\[([\w/]+\.md)\](?=\()")


def on_page_markdown(markdown: str, config: Any, **_: Any) -> str:
    """Replace file names of pages by their titles in the navigation."""
    titles = {path: title for title, path in _titled(config["nav"])}
    return _LINK.sub(lambda link: f"[{titles.get(link[1], link[1])}]", markdown)


def _titled(nav: Any) -> Iterator[tuple[str, str]]:
    for part in nav:
        for title, below in part.items():
            if isinstance(below, str):
                yield title, below
            else:
                yield from _titled(below)
