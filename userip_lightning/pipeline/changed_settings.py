"""Which settings two configurations differ in."""

from __future__ import annotations

from typing import Any

import yaml


def changed_settings(before: str, now: str) -> list[str]:
    """Dotted names in order, such as ``ctr.model.net``; another class counts as one setting, and ``output``,
    where the experiment lies, as none.

    Args:
        before: a configuration as YAML, or what should be one.
        now: another.
    """
    try:
        found = _changed(yaml.safe_load(before), yaml.safe_load(now), "")
    except yaml.YAMLError:
        return []
    return [name for name in found if name != "output"]


def _changed(before: Any, now: Any, name: str) -> list[str]:
    if before == now:
        return []
    if not isinstance(before, dict) or not isinstance(now, dict):
        return [name] if name else []
    if before.get("class_path") != now.get("class_path"):
        return [name]
    above = f"{name}." if name else ""
    keys = [*before, *(key for key in now if key not in before)]
    return [one for key in keys for one in _changed(before.get(key), now.get(key), f"{above}{key}")]
