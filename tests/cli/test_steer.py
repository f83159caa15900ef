"""`userip steer`: an experiment fitted again with codes that a person decides about."""

import json
from pathlib import Path

import pytest
import yaml

from tests.experiment import artifact_of
from userip_lightning.bank import FeatureBank
from userip_lightning.cli import main


@pytest.fixture(scope="module")
def steered(finished_catalogue: Path) -> dict:
    """A code anchored, two merged, a profile renamed, at once."""
    words = ["--anchors", "{hobby: {2: horror thriller}}", "--merge", "{background: [[0, 2]]}"]
    words += ["--rename", "{background: {taste: In films they look for}}", "--name", "steered"]
    assert main(["steer", str(finished_catalogue), *words]) == 0
    return json.loads((finished_catalogue.parent / "steered" / "steering.json").read_text())


def test_the_new_experiment_has_the_codes_that_were_asked_for(steered, finished_catalogue):
    root = finished_catalogue.parent / "steered"
    bank = FeatureBank.open(root / artifact_of(root, "catalogue/seed0"))
    assert (bank.names, bank.sizes) == (("hobby", "taste"), (4, 2))
    settings = yaml.safe_load((root / "config.yaml").read_text())
    assert settings["catalogue"]["model"]["steering"]["anchors"] == {"hobby": {"2": "horror thriller"}}
    assert (root / "report.html").is_file()


def test_before_and_after_stand_side_by_side(steered):
    assert [row["variant"] for row in steered["variants"]] == ["none", "as_fitted", "codes"]
    assert {row["seeds"] for row in steered["variants"]} == {1}
    assert {row["against"] for row in steered["contrasts"]} == {"none", "as_fitted"}
    before, after = steered["held_out"]
    assert before != after
    assert max(before, after) < 0  # log-likelihoods of labels
    assert [(code["profile"], code["code"]) for code in steered["before"]] == [
        ("hobby", 2),
        ("background", 0),
        ("background", 2),
    ]
    assert [(code["profile"], code["code"]) for code in steered["after"]] == [("hobby", 2), ("taste", 0)]


def test_merging_alone_moves_few(finished_catalogue, capsys):
    words = ["--merge", "{background: [[0, 2]]}", "--name", "merged"]
    assert main(["steer", str(finished_catalogue), *words]) == 0
    found = json.loads((finished_catalogue.parent / "merged" / "steering.json").read_text())
    assert found["moved"] < 0.2  # at the border between codes
    assert "Held-out log-likelihood" in capsys.readouterr().out


def test_another_experiment_is_not_overwritten_and_the_same_one_goes_on(steered, finished_catalogue, capsys):
    folder = finished_catalogue.parent / "steered"
    kept = (folder / "config.yaml").read_bytes()
    assert main(["steer", str(finished_catalogue), "--merge", "{hobby: [[0, 1]]}", "--name", "steered"]) == 2
    assert "another experiment is here" in " ".join(capsys.readouterr().err.split())
    assert (folder / "config.yaml").read_bytes() == kept
    words = ["--anchors", "{hobby: {2: horror thriller}}", "--merge", "{background: [[0, 2]]}"]
    words += ["--rename", "{background: {taste: In films they look for}}", "--name", "steered"]
    assert main(["steer", str(finished_catalogue), *words]) == 0
    assert "catalogue/seed0: nothing changed, kept" in capsys.readouterr().err


def test_a_steered_experiment_is_not_steered_again(steered, finished_catalogue, capsys):
    folder = finished_catalogue.parent / "steered"
    assert main(["steer", str(folder), "--rename", "{hobby: {a: x}}"]) == 2
    assert "its codes are steered already" in capsys.readouterr().err


def test_the_experiment_it_began_from_is_as_it_was(steered, finished_catalogue):
    settings = yaml.safe_load((finished_catalogue / "config.yaml").read_text())
    assert settings["catalogue"]["model"]["steering"] is None
    bank = FeatureBank.open(finished_catalogue / artifact_of(finished_catalogue, "catalogue/seed0"))
    assert bank.sizes == (4, 3)


def test_a_profile_of_the_per_user_engine_is_renamed_for_its_language_model(finished, capsys):
    words = ["--rename", "{background: {platform: This user's favourite platform is}}", "--name", "renamed"]
    assert main(["steer", str(finished), *words]) == 0
    settings = yaml.safe_load((finished.parent / "renamed" / "config.yaml").read_text())
    assert list(settings["profiles"]) == ["hobby", "platform"]
    assert settings["profiles"]["platform"] == {"size": 3, "text": "This user's favourite platform is"}
    found = json.loads((finished.parent / "renamed" / "steering.json").read_text())
    assert found["held_out"][0] != found["held_out"][1]
    assert "Held-out log-likelihood" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "nothing to change; give --anchors, --merge or --rename"),
        (["--anchors", "{hobbies: {2: x}}"], "no profile 'hobbies'; there are hobby, background"),
        (["--anchors", "{hobby: {9: x}}"], "no code 9; there are 0 to 3"),
        (["--anchors", "{hobby: {0: zzyzx}}", "--name", "nothing"], "none of the words in 'zzyzx' occurs"),
        (["--rename", "{job: {work: x}}"], "no profile 'job'"),
        (["--rename", "{hobby: {a: x, b: y}}"], "'hobby' has 2 new names, expected one"),
        (["--rename", "{hobby: {background: x}}"], "would be called background, background"),
        (["--merge", "{hobby: [[0, 1]]}", "--seed", "9"], "--seed: 9"),
        (["--merge", "{hobby: [[1]]}"], "groups of two or more"),
        (["--merge", "{hobby: [[0, 1]]}", "--name", "tiny_catalogue"], "is the experiment itself"),
        (["--merge", "{hobby: [[0, 1]]}", "--name", "../x"], "is no folder name"),
    ],
)
def test_bad_input_is_one_sentence(finished_catalogue, words, told, capsys):
    assert main(["steer", str(finished_catalogue), *words]) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert told in error
    assert "Traceback" not in error


def test_what_has_no_table_cannot_be_anchored(finished, capsys):
    assert main(["steer", str(finished), "--anchors", "{hobby: {0: x}}"]) == 2
    assert "the per-user engine has none" in " ".join(capsys.readouterr().err.split())
