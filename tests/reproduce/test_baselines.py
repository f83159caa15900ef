"""The language-model baselines as rows of a study: measured, kept, and refused in a sentence."""

import json
from pathlib import Path

import pytest

from userip_lightning.cli import main
from userip_lightning.errors import InputError
from userip_lightning.reproduce.baseline_settings import read_baseline

ALL = ["KAR", "PEPLER", "ReLLa"]


@pytest.fixture
def baselines(tiny_llama: Path, tiny_encoder: Path) -> dict:
    lm, encoder = {"name": str(tiny_llama)}, {"name": str(tiny_encoder)}
    trainer = {"max_epochs": 1, "accelerator": "cpu"}
    return {
        "KAR": {
            "method": "kar",
            "knowledge": {"lm": lm, "encoder": encoder, "generation": {"max_new_tokens": 4}},
            "adaptor": {"width": 4, "expert_hidden": [8]},
        },
        "PEPLER": {
            "method": "pepler",
            "model": {"lm": lm},
            "data": {"explained_rows": 4},
            "trainer": trainer,
        },
        "ReLLa": {
            "method": "rella",
            "seeds": 1,
            "model": {"lm": lm},
            "data": {"train_rows": 16, "val_rows": 30, "test_rows": 30, "encoder": encoder},
            "trainer": trainer,
        },
    }


@pytest.fixture
def words(study_words, baselines):
    def words(output: Path, *more: str, **changes: object) -> list[str]:
        settings = {"baselines": baselines, "not_run": {}, **changes}
        return study_words("table2", output, "--splits", "random", *more, **settings)

    return words


def test_every_baseline_is_measured_beside_the_network(words, entries, tmp_path):
    command = words(tmp_path, "--fields", "[ids]", "--methods", *ALL, "DCN")
    assert main(command) == 0
    found = entries(tmp_path / "study" / "table2", "random", "ids")
    for name in ALL:
        assert not found[name]["failed"], found[name]["failed"]
        assert not found[name]["not_run"], found[name]["not_run"]
        assert found[name]["group"] == "llm"
        assert found[name]["against"] == "DCN"
    assert [len(found[name]["runs"]) for name in ALL] == [2, 2, 1]
    assert [found[name]["part"] for name in ALL] == [False, False, True]
    assert "tuned on 16 training rows (LoRA), 15 retrieved behaviours" in found["ReLLa"]["note"]
    assert "the text of 100% of the rows" in found["PEPLER"]["note"]
    assert "texts of up to 4 tokens" in found["KAR"]["note"]
    report = (tmp_path / "study" / "table2" / "report.md").read_text()
    assert "Judged on 30 of 56 rows with 1 of 2 seeds; DCN on the same rows and seeds: AUC" in report
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "study").rglob("manifest.json")}
    assert main(command) == 0
    after = {file: file.stat().st_mtime_ns for file in (tmp_path / "study").rglob("manifest.json")}
    report = tmp_path / "study" / "table2" / "manifest.json"
    assert {file: at for file, at in after.items() if file != report} == {
        file: at for file, at in before.items() if file != report
    }


def test_the_network_of_kar_reads_the_knowledge(words, entries, tmp_path):
    assert main(words(tmp_path, "--methods", "KAR", "--fields", "[ids]")) == 0
    (run, _) = entries(tmp_path / "study" / "table2")["KAR"]["runs"]
    manifest = json.loads((tmp_path / "study" / run / "manifest.json").read_text())
    assert [name for name, _ in manifest["extra"]["fields"]] == [
        *("user_id", "item_id", "user_knowledge", "item_knowledge")
    ]
    (folder,) = (tmp_path / "study" / "knowledge").iterdir()
    assert json.loads((folder / "manifest.json").read_text())["kind"] == "knowledge"


def test_knowledge_of_other_settings_or_of_others_lies_apart(words, baselines, entries, tmp_path):
    kar = baselines["KAR"]
    longer = {**kar["knowledge"], "generation": {"max_new_tokens": 5}}
    labels = {"control": {**kar, "shuffled": True}, "longer": {**kar, "knowledge": longer}, "KAR": kar}
    assert main(words(tmp_path, "--methods", *labels, "--fields", "[ids]", baselines=labels)) == 0
    found = entries(tmp_path / "study" / "table2")
    assert len(list((tmp_path / "study" / "knowledge").iterdir())) == 3
    assert len({run for label in labels for run in found[label]["runs"]}) == 6
    assert found["control"]["note"].startswith(
        "Knowledge of somebody else (a control, one permutation for all seeds): texts of up to 4"
    )


def test_without_the_language_model_a_baseline_is_not_run(words, baselines, entries, tmp_path):
    gone = {"name": str(tmp_path / "no-model")}
    baselines["PEPLER"]["model"]["lm"] = gone
    baselines["KAR"]["knowledge"]["lm"] = gone
    assert main(words(tmp_path, "--methods", "PEPLER", "KAR", "--fields", "[ids]")) == 0
    found = entries(tmp_path / "study" / "table2")
    for name in ("PEPLER", "KAR"):
        assert "no-model" in found[name]["not_run"]


def test_a_setting_that_cannot_be_used_is_a_failure_and_not_a_lack(words, baselines, entries, tmp_path):
    baselines["ReLLa"]["model"]["target_modules"] = ["none_of_these"]
    assert main(words(tmp_path, "--methods", "ReLLa", "--fields", "[ids]")) == 2
    found = entries(tmp_path / "study" / "table2")["ReLLa"]
    assert "no linear layer 'none_of_these'; it has" in found["failed"]
    assert found["not_run"] is None


def test_under_other_splits_a_baseline_is_not_run(words, entries, tmp_path):
    only = words(tmp_path, "--methods", "PEPLER", baseline_splits=["cold_users"])
    assert main(only) == 0
    assert "cold_users alone" in entries(tmp_path / "study" / "table2", "random")["PEPLER"]["not_run"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"method": "tallrec"}, "baselines.X: method is 'tallrec'; give one of kar, pepler, rella"),
        ({}, "baselines.X: method is None"),
        ({"method": "pepler", "seeds": 0}, "baselines.X: seeds is 0; give a number from 1 up"),
        (
            {"method": "rella", "trainer": {"accelerator": "cpu", "devices": 2}},
            "baselines.X: trainer asks for 2 processes, but a baseline runs in one",
        ),
        ({"method": "rella", "trainer": [None]}, "baselines.X: trainer: [None] given, settings with names"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(given, said):
    with pytest.raises(InputError) as error:
        read_baseline("X", given)
    assert str(error.value).startswith(said)


def test_a_network_that_the_study_lacks_is_refused(words, baselines, tmp_path, capsys):
    baselines["KAR"]["network"] = "PNN"
    assert main(words(tmp_path, "--methods", "KAR")) == 2
    assert "baselines.KAR: network 'PNN' is not among the study's (DCN, LR)" in capsys.readouterr().err
