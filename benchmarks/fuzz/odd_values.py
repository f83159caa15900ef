"""Values that stand where another one was expected, and changes of nested values as of JSON or YAML."""

from __future__ import annotations

import copy
import random
from typing import Any

#: In place of any value.
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**31, 2**63, -(2**63) - 1, 10**30, 0.5, -0.0, 1e308, 1e-320),
    *(
        float("nan"),
        float("inf"),
        float("-inf"),
        "",
        " ",
        "0",
        "-1",
        "1e999",
        "nan",
        "null",
        "no",
        "../x",
        "/",
    ),
    *("a\0b", "\ud800", "é" * 300, "x" * 5000, "{}", "[1]", "=1+1", "%s{0}$HOME", "~", "*", "\n", "\t"),
    *([], [[]], [None], {}, {"": ""}, {"class_path": "os.getcwd"}, [0] * 500, {"a": {"b": {"c": {}}}}),
)


def edited(value: Any, rng: random.Random) -> tuple[Any, str]:
    """A copy of a nested value with one change, and the change in words."""
    changed = {"": copy.deepcopy(value)}
    places = [place for place in _places(changed, ()) if len(place) > 1] or [("",)]
    place = rng.choice(places)
    parent: Any = changed
    for step in place[:-1]:
        parent = parent[step]
    key = place[-1]
    change = rng.choice([_drop, _odd, _odd, _number, _number, _text, _rename, _twice, _inserted, _deep])
    if place == ("",):
        return _whole(rng)
    words = f"{'.'.join(map(str, place[1:]))}: {change(parent, key, rng)}"
    return changed[""], words


def _places(value: Any, before: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in keys for place in ((*before, key), *_places(value[key], (*before, key)))]


def _whole(rng: random.Random) -> tuple[Any, str]:
    value = rng.choice(ODD)
    return value, f"all of it is {value!r:.40}"


def _drop(parent: Any, key: Any, rng: random.Random) -> str:
    del parent[key]
    return "dropped"


def _odd(parent: Any, key: Any, rng: random.Random) -> str:
    parent[key] = rng.choice(ODD)
    return f"is {parent[key]!r:.40}"


def _number(parent: Any, key: Any, rng: random.Random) -> str:
    old = parent[key]
    if isinstance(old, bool) or not isinstance(old, (int, float)):
        return _odd(parent, key, rng)
    parent[key] = rng.choice(
        [old + 1, old - 1, -old, old * 10, old * 10**9, float(old), old + 0.5, str(old), [old]]
    )
    return f"{old} is {parent[key]!r}"


def _text(parent: Any, key: Any, rng: random.Random) -> str:
    old = parent[key]
    if not isinstance(old, str):
        return _odd(parent, key, rng)
    at = rng.randrange(len(old) + 1)
    parent[key] = rng.choice(
        [
            old[:at],
            old[:at] + "x" + old[at:],
            old[:at] + "\n" + old[at:],
            old.upper(),
            [old],
            old * 3,
            {old: old},
        ]
    )
    return f"text is {parent[key]!r:.40}"


def _rename(parent: Any, key: Any, rng: random.Random) -> str:
    if not isinstance(parent, dict):
        return _odd(parent, key, rng)
    new = rng.choice(
        [f"{key}x", str(key)[:-1], str(key).upper(), "", "a.b", "__class__", "class_path", "help"]
    )
    parent[new] = parent.pop(key)
    return f"renamed {new!r}"


def _twice(parent: Any, key: Any, rng: random.Random) -> str:
    if isinstance(parent, list):
        parent.insert(key, copy.deepcopy(parent[key]))
    else:
        parent[f"{key}2"] = copy.deepcopy(parent[key])
    return "there twice"


def _inserted(parent: Any, key: Any, rng: random.Random) -> str:
    if isinstance(parent, list):
        parent.insert(key, rng.choice(ODD))
        return f"{parent[key]!r:.40} before it"
    other = rng.choice(list(parent))
    parent[key], parent[other] = parent[other], parent[key]
    return f"exchanged with {other!r}"


def _deep(parent: Any, key: Any, rng: random.Random) -> str:
    depth = rng.choice([3, 30, 300])
    for _ in range(depth):
        parent[key] = rng.choice([[parent[key]], {"a": parent[key]}])
    return f"{depth} levels deeper"
