"""What soft tokens depend on; those of another LM, prompt or data set must not be mixed with a run's own."""

from __future__ import annotations

from collections.abc import Mapping

from userip_lightning.errors import InputError


def refuse_changed(what: str, found: Mapping[str, str], wanted: Mapping[str, str], advice: str) -> None:
    """Refuse soft tokens that were inferred with something else.

    Args:
        what: which soft tokens, as the start of a sentence.
        found: name of a dependency to its value, as recorded beside them.
        wanted: the same of this run.
        advice: what to do.

    Raises:
        InputError: a value differs.
    """
    for key, value in wanted.items():
        if found.get(key) != value:
            raise InputError(f"{what} with another {key} ({found.get(key)} instead of {value}); {advice}.")
