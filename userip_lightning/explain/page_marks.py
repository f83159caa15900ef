"""A colour and a shape for every code, so that codes can be told apart without colours too.

Eight colours and five shapes give forty different marks; further codes repeat them, and the map writes the
code beside its users.
"""

from __future__ import annotations

#: Path commands of a mark around a point, in units of the map.
_SHAPES = (
    "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "m-3.5-3.5h7v7h-7z",
    "m0-4.8l4.6 8h-9.2z",
    "m0-5l5 5-5 5-5-5z",
)
_CROSS = "m-1.4-4.6h2.8v3.2h3.2v2.8h-3.2v3.2h-2.8v-3.2h-3.2v-2.8h3.2z"
SHAPES = (*_SHAPES, _CROSS)
COLOURS = 8


def colour(code: int) -> str:
    """The CSS colour of a code."""
    return f"var(--c{code % COLOURS})"


def shape(code: int) -> str:
    """Path commands of a code's mark around the current point."""
    return SHAPES[code % len(SHAPES)]


def mark(code: int) -> str:
    """A small picture of the mark, which says nothing that the code beside it does not say."""
    return (
        '<svg class="mark" viewBox="-6 -6 12 12" aria-hidden="true">'
        f'<path d="M0 0{shape(code)}" fill="{colour(code)}"/></svg>'
    )
