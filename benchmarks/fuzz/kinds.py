"""The kinds there are."""

from __future__ import annotations

from typing import NamedTuple


class Named(NamedTuple):
    """A kind that is imported where its cases run.

    Args:
        kind: its class, as ``module:name``.
        cases: of the whole run.
    """

    kind: str
    cases: int


def _of(module: str, name: str, cases: int) -> Named:
    return Named(f"benchmarks.fuzz.{module}:{name}", cases)


KINDS = {
    "banks": _of("banks", "Banks", 5000),
    "stores": _of("stores", "Stores", 1500),
    "lookups": _of("lookups", "Lookups", 5000),
    "readers": _of("readers", "Readers", 5000),
    "fields": _of("fields", "Fields", 3000),
    "artifacts": _of("artifacts", "Artifacts", 4000),
    "configurations": _of("configurations", "Configurations", 1500),
    "commands": _of("commands", "Commands", 200),
}
