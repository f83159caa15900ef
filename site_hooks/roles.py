"""Show the roles of docstrings, such as :class:`~package.module.Name`, as plain code in the reference."""

from __future__ import annotations

import re
from typing import Any

_ROLE = re.compile(r":(?:class|func|mod|attr|meth|data):<code>(~?)([^<]+)</code>")


def on_page_content(html: str, **_: Any) -> str:
    """Drop the role; after a tilde only the last name stays, as Sphinx has it."""
    return _ROLE.sub(_code, html)


def _code(role: re.Match[str]) -> str:
    tilde, name = role.groups()
    return f"<code>{name.rpartition('.')[2] if tilde else name}</code>"
