"""Files and folders that settings name: absolute where they are kept, by their contents where they decide.

A saved configuration means the same in whatever folder the next command starts, and a run is found again when
its files have moved, not when others lie in their place.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from userip_lightning.assets import ML_100K, pin_of
from userip_lightning.integrity import file_hash
from userip_lightning.lm.identity import folder_identity

#: Sections whose ``name`` is a model's, which may be a folder.
_MODELS = ("lm", "encoder")
#: Artifacts that stages read.
_ARTIFACTS = ("prepared", "bank", "profiles", "knowledge")


def absolute(values: object, dotted: str = "") -> Any:
    """The same nested lists and dicts with every path that is there made absolute.

    Args:
        values: JSON values. Paths are what is called ``path`` or ``..._path`` or like an artifact that a
            stage reads, and the ``name`` of an ``lm`` or ``encoder``; names of published models and data
            sets, addresses, and what is not there stay.
        dotted: key of ``values``.
    """
    above, key = ("", *dotted.split("."))[-2:]
    return _replaced(values, _absolute, key, above)


def by_content(values: object) -> Any:
    """The same with every path that is there replaced by what lies there: equal contents, equal values.

    Args:
        values: JSON values, as for :func:`absolute`.
    """
    return _replaced(values, _content)


def names_alone(values: object) -> Any:
    """The same with the last part of every path, there or not; those of models are absolute."""
    return _replaced(values, _name)


def _replaced(values: object, of: Callable[[str, bool], object], key: str = "", above: str = "") -> Any:
    if isinstance(values, dict):
        return {name: _replaced(value, of, name, key) for name, value in values.items()}
    if isinstance(values, list):
        return [_replaced(value, of, key, above) for value in values]
    model = key == "name" and above in _MODELS
    named = model or key == "path" or key.endswith("_path") or key in _ARTIFACTS
    return of(values, model) if named and isinstance(values, str) else values


def _absolute(text: str, _: bool) -> str:
    return str(Path(text).absolute()) if _is_there(text) else text


def _name(text: str, model: bool) -> str:
    return text if model and not Path(text).is_absolute() else Path(text).name


def _content(text: str, model: bool) -> Any:
    if not _is_there(text):
        return text
    place = Path(text)
    if model:
        return folder_identity(place)
    if place.is_dir():
        files = sorted(file for file in place.rglob("*") if file.is_file())
        return [[str(file.relative_to(place)), file_hash(file)] for file in files]
    return file_hash(place)


def _is_there(text: str) -> bool:
    if text in ("", ML_100K) or pin_of(text) is not None:
        return False
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # too long, or a NUL character
        return False
