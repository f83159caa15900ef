"""By what a run is found again: data set, split, fields and method, in the words of the report's tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from userip_lightning.errors import InputError
from userip_lightning.pipeline.plan import Job
from userip_lightning.pipeline.stages import CTR
from userip_lightning.report.comparison import CODES, NO_CODES

#: Labels that whoever starts a run may give.
GIVEN = ("dataset", "split", "fields", "method")
#: Method of the stages that no CTR network takes part in.
USERIP = "UserIP"


def data_labels(data: Mapping[str, Any]) -> dict[str, str]:
    """``dataset`` and ``split`` of an experiment.

    The data set is the name of its file or folder without endings, or that of the reader where it has no
    path; the split is its class in lower case without "split": ``random``, ``temporal``, ``cold_users``.

    Args:
        data: arguments of Preparation, JSON values.
    """
    source, split = data["source"], _class_name(data["split"])
    path = source.get("init_args", {}).get("path")
    words = re.findall("[A-Z][a-z0-9]*", split)
    return {
        "dataset": Path(path).name.split(".")[0] if isinstance(path, str) else _class_name(source),
        "split": "_".join(word.lower() for word in words if word != "Split"),
    }


def run_labels(job: Job, given: Mapping[str, str]) -> dict[str, str | int]:
    """Everything a run is found by.

    Args:
        job: the run; what it says of itself holds unless ``given`` says otherwise.
        given: labels by name, of :data:`GIVEN`.

    Returns:
        ``stage`` and ``seed``; those of :data:`GIVEN` that are known; ``row``, the known ones in one string:
        runs of one row differ in their seed alone.

    Raises:
        InputError: a label of another name, which might hide a setting.
    """
    if unknown := sorted(set(given) - set(GIVEN)):
        raise InputError(f"labels: {unknown[0]!r} is none; a run can be given {', '.join(GIVEN)}.")
    labels = {**_own_labels(job), **given}
    known = {name: labels[name] for name in GIVEN if name in labels}
    return {"stage": job.stage.name, "seed": job.seed, **known, "row": " / ".join(known.values())}


def _own_labels(job: Job) -> dict[str, str]:
    if job.stage is not CTR:
        control = "" if job.variant is None else f" + {job.variant}"
        return {"method": job.stage.name if job.stage.kind == CTR.kind else f"{USERIP}{control}"}
    network = _class_name(job.section["model"]["net"])
    methods = {NO_CODES: network, CODES: f"{USERIP}-{network}"}
    data = job.section["data"]
    fields = ("rich" if data["attributes"] else "ids") + ("" if data["item_text"] is None else " + text")
    return {"fields": fields, "method": methods.get(str(job.variant), f"{network} + {job.variant}")}


def _class_name(value: Mapping[str, Any] | str) -> str:
    path = value if isinstance(value, str) else str(value["class_path"])
    return path.rpartition(".")[2]
