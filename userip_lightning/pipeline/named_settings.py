"""A group of settings, such as ``wandb`` or a stage's ``trainer``."""

from __future__ import annotations

from typing import Any

from jsonargparse import Namespace

from userip_lightning.errors import InputError


def named_settings(given: object, place: str) -> dict[str, Any]:
    """The group as a mapping of names to values.

    Args:
        given: what a configuration has there.
        place: where it stands.

    Raises:
        InputError: it is one value, or none.
    """
    found = given.as_dict() if isinstance(given, Namespace) else given
    if not isinstance(found, dict):
        said = "null" if found is None else f"{found!r:.60}"
        raise InputError(f"{place}: {said} given, settings with names are needed; write them below it.")
    return found
