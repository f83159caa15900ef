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
from userip_lightning.errors import InputError
from userip_lightning.plural import plural
from userip_lightning.report.folder import write_sheets
from userip_lightning.report.notation import NONE, spread
from userip_lightning.report.sheet import Cell, Rows, Sheet
from userip_lightning.reproduce.choice import Choice, chosen_rows, kept
from userip_lightning.reproduce.networks import read_networks
from userip_lightning.reproduce.progress import StudyDisplay
from userip_lightning.reproduce.reporting import Written
from userip_lightning.reproduce.request_server import Server, load_server
from userip_lightning.reproduce.request_times import Request, Times, measure
from userip_lightning.reproduce.row import Row
from userip_lightning.reproduce.row_task import Outcome
from userip_lightning.reproduce.run import Finished, Ran, read_baselines, run_rows
from userip_lightning.reproduce.settings import Study, check, study_root
from userip_lightning.reproduce.train_row import guarded
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
    "same request, one after the other in an order drawn for the round.",
    "Ratios are of medians to the network alone, and left out where it could not be had; their interval is a "
    "bootstrap over rounds. AUC is of test rows, ± the standard deviation over seeds.",
    "KAR's experts run in the request, once per different user and item of it; a service could store their "
    "adapted vectors instead, and would then pay less.",
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


class Measured(NamedTuple):
    """A block: its methods, and how many different users and items are in a request."""

    served: list[Served]
    distinct: str


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
    blocks: dict[tuple[str, str, str], Measured] = {}
    for block in dict.fromkeys(row[:3] for row in rows):
        display.notice(f"{' / '.join(block)}: measuring requests")
        blocks[block] = _serve([one for one in ran.ended if one[0][:3] == block], ran, study)
    sheets = [_sheet(" / ".join(block), measured) for block, measured in blocks.items()]
    every = [one for measured in blocks.values() for one in measured.served]
    records = [one.record for one in every]
    folder = study_root(study) / "table6"
    write_sheets(folder, "table6", sheets, _NOTES, {"rows": records, "instances": INSTANCES}, 0)
    failed = tuple(one.row.label for one in every if one.outcome.failed)
    return Finished(Written(folder, sheets[0], _found(blocks)), len(rows), failed)


def method_rows(study: Study, choice: Choice) -> list[Row]:
    """The control network alone, with codes and with KAR's knowledge, of one split and one set of fields.

    By data set, and in this order.

    Raises:
        InputError: a name that the study does not know.
    """
    splits = kept("splits", choice.splits, list(study.split_rules))
    with_baselines = [one for one in splits if study.baseline_splits is None or one in study.baseline_splits]
    part = Choice(choice.datasets, (with_baselines or splits)[:1])
    wanted: dict[tuple[str, str], Row] = {}
    datasets, order = list(study.dataset_files), list(PAPER)
    for row in chosen_rows("table2", study, part, read_baselines(study)):
        ours = row.network == study.control_network and row.codes is None
        kar = row.baseline is not None and row.baseline.method == "kar"
        if row.fields == study.fields[0] and row.reads in PAPER and (ours or kar):
            wanted.setdefault((row.dataset, row.reads), row)
    return sorted(wanted.values(), key=lambda row: (datasets.index(row.dataset), order.index(row.reads)))


def _serve(ended: Sequence[tuple[Row, Outcome, Mapping[str, int]]], ran: Ran, study: Study) -> Measured:
    """Measure the methods of a block; one that cannot be loaded fails alone."""
    root = study_root(study)
    servers: dict[str, Server] = {}
    auc: dict[str, tuple[float, ...]] = {}
    measured: list[tuple[Row, Outcome]] = []
    for row, outcome, _ in ended:

        def load(row: Row = row, outcome: Outcome = outcome) -> Outcome:
            auc[row.method] = tuple(_auc(root / run) for run in outcome.runs)
            servers[row.method] = load_server(ran.tasks[row.label].job(0, outcome.chosen or {}))
            return outcome

        loaded = guarded(load, f"table6 / {row.label}", root) if outcome.ready else outcome
        measured.append((row, loaded))
    times: dict[str, Times] = {}
    distinct = ""
    if servers:
        ready = [row for row, _ in measured if row.method in servers]
        draw = _requests(ran.tasks[ready[0].label].place.prepared)
        alone = next((row.method for row in ready if row.reads == "none"), None)
        times = measure(servers, draw, ROUNDS, alone)
        users, items = (len(set(ids)) for ids in draw(np.random.default_rng(0)))
        distinct = (
            f"A request has {INSTANCES:,} instances, of {plural(users, 'different user')} and "
            f"{plural(items, 'different item')} in the first one."
        )
    served = [
        Served(row, outcome, times.get(row.method), auc.get(row.method, ())) for row, outcome in measured
    ]
    return Measured(served, distinct)


def _auc(run: Path) -> float:
    """Of the test rows."""
    try:
        return float(json.loads((run / METRICS).read_text(encoding="utf-8"))[TEST]["auc"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{run / METRICS}: unreadable ({type(error).__name__}); delete the folder {run} and run again."
        ) from None


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


def _sheet(title: str, measured: Measured) -> Sheet:
    absent = tuple(
        f"{one.row.method}: {'not run' if one.outcome.failed is None else 'failed'}. "
        f"{one.outcome.not_run or one.outcome.failed}"
        for one in measured.served
        if not one.outcome.ready
    )
    rows = Rows("", tuple(map(_row, measured.served)))
    return Sheet(title, measured.distinct, _HEADER, (rows,), (), absent)


def _row(one: Served) -> tuple[Cell, ...]:
    seconds, auc = PAPER[one.row.reads]
    paper = (f"{seconds:.2f}", f"{seconds / PAPER['none'][0]:.2f}", f"{auc:.4f}")
    ours = (NONE, NONE, NONE)
    if one.times is not None:
        t = one.times
        ours = (
            f"{t.median:.4f} [{t.low:.4f}, {t.high:.4f}]",
            _ratio(t) or NONE,
            spread(fmean(one.auc), stdev(one.auc) if len(one.auc) > 1 else None),
        )
    return tuple(map(Cell, (one.row.method, *ours, *paper)))


def _ratio(times: Times) -> str:
    """With its interval; empty without one."""
    if times.ratio is None:
        return ""
    return f"{times.ratio:.2f} [{times.ratio_low:.2f}, {times.ratio_high:.2f}]"


def _found(blocks: Mapping[tuple[str, str, str], Measured]) -> str:
    said = []
    for block, measured in blocks.items():
        alone = next((one.row.method for one in measured.served if one.row.reads == "none"), "")
        seconds = [
            f"{one.row.method} {one.times.median:.4f} s"
            + (f" ({_ratio(one.times)} of {alone})" if _ratio(one.times) and one.row.method != alone else "")
            for one in measured.served
            if one.times is not None
        ]
        said.append(f"{block[0]}: {', '.join(seconds) or 'nothing could be measured'}")
    return f"{'; '.join(said)}."
