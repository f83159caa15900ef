"""`userip fit --workers 2`: CTR runs at the same time end as they do one after another."""

import json
import re
import shutil

from tests.pipeline.killer import VARIABLE
from tests.pipeline.test_run import RUNS, assert_same_outcome

CTR_RUNS = 6


def _without_ctr(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "tiny")
    shutil.rmtree(tmp_path / "tiny" / "ctr")
    shutil.rmtree(tmp_path / "tiny" / "work")
    return tmp_path / "tiny"


def test_two_at_a_time_predict_what_one_after_another_does(finished, fit, tmp_path, capsys):
    root = _without_ctr(finished, tmp_path)
    assert fit(tmp_path, "--workers", "2") == 0
    said = capsys.readouterr().err
    assert said.count(": done in") == CTR_RUNS
    assert said.count("nothing changed, kept") == RUNS - CTR_RUNS
    assert_same_outcome(finished, root)
    records = json.loads((root / "results.json").read_text())["runs"]
    assert all(run["wall_s"] > 0 for run in records if run["stage"] == "ctr")

    assert fit(tmp_path, "--workers", "2") == 0
    assert capsys.readouterr().err.count("nothing changed, kept") == RUNS


def test_a_run_that_dies_is_named_and_goes_on_next_time(finished, fit, tmp_path, monkeypatch, capsys):
    root = _without_ctr(finished, tmp_path)
    monkeypatch.setenv(VARIABLE, "ctr SIGKILL")
    assert fit(tmp_path, "--workers", "2") == 2
    said = capsys.readouterr().err
    # two are killed, whichever ends first is told
    assert re.search(r"userip fit: ctr/(none|codes)/seed0: its process ended with exit code -9", said)
    assert "Traceback" not in said
    monkeypatch.delenv(VARIABLE)
    assert fit(tmp_path, "--workers", "2") == 0
    assert_same_outcome(finished, root)
    assert any(run.get("resumed") for run in json.loads((root / "results.json").read_text())["runs"])


def test_no_workers_are_refused(fit, tmp_path, capsys):
    assert fit(tmp_path, "--workers", "0") == 2
    assert "workers: 0 given, a number from 1 up is needed" in capsys.readouterr().err


def test_runs_of_several_processes_each_are_refused(fit, tmp_path, capsys, finished):
    _without_ctr(finished, tmp_path)
    words = ["--workers", "2", "--ctr.trainer.devices", "2", "--ctr.trainer.strategy", "ddp"]
    assert fit(tmp_path, *words) == 2
    assert "leave one of the two at 1" in capsys.readouterr().err
