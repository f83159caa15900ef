"""Rejected rows by what is wrong with them: a few of each kind tell more than the first of all."""

from __future__ import annotations

import re

#: Rows that are named of each kind.
EXAMPLES = 3
_KINDS = 100
_LONGEST = 500
# What differs among rows of one kind: quoted values, and numbers that stand for one.
_VALUE = re.compile(r"'(?:[^'\\]|\\.)*'|\"[^\"]*\"|(?<![\w^])-?\d[\w.+:-]*")


class RejectKinds:
    """Counts rows by file and kind of fault, in order of appearance; at most 100 kinds are kept apart."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, str], tuple[str, list[int]]] = {}
        self._counts: dict[tuple[str, str], int] = {}

    def add(self, file: str, row: int, reason: str) -> None:
        """Count a row.

        Args:
            file: its file's name.
            row: its place there, from 0.
            reason: what is wrong, as a verb phrase after "row 3".
        """
        reason = reason[:_LONGEST]
        key = (file, _VALUE.sub("", reason))
        if key not in self._kinds and len(self._kinds) >= _KINDS:
            key = (file, "")
        _, rows = self._kinds.setdefault(key, (reason, []))
        self._counts[key] = self._counts.get(key, 0) + 1
        if len(rows) < EXAMPLES:
            rows.append(row)

    def lines(self) -> list[str]:
        """A line for every kind: ``log.csv: row 2 has an empty item_id; 5 rows like it, also 7 and 9``."""
        return [
            _line(file, reason, rows, self._counts[file, kind])
            for (file, kind), (reason, rows) in self._kinds.items()
        ]


def _line(file: str, reason: str, rows: list[int], count: int) -> str:
    first, *others = (row + 1 for row in rows)
    if count == 1:
        return f"{file}: row {first} {reason}"
    return f"{file}: row {first} {reason}; {count:,} such rows, also {' and '.join(map(str, others))}"
