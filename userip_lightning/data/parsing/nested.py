"""JSON objects and lists where one value is expected: what they hold, and a command that takes one value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


def nested_value(values: Sequence[str]) -> Mapping[str, Any] | list[Any] | None:
    """The first of a column's JSON texts, if all of them are objects or lists; None otherwise."""
    found = [_loaded(value) for value in values]
    return found[0] if found and all(isinstance(value, dict | list) for value in found) else None


def kind_of_value(value: Mapping[str, Any] | list[Any]) -> str:
    """``a list``, or ``an object (id, country)`` with its keys."""
    return "a list" if isinstance(value, list) else f"an object ({', '.join(value) or 'empty'})"


def one_value(fields: Mapping[str, Mapping[str, Any]]) -> str:
    """A command of ``jq`` that puts one value of each object in its place: the one that looks like an id.

    Args:
        fields: the fields of a row that are objects; what is empty stays as it is.
    """
    steps = [
        f"{_key(name)} = {_key(name)}{_key(_likeliest(value))}" for name, value in fields.items() if value
    ]
    return f"jq -c '{' | '.join(steps)}'"


def _loaded(text: str) -> Any:
    try:
        return json.loads(text) if text[:1] in ("{", "[") else None
    except (ValueError, RecursionError):
        return None


def _likeliest(value: Mapping[str, Any]) -> str:
    return next((key for key in value if key.lower().endswith("id")), next(iter(value)))


def _key(name: str) -> str:
    """The key as jq has it, with quotes unless it is a plain word."""
    return f".{name}" if name.isascii() and name.isidentifier() else f".{json.dumps(name)}"
