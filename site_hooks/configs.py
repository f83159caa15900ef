"""Put every file of configs/ with its comments into docs/reference/configs.md while the site is built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

PAGE = "reference/configs.md"
MARK = "<!-- configs -->"
CONFIGS = Path(__file__).parents[1] / "configs"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Replace the mark on the page by the files; other pages stay as they are."""
    return markdown.replace(MARK, shown(CONFIGS)) if page.file.src_uri == PAGE else markdown


def shown(folder: Path) -> str:
    """A heading per folder and per file, and the files as they are.

    Args:
        folder: with YAML files, also in folders below.
    """
    parts: list[str] = []
    for place in sorted({file.parent for file in folder.rglob("*.yaml")}):
        parts.append(f"## {place.relative_to(folder.parent)}/\n")
        for file in sorted(place.glob("*.yaml")):
            name = file.relative_to(folder.parent)
            parts.append(f"### {name}\n\n```yaml\n{file.read_text(encoding='utf-8').strip()}\n```\n")
    return "\n".join(parts)
