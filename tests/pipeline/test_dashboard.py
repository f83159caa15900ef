"""The dashboard as W&B gets it: the specification that the library makes, and one that it saves."""

import json
import re
from fnmatch import fnmatch
from typing import Any

import pytest

from tests.pipeline.wandb_server import Server
from userip_lightning.errors import InputError
from userip_lightning.pipeline.metric_names import EPOCH, FIGURES, STEP

pytest.importorskip("wandb_workspaces", reason="dashboards are an extra: pip install -e '.[dashboard]'")

from userip_lightning.pipeline.dashboard import View, compose, save, specification

WHOLE = View("team", "userip", "UserIP", dataset=None, split=None, fields=None)


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    """Of the dashboard over everything."""
    return dict(json.loads(specification(compose(WHOLE))))


def sections(spec: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Panel configurations by section."""
    found = spec["spec"]["section"]["panelBankConfig"]["sections"]
    return {
        section["name"]: [{"kind": panel["viewType"], **panel["config"]} for panel in section["panels"]]
        for section in found
    }


def test_it_names_where_it_belongs(spec):
    assert (spec["entity"], spec["project"], spec["displayName"]) == ("team", "userip", "UserIP")
    names = ["AUC", "Logloss", "Curves", "Codebook health", "Catalogue engine", "Stage 1 likelihood"]
    assert list(sections(spec)) == names


@pytest.mark.parametrize(("section", "figure"), [("AUC", "test/auc"), ("Logloss", "test/logloss")])
def test_test_figures_are_bars_by_row_method_data_set_and_split(spec, section, figure):
    bars = sections(spec)[section]
    assert {bar["kind"] for bar in bars} == {"Bar Chart"}
    assert [bar["metrics"] for bar in bars] == [[figure]] * 4
    assert [bar["groupBy"] for bar in bars] == ["row.value", "method.value", "dataset.value", "split.value"]
    assert {(bar["groupAgg"], bar["groupArea"], bar["aggregate"]) for bar in bars} == {
        ("mean", "stderr", True)
    }


def test_curves_are_drawn_by_epoch_over_the_seeds_of_a_row(spec):
    curves = sections(spec)["Curves"]
    assert [(curve["metrics"], curve["xAxis"], curve["groupBy"]) for curve in curves] == [
        (["val/auc"], EPOCH, "row.value"),
        (["val/logloss"], EPOCH, "row.value"),
        (["train/loss"], EPOCH, "row.value"),
    ]


def test_codebook_health_finds_profiles_of_any_name(spec):
    panels = sections(spec)["Codebook health"]
    assert [panel["xAxis"] for panel in panels] == [EPOCH] * 3
    for panel, figure in zip(panels, ("perplexity", "usage_min", "flips"), strict=True):
        assert panel["useMetricRegex"]
        assert re.fullmatch(panel["metricRegex"], f"codes/spending habits/{figure}")


def test_stage_1_is_drawn_by_step(spec):
    lines = [
        panel for panel in sections(spec)["Stage 1 likelihood"] if panel["kind"] == "Run History Line Plot"
    ]
    assert [(line["metrics"], line["xAxis"]) for line in lines] == [
        (["profile/nats"], STEP),
        (["profile/val_nats"], STEP),
    ]


def test_every_panel_shows_a_figure_that_runs_log(spec):
    names = [figure.name for figure in FIGURES]
    shown = [panel for panels in sections(spec).values() for panel in panels]
    for panel in shown:
        metrics = panel["metrics"] or [panel["metricRegex"].replace(".*", "hobby")]
        assert all(any(fnmatch(metric, name) for name in names) for metric in metrics)


def test_a_view_can_be_narrowed(spec):
    narrow = compose(WHOLE._replace(dataset="ml-100k", split="cold_users"))
    (runs,) = json.loads(specification(narrow))["spec"]["section"]["runSets"]
    chosen = [(one["key"]["name"], one["op"], one["value"]) for one in runs["filters"]["filters"]]
    assert chosen == [("dataset", "=", "ml-100k"), ("split", "=", "cold_users")]
    (runs,) = spec["spec"]["section"]["runSets"]
    assert runs["filters"]["filters"] == []


@pytest.mark.parametrize(
    "changed", [{"dataset": "it's"}, {"split": "a = b"}, {"fields": ""}, {"name": "🙂"}], ids=str
)
def test_what_the_library_would_garble_is_refused(changed):
    (option,) = changed
    with pytest.raises(InputError, match=f"--{option}: "):
        compose(WHOLE._replace(**changed))


def test_it_is_saved_as_it_is_specified(monkeypatch):
    with Server(refuses=False) as server:
        server.log_in(monkeypatch)
        workspace = compose(WHOLE)
        address = save(workspace)
    assert address.startswith(f"{server.address}/team/userip?nw=")
    (saved,) = server.saved
    assert (saved["entityName"], saved["projectName"], saved["type"]) == ("team", "userip", "project-view")
    assert json.loads(saved["spec"]) == json.loads(specification(workspace))["spec"]


def test_a_refusal_is_one_sentence(monkeypatch):
    with Server(refuses=True) as server:
        server.log_in(monkeypatch)
        with pytest.raises(InputError, match=r"team/userip \(.*permission denied\); run `wandb login`"):
            save(compose(WHOLE))


def test_no_login_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path))
    with pytest.raises(InputError, match=r"run `wandb login`.* or write it to a file with --output"):
        save(compose(WHOLE))
