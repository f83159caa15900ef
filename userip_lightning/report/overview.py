"""The page above all tables and figures of a study: what each found, beside the paper, and what it took."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from userip_lightning.report.findings import CLAIMS
from userip_lightning.report.folder import PAGE, RESULTS, write_sheets
from userip_lightning.report.notation import NONE
from userip_lightning.report.sheet import Cell, Rows, Sheet

HEADER = ("", "about", "found here", "the paper", "rows", "failed", "minutes")
_NOTES = (
    "Every name leads to the report of its own, with all rows, intervals, controls and figures. Δ and "
    "intervals are of test rows, over users and seeds; a table's report says how to read them.",
    "The paper's figures come from its own data and hardware: directions compare, digits do not.",
    "Minutes are those of this command, over all the times that it was run with these settings, by this "
    "code, to the end of the table; a table that comes later finds the runs that it shares with earlier "
    "ones. From an earlier run: the command has not come to the table again yet.",
)


class Part(NamedTuple):
    """One table or figure of a study and what came of it.

    Args:
        name: as `userip reproduce` calls it, and its folder beside the overview's.
        found: one sentence; empty where there is no report.
        rows: how many it has.
        failed: labels of those that failed.
        not_run: why it was not made, one sentence; None where it was.
        broken: why making it failed as a whole, one sentence; None where it did not.
        seconds: that it took so far.
        sheets: of its report, to be repeated in the overview.
    """

    name: str
    found: str
    rows: int
    failed: tuple[str, ...]
    not_run: str | None
    broken: str | None
    seconds: float
    sheets: tuple[Sheet, ...]

    @property
    def record(self) -> dict[str, object]:
        """For programs."""
        return {
            **{name: value for name, value in self._asdict().items() if name != "sheets"},
            "paper": CLAIMS[self.name].finding,
        }

    @staticmethod
    def of(record: Mapping[str, Any]) -> Part:
        """The part that :attr:`record` is of, without its sheets.

        Raises:
            KeyError: the record lacks a value.
        """
        values = {name: record[name] for name in Part._fields if name != "sheets"}
        return Part(**{**values, "failed": tuple(record["failed"])}, sheets=())


def overview_sheet(
    parts: Sequence[Part], waiting: Sequence[str] = (), earlier: Mapping[str, Part] = MappingProxyType({})
) -> Sheet:
    """A row per table and figure.

    Args:
        parts: those that are made.
        waiting: names of those whose turn has not come.
        earlier: what an earlier run of the same settings and code made, by name; shown for those that wait.
    """
    before = [earlier[name] for name in waiting if name in earlier]
    rows = [_row(part) for part in parts]
    rows += [
        _row(earlier[name], "from an earlier run: ") if name in earlier else _to_do(name) for name in waiting
    ]
    failed = tuple(f"{part.name}, failed: {', '.join(part.failed)}" for part in parts if part.failed)
    minutes = sum(part.seconds for part in (*parts, *before)) / 60
    kept = f", {len(before)} from an earlier run" if before else ""
    done = f"{len(parts)} of {len(parts) + len(waiting)} tables and figures{kept}, {minutes:.0f} minutes."
    return Sheet("Ours beside the paper", done, HEADER, (Rows("", tuple(rows)),), (), failed)


def write_overview(
    folder: Path,
    title: str,
    parts: Sequence[Part],
    waiting: Sequence[str],
    earlier: Mapping[str, Part],
    settings: str,
) -> Sheet:
    """Write the overview, replacing an earlier one, whose parts it keeps for :func:`read_earlier`.

    Args:
        folder: of the overview.
        title: its heading.
        parts: as in :func:`overview_sheet`.
        waiting: as in :func:`overview_sheet`.
        earlier: as in :func:`overview_sheet`.
        settings: hash of the settings that all of them were made with.

    Returns:
        Its first sheet.

    Raises:
        InputError: ``folder`` holds something else, or the disk is full.
    """
    sheet = overview_sheet(parts, waiting, earlier)
    repeated = [
        one._replace(title=f"{part.name}: {CLAIMS[part.name].about}", verdicts=(part.found,))
        for part in parts
        for one in part.sheets
    ]
    before = [earlier[name].record for name in waiting if name in earlier]
    made = [part.record for part in parts]
    results = {"settings": settings, "tables": made, "earlier": before, "waiting": list(waiting)}
    write_sheets(folder, title, [sheet, *repeated], _NOTES, results, 0)
    return sheet


def read_earlier(folder: Path, settings: str) -> dict[str, Part]:
    """Parts of the overview in a folder, by name; empty where it was made with other settings or is none."""
    try:
        record = json.loads((folder / RESULTS).read_text(encoding="utf-8"))
        if record["settings"] != settings:
            return {}
        return {one["name"]: Part.of(one) for one in (*record["earlier"], *record["tables"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _row(part: Part, before: str = "") -> tuple[Cell, ...]:
    claim = CLAIMS[part.name]
    link, found = f"../{part.name}/{PAGE}", part.found
    counts = (f"{part.rows}", f"{len(part.failed)}")
    if part.not_run is not None or part.broken is not None:
        reason = f"not run: {part.not_run}" if part.broken is None else f"failed: {part.broken}"
        link, found, counts = "", reason, (NONE, NONE)
    said = (claim.about, f"{before}{found}", claim.finding, *counts, f"{part.seconds / 60:.1f}")
    return Cell(part.name, link=link), *map(Cell, said)


def _to_do(name: str) -> tuple[Cell, ...]:
    return Cell(name), Cell(CLAIMS[name].about), Cell("not yet"), *(Cell(NONE),) * 4
