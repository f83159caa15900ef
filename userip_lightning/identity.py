"""What earlier work depends on: what was made with something else is not gone on with."""

from __future__ import annotations

from collections.abc import Mapping

from userip_lightning.errors import InputError


def refuse_changed(what: str, found: Mapping[str, object], wanted: Mapping[str, object], advice: str) -> None:
    """Refuse earlier work that was made with something else.

    Args:
        what: which work and what was done to it, as the start of a sentence.
        found: name of a dependency to its value, as recorded beside the work.
        wanted: the same of this run.
        advice: what to do.

    Raises:
        InputError: a value differs, or one of the two lacks it.
    """
    for name in {**wanted, **found}:
        theirs, own = found.get(name), wanted.get(name)
        if theirs != own:
            raise InputError(f"{what} with another {name} ({theirs} instead of {own}); {advice}.")
