"""What an experiment ends with: results.json for programs; report.md, report.html and a table for people."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import psutil
import torch

from userip_lightning import __version__, atomic
from userip_lightning.data.prepared import PreparedData
from userip_lightning.pipeline.config import Experiment, settings_hash
from userip_lightning.pipeline.earlier_artifacts import RESULTS
from userip_lightning.pipeline.explained import report_section
from userip_lightning.pipeline.plan import Job, Plan
from userip_lightning.pipeline.training import is_done, read_record
from userip_lightning.profile.export import HELD_OUT
from userip_lightning.report.comparison import Comparison, compare
from userip_lightning.report.held_out import HeldOut, read_held_out
from userip_lightning.report.legend import RUN_LEGEND
from userip_lightning.report.markdown import study_markdown
from userip_lightning.report.page import Panel, page
from userip_lightning.report.run_sheets import STAGE_1, Unknown, compose
from userip_lightning.report.sheet import Sheet
from userip_lightning.report.statistics.bootstrap import Interval
from userip_lightning.schema import SUPPORT, TEST, TRAIN

REPORT, PAGE = "report.md", "report.html"
LIBRARIES = ("torch", "lightning", "transformers", "polars", "numpy", "scikit-learn")


class Findings(NamedTuple):
    """What could be measured, and why the rest could not."""

    comparison: Comparison | None
    held_out: HeldOut | None
    not_run: dict[str, str]
    unknown: Unknown | None


def write_results(experiment: Experiment, plan: Plan, prepare: Mapping[str, object]) -> tuple[Sheet, ...]:
    """Judge the finished runs; write results.json, report.md and report.html into the experiment's folder,
    and explain.json and explain.html beside them.

    Args:
        experiment: the configuration.
        plan: its runs; those that are not done are reported as not run.
        prepare: wall time and memory of the data preparation.

    Raises:
        InputError: an artifact is damaged, or the runs cannot be compared.
    """
    findings = judge(plan)
    sheets = compose(*findings, profile_seeds=len(plan.profiles))
    runs = [run for run in (*plan.codes, *plan.ctr) if is_done(run)]
    results = {
        "experiment": experiment.settings.experiment,
        "config_hash": settings_hash(experiment.merged),
        "data_hash": plan.place.data_hash,
        "data": json.loads((plan.place.prepared / "stats.json").read_text(encoding="utf-8")),
        "versions": _versions(),
        "hardware": _hardware(),
        "prepare": dict(prepare),
        "runs": [_run(run, plan.place.root) for run in runs],
        "controls": {
            bank.label: str(bank.target.relative_to(plan.place.root))
            for bank in plan.controls
            if bank.target.exists()
        },
        "comparison": _comparison(findings.comparison),
        "held_out": _held_out(findings.held_out),
        "unknown": None if findings.unknown is None else findings.unknown._asdict(),
        "not_run": findings.not_run,
    }
    atomic.write_text(plan.place.root / RESULTS, json.dumps(results, indent=2, ensure_ascii=False) + "\n")
    title, panels = experiment.settings.experiment, [Panel(sheet) for sheet in sheets]
    atomic.write_text(plan.place.root / REPORT, study_markdown(title, sheets, RUN_LEGEND))
    shown = plan.place.root / PAGE
    atomic.write_text(shown, page(title, panels, RUN_LEGEND))  # there already if explaining is interrupted
    atomic.write_text(shown, page(title, panels, RUN_LEGEND, further=report_section(experiment, plan)))
    return sheets


def judge(plan: Plan) -> Findings:
    """Compare the variants and read the evaluation of stage 1's first seed, as far as they were run."""
    not_run: dict[str, str] = {**plan.left_out}
    held_out = None
    evaluation = plan.profiles[0].target / HELD_OUT if plan.profiles else None
    if evaluation is None:
        not_run[STAGE_1] = "the catalogue engine infers no soft tokens of a user"
    elif evaluation.is_file():
        held_out = read_held_out(evaluation)
    else:
        not_run[STAGE_1] = "the profile stage was not evaluated"
    runs: dict[str, list[Job]] = {}
    for job in plan.ctr:
        runs.setdefault(str(job.variant), []).append(job)
    missing = {variant for variant, jobs in runs.items() if not all(is_done(job) for job in jobs)}
    not_run |= dict.fromkeys(sorted(missing), "the ctr stage did not get there")
    if missing:
        return Findings(None, held_out, not_run, None)
    folders = {variant: [job.target for job in jobs] for variant, jobs in runs.items()}
    return Findings(compare(folders), held_out, not_run, _unknown(plan.place.prepared))


def _unknown(prepared: Path) -> Unknown:
    data = PreparedData.load(prepared)
    judged, known = data.rows(TEST)["user"], data.rows(TRAIN, SUPPORT)["user"].unique()
    unknown = judged.filter(~judged.is_in(known.implode()))
    return Unknown(users=unknown.n_unique(), rows=unknown.len())


def _run(job: Job, root: Path) -> dict[str, object]:
    record = read_record(job)
    return {
        "label": job.label,
        "stage": job.stage.name,
        "variant": job.variant,
        "seed": job.seed,
        "artifact": str(job.target.relative_to(root)),
        **({} if record is None else record._asdict()),
    }


def _comparison(comparison: Comparison | None) -> dict[str, object] | None:
    if comparison is None:
        return None
    tables = {"variants": comparison.variants.to_dicts(), "contrasts": comparison.contrasts.to_dicts()}
    return {**comparison._asdict(), **tables}


def _held_out(held_out: HeldOut | None) -> dict[str, object] | None:
    if held_out is None:
        return None
    return {
        name: value._asdict() if isinstance(value, Interval) else value
        for name, value in held_out._asdict().items()
    }


def _hardware() -> dict[str, object]:
    return {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def _versions() -> dict[str, str]:
    libraries = {name: version(name) for name in LIBRARIES}
    return {"userip_lightning": __version__, "python": platform.python_version(), **libraries}
