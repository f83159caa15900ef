"""The end of a study of cases: all their sheets as one, and what the command line is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from userip_lightning.report.sheet import Sheet
from userip_lightning.reproduce.profiled import Cases
from userip_lightning.reproduce.reporting import Written
from userip_lightning.reproduce.run import Finished


def summary_sheet(empty: Sheet, sheets: Sequence[Sheet], absent: tuple[str, ...]) -> Sheet:
    """The sheet of the only case, or those of all, one under the other.

    Args:
        empty: title, caption and header of the latter.
        sheets: of every case.
        absent: cases without figures, and why.
    """
    if len(sheets) == 1:
        return sheets[0]._replace(absent=absent)
    groups = tuple(
        group._replace(heading=f"{one.title}, {group.heading}") for one in sheets for group in one.groups
    )
    return empty._replace(groups=groups, absent=absent)


def finished(cases: Cases[Any], table: str, summary: Sheet, sentence: str) -> Finished:
    """What a study of cases ends with.

    Args:
        cases: they.
        table: its name, and that of its folder.
        summary: its first sheet.
        sentence: what was found.
    """
    rows = len(cases.found) + len(cases.absent)
    return Finished(Written(cases.root / table, summary, sentence), rows, cases.failed)
