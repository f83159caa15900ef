"""The W&B dashboard as code: a workspace over the runs that ``loggers`` describes.

Panels of a workspace cannot be filtered one by one, so every bar is grouped by a label of the run (``row`` is
data set, split, fields and method in one), and the whole view can be narrowed to one data set, split or kind
of fields.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import wandb_workspaces.reports.v2 as panels
import wandb_workspaces.workspaces as workspaces
from wandb_workspaces import expr

from userip_lightning.errors import InputError
from userip_lightning.pipeline.metric_names import EPOCH, STEP

#: Runs, and bars, that a panel shows: a table has up to some forty rows, its runs are grouped to them.
MOST = 200
_GROUPS = {
    "row": "data set, split, fields and method",
    "method": "method",
    "dataset": "data set",
    "split": "split",
}
_CATALOGUE = ("held_out", "entropy", "smallest")


class View(NamedTuple):
    """What a dashboard is of.

    Args:
        entity: W&B user or team.
        project: W&B project.
        name: of the saved view.
        dataset: only runs of this data set, all where None; likewise ``split`` and ``fields``.
    """

    entity: str
    project: str
    name: str
    dataset: str | None
    split: str | None
    fields: str | None


def compose(view: View) -> workspaces.Workspace:
    """The dashboard: AUC, Logloss, their curves, codebook health, both engines' likelihoods.

    Raises:
        InputError: a name that the library cannot take.
    """
    _require_plain("name", view.name)
    columns = [f"config:{label}.value" for label in ("dataset", "split", "fields", "method", "seed")]
    best = ("test/auc", "test/logloss", "val/auc.max", "val/logloss.min")
    return workspaces.Workspace(
        entity=view.entity,
        project=view.project,
        name=view.name,
        sections=[
            _section("AUC", [_bars("test/auc", group) for group in _GROUPS]),
            _section("Logloss", [_bars("test/logloss", group) for group in _GROUPS]),
            _section("Curves", [_curves(name, EPOCH) for name in ("val/auc", "val/logloss", "train/loss")]),
            _section("Codebook health", [_codes(name) for name in ("perplexity", "usage_min", "flips")]),
            _section("Catalogue engine", [_curves(f"catalogue/{name}", EPOCH) for name in _CATALOGUE]),
            _section("Stage 1 likelihood", _likelihood()),
        ],
        settings=workspaces.WorkspaceSettings(max_runs=MOST),
        runset_settings=workspaces.RunsetSettings(
            filters=_filters(view),
            pinned_columns=[*columns, *(f"summary:{name}" for name in best)],
        ),
    )


def specification(workspace: workspaces.Workspace) -> str:
    """What is sent to W&B when the dashboard is saved, as JSON."""
    model = workspace._to_model()  # the library has no public way, and saves exactly this
    return str(model.model_dump_json(by_alias=True, exclude_none=True, indent=2)) + "\n"


def save(workspace: workspaces.Workspace) -> str:
    """Save a new view in W&B.

    Returns:
        Its address.

    Raises:
        InputError: no login, no connection, or no such entity or project.
    """
    try:
        workspace.save()
        return str(workspace.url)
    except Exception as error:  # the transport's own exceptions are private and differ between versions
        raise InputError(
            f"the dashboard cannot be saved as {workspace.entity}/{workspace.project} "
            f"({' '.join(str(error).split()).rstrip('.')}); run `wandb login`, check --entity and --project, "
            "or write it to a file with --output."
        ) from None


def _filters(view: View) -> list[expr.FilterExpr]:
    chosen = {"dataset": view.dataset, "split": view.split, "fields": view.fields}
    wanted = {label: value for label, value in chosen.items() if value is not None}
    for label, value in wanted.items():
        _require_plain(label, value)
    return [expr.Config(label) == value for label, value in wanted.items()]


def _require_plain(option: str, value: str) -> None:
    """The library writes filters as code and parses them: a quote breaks it, ``=`` comes out as ``==``."""
    if not re.fullmatch(r"[\w .+-]+", value):
        raise InputError(f"--{option}: {value!r} given; use letters, digits, spaces and . _ + - alone.")


def _section(name: str, shown: list[panels.Panel]) -> workspaces.Section:
    return workspaces.Section(name=name, panels=shown, is_open=True)


def _bars(figure: str, group: str) -> panels.BarPlot:
    """Mean over the runs of a group, and its standard error."""
    return panels.BarPlot(
        title=f"{figure} by {_GROUPS.get(group, group)}",
        metrics=[figure],
        groupby=panels.Config(group),
        groupby_aggfunc="mean",
        groupby_rangefunc="stderr",
        max_runs_to_show=MOST,
        max_bars_to_show=MOST,
    )


def _curves(figure: str, axis: str) -> panels.LinePlot:
    """Mean and range over the seeds of a row."""
    return panels.LinePlot(
        title=figure,
        x=axis,
        y=[figure],
        groupby=panels.Config("row"),
        groupby_aggfunc="mean",
        groupby_rangefunc="minmax",
        max_runs_to_show=MOST,
    )


def _codes(figure: str) -> panels.LinePlot:
    """One line per run and profile, whatever the profiles are called."""
    return panels.LinePlot(
        title=f"codes: {figure}", x=EPOCH, metric_regex=f"codes/.*/{figure}", max_runs_to_show=MOST
    )


def _likelihood() -> list[panels.Panel]:
    figures = ("profile/test_own", "profile/test_gain_over_other", "profile/test_gain_over_none")
    return [
        _curves("profile/nats", STEP),
        _curves("profile/val_nats", STEP),
        *(_bars(figure, "row") for figure in figures),
    ]
