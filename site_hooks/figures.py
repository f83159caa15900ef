"""Keep figures of a table in one line: "0.7829 ± 0.0015", "[0.0044, 0.0103]"."""

from __future__ import annotations

import re
from typing import Any

_CELL = re.compile(r"<td\b.*?</td>", re.DOTALL)
_INTERVAL = re.compile(r"\[([-+−.\d]+), ([-+−.\d]+)\]")


def on_page_content(html: str, **_: Any) -> str:
    """Put blanks that do not break into the figures of every table."""
    return _CELL.sub(lambda cell: _unbroken(cell.group()), html)


def _unbroken(cell: str) -> str:
    return _INTERVAL.sub("[\\1,&nbsp;\\2]", cell.replace(" ± ", "&nbsp;±&nbsp;"))
