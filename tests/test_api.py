"""The Python interface: what the command does, from a notebook."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import userip_lightning as ui
from userip_lightning.errors import InputError

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def run(catalogue_config: Path) -> ui.Run:
    return ui.fit(catalogue_config, progress=False, experiment="from_python")


def test_a_run_has_its_table_and_verdict(run):
    assert run.table["variant"].to_list() == ["none", "codes", "shuffled"]
    assert run.table["auc"].is_between(0, 1).all()
    assert run.contrasts["against"].to_list() == ["none", "shuffled"]
    assert "2 seeds, and a claim takes at least 5" in run.verdict
    assert run.report.is_file()
    assert run.results["experiment"] == "from_python"


def test_codes_bank_and_profiler_are_of_the_same_users(run):
    codes = run.codes
    assert codes.columns == ["user_id", "hobby", "background"]
    assert run.bank.lookup(codes["user_id"].to_list()).tolist() == [
        list(row) for row in codes.drop("user_id").rows()
    ]
    assert run.profiler.names == ("hobby", "background")


def test_the_command_finds_the_run_done(run, catalogue_config, capsys):
    from userip_lightning.cli import main

    words = [
        "fit",
        "--config",
        str(catalogue_config),
        "--experiment",
        "from_python",
        "--stages",
        "catalogue,ctr",
    ]
    assert main(words) == 0
    told = capsys.readouterr().err
    assert "catalogue/seed0: nothing changed, kept" in told
    assert "done in" not in told


def test_a_run_is_opened_again_with_another_seed(run):
    again = ui.load(run.folder, seed=1)
    assert again.bank.path != run.bank.path
    assert repr(again) == f"Run({str(run.folder)!r}, seed=1)"
    with pytest.raises(InputError, match="seeds \\[0, 1\\]"):
        ui.load(run.folder, seed=7)


def test_settings_go_on_top_of_the_files(catalogue_config):
    small = ui.fit(
        catalogue_config,
        progress=False,
        experiment="small",
        stages=["prepare", "catalogue"],
        seeds=[3],
        profiles={"hobby": {"size": 2}, "background": {"size": 1}},
    )
    assert small.seed == 3
    assert small.bank.sizes == (2, 1)
    with pytest.raises(InputError, match="fit it to the end"):
        small.table  # noqa: B018  # to read it is the test


def test_settings_may_be_paths_and_ranges_and_old_results_are_not_returned(catalogue_config, tmp_path):
    kept = {"output": tmp_path, "seeds": range(1, 2), "controls": (), "progress": False}
    run = ui.fit(catalogue_config, stages=["prepare", "catalogue", "report"], **kept)
    assert (run.folder, run.seed) == (tmp_path / "tiny_catalogue", 1)
    assert run.results["not_run"]
    moved = run.folder.rename(tmp_path / "renamed")
    assert ui.load(moved).results["not_run"]
    moved.rename(run.folder)
    profiles = {"hobby": {"size": 2}, "background": {"size": 1}}
    run = ui.fit(catalogue_config, stages=["prepare", "catalogue"], profiles=profiles, **kept)
    with pytest.raises(InputError, match=r"results\.json: made with other settings"):
        run.table  # noqa: B018  # to read it is the test


def test_bad_input_is_one_sentence(catalogue_config, tmp_path):
    with pytest.raises(InputError, match=r"^fit: sedes: no such setting"):
        ui.fit(catalogue_config, sedes=[0])
    with pytest.raises(InputError, match=r"^fit: .*missing\.yaml: no such file"):
        ui.fit(tmp_path / "missing.yaml")
    with pytest.raises(InputError, match="no experiment here"):
        ui.load(tmp_path)
    (tmp_path / "config.yaml").write_text("sedes: [0]")
    with pytest.raises(InputError, match=r"config\.yaml: sedes: no such setting"):
        ui.load(tmp_path)
    with pytest.raises(InputError, match=r"^fit: <object .* is no setting; give text"):
        ui.fit(catalogue_config, seeds=object())
    with pytest.raises(InputError, match="asks for 2 processes"):
        ui.fit(catalogue_config, ctr={"trainer": {"devices": 2, "strategy": "ddp"}})
    with pytest.raises(AttributeError, match="fitt"):
        ui.fitt  # noqa: B018  # to read it is the test


def test_the_package_itself_loads_no_training_framework():
    program = "import sys, userip_lightning; print('torch' in sys.modules, 'polars' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.split() == ["False", "False"]


def test_predictions_can_be_read_from_what_a_run_says_it_left(run):
    (codes,) = (r for r in run.results["runs"] if r["label"] == "ctr/codes/seed0")
    found = pl.read_parquet(run.folder / codes["artifact"] / "predictions.parquet")
    assert {"row_id", "user_id", "split", "label", "score"} <= set(found.columns)


def test_a_run_explains_its_codes(run):
    told = run.explain(lm="none", users=5)
    codes = told.codes
    assert codes.group_by("profile", maintain_order=True).len().rows() == [("hobby", 4), ("background", 3)]
    assert codes.filter(profile="hobby")["users"].sum() == run.codes.height
    assert repr(told) == "Explained(hobby, background); see .codes, .page and .user(user_id)"
    shown = told._repr_html_()
    assert shown.startswith("<iframe title=")
    assert "<script" not in shown  # the page is an attribute, escaped
    user = told.user(run.codes["user_id"][0])
    assert user.codes == list(run.codes.drop("user_id").row(0))
    assert user.evidence.prior + sum(event.nats for event in user.evidence.events) == pytest.approx(
        user.evidence.total, abs=1e-5
    )
    with pytest.raises(InputError, match="nobody has the id 'x'"):
        told.user("x")
    with pytest.raises(InputError, match="users: -1 given"):
        run.explain(users=-1)
