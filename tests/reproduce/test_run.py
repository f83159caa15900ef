"""A study from end to end, run again, killed, and with rows that fail."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import psutil
import pytest

from tests.reproduce.conftest import LOGISTIC
from tests.server import start
from userip_lightning.cli import main

ROOT = Path(__file__).parent.parent.parent
METHODS = {"item popularity", "DCN", "UserIP-DCN", "LR", "UserIP-LR", "DCN + shuffled", "KAR"}
NET = "tests.reproduce.nets."


def artifacts(output: Path) -> dict[str, int]:
    """Every file of every run, and when it was written."""
    folders = ("profile", "quantize", "controls", "ctr", "trials")
    return {
        str(file.relative_to(output)): file.stat().st_mtime_ns
        for name in folders
        for file in (output / "study" / name).rglob("*")
        if file.is_file()
    }


def wait_for(condition: Callable[[], object]) -> None:
    """Look every few hundredths of a second, for two minutes at most."""
    deadline = time.monotonic() + 120
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.03)
    assert condition()


def test_every_method_is_measured_in_every_block(reproduced):
    records = json.loads((reproduced / "study" / "table2" / "entries.json").read_text())
    blocks = {(record["split"], record["fields"]) for record in records}
    assert blocks == {(split, fields) for split in ("random", "cold_users") for fields in ("ids", "rich")}
    assert len(records) == len(METHODS) * len(blocks)
    assert {record["method"] for record in records} == METHODS
    measured = [record for record in records if record["method"] != "KAR"]
    assert all(len(record["runs"]) == 2 and not record["failed"] for record in measured)
    for record in measured:
        for run in record["runs"]:
            assert (reproduced / "study" / run / "predictions.parquet").is_file()


def test_what_is_not_run_says_why(reproduced, entries):
    kar = entries(reproduced / "study" / "table2")["KAR"]
    assert kar["runs"] == []
    assert kar["not_run"] == "It asks a language model that is not here."


def test_rows_of_a_block_differ_in_what_they_read(reproduced, entries):
    """Networks without codes, with codes and with shuffled codes see other fields, and rich blocks more."""
    fields = {}
    for block in ("ids", "rich"):
        for method in ("DCN", "UserIP-DCN", "DCN + shuffled"):
            run = entries(reproduced / "study" / "table2", "random", block)[method]["runs"][0]
            manifest = json.loads((reproduced / "study" / run / "manifest.json").read_text())
            fields[block, method] = [name for name, _ in manifest["extra"]["fields"]]
    codes = ["code_hobby", "code_background"]
    assert fields["ids", "DCN"] == ["user_id", "item_id"]
    assert fields["ids", "UserIP-DCN"] == fields["ids", "DCN + shuffled"] == ["user_id", "item_id", *codes]
    assert set(fields["rich", "DCN"]) > {"user_id", "item_id", "user_occupation", "item_genres"}


def test_codes_and_their_control_name_the_sizes_behind_them(reproduced, entries):
    found = entries(reproduced / "study" / "table2", "random", "ids")
    assert found["UserIP-LR"]["sizes"] == found["DCN + shuffled"]["sizes"] == {"hobby": 4, "background": 3}
    assert found["DCN"]["sizes"] == {}


def test_the_same_command_again_keeps_every_cell(reproduced, study_words, tmp_path, capsys):
    shutil.copytree(reproduced, tmp_path / "again")
    before = artifacts(tmp_path / "again")
    assert main(study_words("table2", tmp_path / "again", "--splits", "random")) == 0
    assert artifacts(tmp_path / "again") == before
    assert capsys.readouterr().err.count("nothing changed, kept") == 3 + 2 * 6  # stages, rows


def test_another_table_finds_what_this_one_has_trained(reproduced, study_words, entries, tmp_path, capsys):
    shutil.copytree(reproduced, tmp_path / "again")
    words = ["--splits", "random", "--fields", "[ids]"]
    assert main(study_words("table3", tmp_path / "again", *words)) == 0
    done = [line for line in capsys.readouterr().err.splitlines() if ": done" in line]
    assert len(done) == 1
    assert "DCN + z" in done[0]
    found = entries(tmp_path / "again" / "study" / "table3")
    assert set(found) == {"item popularity", "DCN", "UserIP-DCN", "DCN + z", "DCN + shuffled"}
    run = found["DCN + z"]["runs"][0]
    manifest = json.loads((tmp_path / "again" / "study" / run / "manifest.json").read_text())
    assert [name for name, _ in manifest["extra"]["fields"]][2:] == ["z_hobby", "z_background"]


@pytest.mark.parametrize("what", ["code", "data", "setting"])
def test_a_cell_of_other_code_data_or_settings_is_trained_anew(
    what, alone, settings, tmp_path, monkeypatch, capsys
):
    assert main(alone(tmp_path, "item popularity")) == 0
    before = set(artifacts(tmp_path))
    changes: dict = {}
    if what == "code":
        monkeypatch.setattr("userip_lightning.pipeline.plan.code_hash", lambda modules: "other")
    elif what == "data":
        file = tmp_path / "other.yaml"
        file.write_text(json.dumps({**settings, "seed": 1, "ctr": {"trainer": {"max_epochs": 1}}}))
        changes["dataset_files"] = {"tiny": str(file)}
    else:
        changes["selection"] = {"patience": 3}
    capsys.readouterr()
    assert main(alone(tmp_path, "item popularity", **changes)) == 0
    new = {Path(name).parent for name in set(artifacts(tmp_path)) - before}
    assert len(new) == (3 if what == "data" else 2)  # two seeds, and popularity where the rows are others
    assert "baseline: done" in capsys.readouterr().err


def test_a_row_that_fails_or_dies_is_shown_and_the_others_are_measured(
    alone, entries, tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    nets = {"broken": {"class_path": f"{NET}Broken"}, "killed": {"class_path": f"{NET}Killed"}}
    assert main(alone(tmp_path, *nets, references={**nets, "baseline": LOGISTIC}, workers=1)) == 2
    output = capsys.readouterr()
    assert "2 of 3 rows failed" in output.err
    found = entries(tmp_path / "study" / "table2")
    assert found["broken"]["failed"].startswith(
        "ZeroDivisionError: this network has a mistake (traceback in "
    )
    assert "exit code -9" in found["killed"]["failed"]
    assert len(found["baseline"]["runs"]) == 2
    (file,) = (tmp_path / "study" / "failures").iterdir()
    assert "in __init__" in file.read_text()
    report = (tmp_path / "study" / "table2" / "report.md").read_text()
    assert "this network has a mistake" in report


def test_a_study_that_was_killed_ends_like_one_that_was_not(alone, entries, cache, tmp_path):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    killed.mkdir()
    seeds = list(range(6))
    process = start(alone(killed, seeds=seeds, workers=1), tmp_path / "said")
    wait_for(lambda: list((killed / "study").glob("ctr/*/manifest.json")))
    below = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.join()
    assert below
    assert psutil.wait_procs(below, timeout=20)[1] == []  # nobody is left to write into the folder
    before = {name: time for name, time in artifacts(killed).items() if "/." not in name}
    assert 0 < len({Path(name).parent for name in before}) < len(seeds)
    for output in (killed, whole):
        assert main(alone(output, seeds=seeds)) == 0
    after = artifacts(killed)
    assert {name: after[name] for name in before} == before
    runs = [entries(output / "study" / "table2")["baseline"]["runs"] for output in (killed, whole)]
    assert runs[0] == runs[1]
    for run in runs[0]:
        files = (output / "study" / run / "predictions.parquet" for output in (killed, whole))
        first, second = map(pl.read_parquet, files)
        assert first.equals(second)


def test_data_that_is_missing_is_not_run_and_stops_nothing(alone, settings, tmp_path):
    source = {
        "class_path": "userip_lightning.data.sources.tabular.Tabular",
        "init_args": {"path": "none.csv"},
    }
    missing, there = tmp_path / "missing.yaml", tmp_path / "there.yaml"
    missing.write_text(json.dumps({**settings, "data": {"source": source}}))
    there.write_text(json.dumps({**settings, "ctr": {"trainer": {"max_epochs": 1}}}))
    files = {"missing": str(missing), "there": str(there)}
    assert main(alone(tmp_path, "item popularity", dataset_files=files, seeds=[0])) == 0
    records = json.loads((tmp_path / "study" / "table2" / "entries.json").read_text())
    states = {(record["dataset"], record["method"]): record["not_run"] for record in records}
    for method in ("baseline", "item popularity"):
        assert "none.csv" in states["missing", method]
        assert states["there", method] is None


def test_without_the_language_model_the_rows_without_codes_are_measured(
    study_words, entries, settings, tmp_path
):
    model = {**settings["profile"]["model"], "lm": {"name": str(tmp_path / "no-model")}}
    profile = {**settings["profile"], "model": model}
    file = tmp_path / "no_lm.yaml"
    file.write_text(json.dumps({**settings, "profile": profile, "ctr": {"trainer": {"max_epochs": 1}}}))
    words = ["--splits", "random", "--fields", "[ids]", "--methods", "LR", "DCN + shuffled"]
    assert main(study_words("table2", tmp_path, *words, dataset_files={"tiny": str(file)}, seeds=[0])) == 0
    found = entries(tmp_path / "study" / "table2")
    assert len(found["LR"]["runs"]) == 1
    for method in ("UserIP-LR", "DCN + shuffled"):
        assert "no-model" in found[method]["not_run"]
        assert found[method]["runs"] == []


def test_codes_of_other_users_profiles_are_a_row_with_its_own_stage_2(study_words, entries, tmp_path, capsys):
    words = ["--splits", "random", "--fields", "[ids]", "--methods", "UserIP-DCN", "DCN + permuted z"]
    assert main(study_words("table2", tmp_path, *words, controls=["permuted_z"])) == 0
    assert "quantize/permuted_z/seed1: done" in capsys.readouterr().err
    found = entries(tmp_path / "study" / "table2")
    assert found["DCN + permuted z"]["control"] == "permuted_z"
    assert found["DCN + permuted z"]["sizes"] == found["UserIP-DCN"]["sizes"]
    scored = set()
    for method in ("UserIP-DCN", "DCN + permuted z"):
        assert len(found[method]["runs"]) == 2
        for run in found[method]["runs"]:
            scores = pl.read_parquet(tmp_path / "study" / run / "predictions.parquet")["score"]
            scored.add(tuple(scores.to_list()))
    assert len(scored) == 4


def test_codes_of_other_language_models_and_engines_stand_in_one_block(
    study_words, entries, tiny_gpt2, tmp_path, capsys
):
    gpt2, catalogue = tmp_path / "gpt2.yaml", tmp_path / "catalogue.yaml"
    gpt2.write_text(json.dumps({"profile": {"model": {"lm": {"name": str(tiny_gpt2)}}}}))
    catalogue.write_text(json.dumps({"engine": "catalogue", "catalogue": {"model": {"starts": 1}}}))
    further = {"UserIP-gpt2": str(gpt2), "UserIP-catalogue": str(catalogue)}
    methods = ["DCN", *further]
    words = ["--splits", "random", "--fields", "[ids]", "--seeds", "[0]", "--methods", *methods]
    assert main(study_words("table2", tmp_path, *words, further_codes=further)) == 0
    found = entries(tmp_path / "study" / "table2")
    assert found["UserIP-gpt2"]["codes"] == "UserIP-gpt2"
    assert found["UserIP-DCN"]["codes"] is None
    scores = [
        pl.read_parquet(tmp_path / "study" / found[method]["runs"][0] / "predictions.parquet")["score"]
        for method in ("UserIP-DCN", *further)
    ]
    assert len({tuple(score.to_list()) for score in scores}) == 3
    report = (tmp_path / "study" / "table2" / "report.md").read_text()
    assert "Relative improvement as in the paper's Table 2" in report
    assert "UserIP-gpt2 / quantize/seed0: done" in capsys.readouterr().err


@pytest.mark.parametrize("source", ["BagOfWords", "NoText"])
def test_a_table_of_the_catalogue_engine_has_its_own_controls(
    source, study_words, entries, settings, tmp_path
):
    file = tmp_path / "catalogue.yaml"
    text = f"userip_lightning.texts.source.{source}"
    section = {"model": {"starts": 1}, "data": {"text": text}}
    file.write_text(json.dumps({**settings, "catalogue": section, "ctr": {"trainer": {"max_epochs": 1}}}))
    changes = {"engine": "catalogue", "controls": ["shuffled", "permuted_z", "permuted_text"]}
    words = ["--splits", "random", "--fields", "[ids]", "--seeds", "[0]", "--methods", "DCN"]
    assert main(study_words("table2", tmp_path, *words, dataset_files={"tiny": str(file)}, **changes)) == 0
    found = entries(tmp_path / "study" / "table2")
    assert set(found) == {"DCN", "UserIP-DCN", "DCN + shuffled", "DCN + permuted text"}
    assert found["UserIP-DCN"]["sizes"] == {"hobby": 4, "background": 3}
    permuted = found.pop("DCN + permuted text")
    assert ("no text to permute" in str(permuted["not_run"])) == (source == "NoText")
    assert len(permuted["runs"]) == (source == "BagOfWords")
    assert all(len(record["runs"]) == 1 for record in found.values())


def test_a_growing_codebook_has_a_row_per_size(reproduced, study_words, entries, tmp_path):
    shutil.copytree(reproduced, tmp_path / "again")
    words = ["--splits", "random", "--fields", "[ids]", "--seeds", "[0]"]
    assert main(study_words("fig6", tmp_path / "again", *words, sweep_engine="per_user")) == 0
    found = entries(tmp_path / "again" / "study" / "fig6")
    sizes = {method: record["sizes"] for method, record in found.items()}
    assert sizes == {
        "DCN": {},
        "UserIP-DCN, background 3": {"hobby": 4, "background": 3},
        "UserIP-DCN, background 4": {"hobby": 4, "background": 4},
    }
    assert all(len(record["runs"]) == 1 for record in found.values())


def test_runs_that_are_judged_go_to_wandb_under_the_names_of_the_table(alone, tmp_path, monkeypatch):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    changes = {"wandb": {"mode": "offline"}, "tuning": {"trials": 2}, "seeds": [0]}
    assert main(alone(tmp_path, **changes)) == 0
    (run,) = (tmp_path / "study" / "wandb").glob("offline-run-*")  # none of a trial
    (file,) = run.glob("*.wandb")
    content = file.read_bytes()
    assert all(word in content for word in (b"baseline", b"tiny", b"random", b"study"))
