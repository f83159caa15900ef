"""Names, shares and figures as HTML: ids, titles and words come from a log and may hold anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import quote

from userip_lightning.report.notation import NONE, signed

#: A JSON object of explain.json.
Found = Mapping[str, Any]
#: Control characters, ends of lines, and marks that turn the direction of what follows.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")
#: A title longer than this many characters is cut; a card has room for fewer.
LONGEST = 120
_PERCENT = "\u00a0%"  # on the line of its figure


def cut(text: str) -> str:
    """Without control characters and at most :data:`LONGEST` characters long; not escaped."""
    plain = _CONTROL.sub(" ", text).strip()
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 1].rstrip()}…"


def name(text: str) -> str:
    """Somebody else's text, escaped, with a writing direction that ends where the text does."""
    return f"<bdi>{escape(cut(text))}</bdi>"


def user_link(user_id: str) -> str:
    """The address, inside the page, of a user."""
    return f"#user={quote(user_id, safe='')}"


def share(value: float | None) -> str:
    """A share between 0 and 1 as a percentage with one digit behind the point."""
    return NONE if value is None else f"{100 * value:.1f}{_PERCENT}"


def sureness(value: float | None) -> str:
    """A probability as a whole percentage; 100 % stands only where that is right to a tenth of a percent."""
    if value is None:
        return NONE
    return f">\u00a099{_PERCENT}" if 0.99 < value < 0.9995 else f"{100 * value:.0f}{_PERCENT}"


def nats(value: float | None, digits: int = 4) -> str:
    """A signed figure in nats, without its unit."""
    return signed(value, digits).replace("-", "−")


def times(lift: float) -> str:
    """How many times as often."""
    return f"{lift:,.0f} ×" if lift >= 100 else f"{lift:.1f} ×" if lift >= 10 else f"{lift:.2f} ×"
