"""What somebody may have meant by a name that is none."""

from __future__ import annotations

from collections.abc import Iterable

#: How alike two names are, of 1; class names have difflib's 0.6, but names with dots share their beginnings.
_ALIKE = 0.7


def near_name(given: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant, None where none is near.

    Args:
        given: what was written, perhaps with dots.
        names: all that there are. Those of the same section come first, then the same name in any section.
    """
    from difflib import get_close_matches  # takes longer than all the rest, and is rarely needed

    known = sorted(set(names))
    section, dot, last = given.rpartition(".")
    beside = [name.rpartition(".")[2] for name in known if name.rpartition(".")[0] == section]
    if near := get_close_matches(last, beside, 1, _ALIKE):
        return f"{section}{dot}{near[0]}"
    elsewhere = [name for name in known if name.endswith(f".{last}")]
    return next(iter(elsewhere or get_close_matches(given, known, 1, 1 - (1 - _ALIKE) / 2)), None)


def did_you_mean(given: str, names: Iterable[str]) -> str:
    """A question to put behind a semicolon, with its space in front; empty where no name is near."""
    near = near_name(given, names)
    return "" if near is None else f" did you mean {near}?"
