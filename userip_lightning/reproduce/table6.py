"""Table 6: seconds per 10,000 instances from ids to scores, and AUC: a network alone, with codes, with KAR.

The networks are those of table 2, trained there or here; those of the first seed answer the requests.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import NamedTuple

import numpy as np

from userip_lightning.ctr.export import METRICS
from userip_lightning.data.prepared import PreparedData
from userip_lightning.report.folder import write_sheets
from userip_lightning.report.notation import NONE, spread
from userip_lightning.report.sheet import Cell, Rows, Sheet
from userip_lightning.reproduce.choice import Choice, chosen_rows, kept
from userip_lightning.reproduce.networks import read_networks
from userip_lightning.reproduce.progress import StudyDisplay
from userip_lightning.reproduce.reporting import Written
from userip_lightning.reproduce.request_server import load_server
from userip_lightning.reproduce.request_times import Request, Times, measure
from userip_lightning.reproduce.row import Row
from userip_lightning.reproduce.run import Finished, Ran, read_baselines, run_rows
from userip_lightning.reproduce.settings import Study, check, study_root
from userip_lightning.reproduce.task import Outcome
from userip_lightning.schema import TEST

INSTANCES, ROUNDS = 10_000, 60
#: The paper's seconds and AUC, by what a row reads; on data and hardware of its own.
PAPER = {"none": (0.93, 0.76394), "codes": (1.21, 0.79972), "knowledge": (4.78, 0.78663)}
_HEADER = (
    *("method", "seconds, median [quartiles]", "ratio [95\u00a0%]", "AUC"),
    *("paper: seconds", "paper: ratio", "paper: AUC"),
)
_NOTES = (
    f"Seconds are processor time of one thread for {INSTANCES:,} instances: test rows drawn with repetition, "
    "ids as strings in, scores out. In them: finding users and items, codes from the bank or vectors of "
    f"knowledge, the network of the first seed. {ROUNDS} rounds, in each of which all methods answer the "
    "same request, one after the other in changing order.",
    "Ratios are of medians to the network alone; their interval is a bootstrap over rounds. AUC is of test "
    "rows, ± the standard deviation over seeds.",
    "KAR's experts run in the request, once per different user and item of it.",
    "The paper's figures are of data and hardware of its own.",
)


class Served(NamedTuple):
    """One method of a block, measured; ``times`` is None where it could not be had."""

    row: Row
    outcome: Outcome
    times: Times | None
    auc: tuple[float, ...]

    @property
    def record(self) -> dict[str, object]:
        """For programs."""
        return {
            **dict(zip(("dataset", "split", "fields", "method"), self.row[:4], strict=True)),
            "reads": self.row.reads,
            "times": None if self.times is None else self.times._asdict(),
            "auc": list(self.auc),
            "failed": self.outcome.failed,
            "not_run": self.outcome.not_run,
        }


def table6(study: Study, choice: Choice, display: StudyDisplay) -> Finished:
    """Train what is not there, measure requests and write the table.

    Args:
        study: its settings.
        choice: which part of it; of the splits the first under which the baselines run.
        display: shows how far it is.

    Raises:
        InputError: settings or names that cannot be used, or the output folder cannot be written.
        argparse.ArgumentError: a YAML file that `userip fit` would refuse as well.
        KeyboardInterrupt: interrupted; the same call resumes.
    """
    check(study)
    study = read_networks(study)
    rows = method_rows(study, choice)
    ran = run_rows(rows, study, display)
    blocks: dict[tuple[str, str, str], list[Served]] = {}
    for block in dict.fromkeys(row[:3] for row in rows):
        display.notice(f"{' / '.join(block)}: measuring requests")
        blocks[block] = _serve([one for one in ran.ended if one[0][:3] == block], ran, study)
    sheets = [_sheet(" / ".join(block), served) for block, served in blocks.items()]
    records = [one.record for served in blocks.values() for one in served]
    folder = study_root(study) / "table6"
    write_sheets(folder, "table6", sheets, _NOTES, {"rows": records, "instances": INSTANCES}, 0)
    failed = tuple(row.label for row, outcome, _ in ran.ended if outcome.failed)
    return Finished(Written(folder, sheets[0], _found(blocks)), len(rows), failed)


def method_rows(study: Study, choice: Choice) -> list[Row]:
    """The control network alone, with codes and with KAR's knowledge, of one split and one set of fields.

    Raises:
        InputError: a name that the study does not know.
    """
    splits = kept("splits", choice.splits, list(study.split_rules))
    with_baselines = [one for one in splits if study.baseline_splits is None or one in study.baseline_splits]
    part = Choice(choice.datasets, (with_baselines or splits)[:1])
    wanted: dict[tuple[str, str], Row] = {}
    for row in chosen_rows("table2", study, part, read_baselines(study)):
        ours = row.network == study.control_network and row.codes is None
        kar = row.baseline is not None and row.baseline.method == "kar"
        if row.fields == study.fields[0] and row.reads in PAPER and (ours or kar):
            wanted.setdefault((row.dataset, row.reads), row)
    return list(wanted.values())


def _serve(ended: Sequence[tuple[Row, Outcome, Mapping[str, int]]], ran: Ran, study: Study) -> list[Served]:
    """Measure the methods of a block."""
    ready = [(row, outcome) for row, outcome, _ in ended if outcome.ready]
    jobs = {row.method: ran.tasks[row.label].job(0, outcome.chosen or {}) for row, outcome in ready}
    times: dict[str, Times] = {}
    if jobs:
        servers = {method: load_server(job) for method, job in jobs.items()}
        times = measure(servers, _requests(ran.tasks[ready[0][0].label].place.prepared), ROUNDS)
    root = study_root(study)
    return [
        Served(
            row,
            outcome,
            times.get(row.method),
            tuple(
                json.loads((root / run / METRICS).read_text(encoding="utf-8"))[TEST]["auc"]
                for run in outcome.runs
            ),
        )
        for row, outcome, _ in ended
    ]


def _requests(prepared: Path) -> Callable[[np.random.Generator], Request]:
    """Draws test rows with repetition."""
    data = PreparedData.load(prepared)
    rows = data.rows(TEST)
    users = data.users.sort("user")["user_id"].gather(rows["user"]).to_numpy()
    items = data.items.sort("item")["item_id"].gather(rows["item"]).to_numpy()

    def draw(rng: np.random.Generator) -> Request:
        drawn = rng.integers(len(users), size=INSTANCES)
        return users[drawn].tolist(), items[drawn].tolist()

    return draw


def _sheet(title: str, served: Sequence[Served]) -> Sheet:
    absent = tuple(
        f"{one.row.method}: {'not run' if one.outcome.failed is None else 'failed'}. "
        f"{one.outcome.not_run or one.outcome.failed}"
        for one in served
        if not one.outcome.ready
    )
    return Sheet(title, "", _HEADER, (Rows("", tuple(map(_row, served))),), (), absent)


def _row(one: Served) -> tuple[Cell, ...]:
    seconds, auc = PAPER[one.row.reads]
    paper = (f"{seconds:.2f}", f"{seconds / PAPER['none'][0]:.2f}", f"{auc:.4f}")
    ours = (NONE, NONE, NONE)
    if one.times is not None:
        t = one.times
        ours = (
            f"{t.median:.4f} [{t.low:.4f}, {t.high:.4f}]",
            f"{t.ratio:.2f} [{t.ratio_low:.2f}, {t.ratio_high:.2f}]",
            spread(fmean(one.auc), stdev(one.auc) if len(one.auc) > 1 else None),
        )
    return tuple(map(Cell, (one.row.method, *ours, *paper)))


def _found(blocks: Mapping[tuple[str, str, str], Sequence[Served]]) -> str:
    said = []
    for block, served in blocks.items():
        ratios = [
            f"{one.row.method} {one.times.median:.4f} s ({one.times.ratio:.2f} [{one.times.ratio_low:.2f}, "
            f"{one.times.ratio_high:.2f}] of the first)"
            for one in served
            if one.times is not None
        ]
        said.append(f"{block[0]}: {', '.join(ratios) or 'nothing could be measured'}")
    return f"{'; '.join(said)}."
