"""The search for hyper-parameters: the same budget for all, validation alone, the best trial wins."""

import json
import shutil
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from tests.forged import forge
from userip_lightning.cli import main
from userip_lightning.cli.reproduce import parse_study
from userip_lightning.reproduce.case import ctr_experiment, open_case, read_experiment
from userip_lightning.reproduce.choice import Choice, chosen_rows
from userip_lightning.reproduce.networks import read_networks
from userip_lightning.reproduce.row_task import Task
from userip_lightning.reproduce.tuning import TRIALS, choose

TRIED = 3


def trials(root: Path) -> list[dict]:
    return [json.loads(file.read_text()) for file in sorted((root / TRIALS).iterdir())]


@pytest.fixture
def task(study_words, tmp_path) -> Task:
    """DCN without codes on the random split, to be tuned."""
    words = study_words("table2", tmp_path, tuning={"trials": TRIED})
    study = read_networks(parse_study(words[1:]).study)
    (row,) = (
        row
        for row in chosen_rows("table2", study, Choice(None, ["random"], ["DCN"]))
        if row.method == "DCN" and row.fields == "ids"
    )
    case = open_case(read_experiment(study, *row.case), {}, lambda text: None)
    experiment = ctr_experiment(case.experiment, row)
    return Task(row.label, experiment, case.place, "none", (None,) * 2, (None,) * 2, None, study.tuning, {})


def test_the_best_trial_on_validation_is_chosen_and_the_configuration_is_one_of_them(task):
    chosen = choose(task)
    found = trials(task.place.root)
    assert chosen.run == len(found) == TRIED
    best = max(found, key=lambda trial: trial["val/auc"])
    assert chosen.parameters == {"lr": best["lr"], "l2": best["l2"]}
    tried = [{"lr": trial["lr"], "l2": trial["l2"]} for trial in found]
    assert task.defaults in tried
    low, high = task.tuning.lr
    assert all(low <= trial["lr"] <= high for trial in tried if trial != task.defaults)


def test_a_trial_that_was_made_is_not_made_again(task):
    first = choose(task)
    again = choose(task)
    assert again.parameters == first.parameters
    assert again.run == 0


def test_test_rows_play_no_part_in_the_choice(task, tmp_path):
    before = choose(task)
    poisoned = tmp_path / "poisoned"
    shutil.copytree(task.place.prepared, poisoned)
    events = pl.read_parquet(poisoned / "events.parquet")
    flipped = pl.when(pl.col("split") == "test").then(1 - pl.col("label")).otherwise(pl.col("label"))
    events = events.with_columns(flipped.cast(pl.Int8).alias("label"))
    events.write_parquet(poisoned / "events.parquet")
    forge(poisoned)
    elsewhere = task.place._replace(root=tmp_path / "elsewhere", prepared=poisoned)
    after = choose(task._replace(place=elsewhere))
    assert after.run == TRIED
    assert after.parameters == before.parameters
    assert trials(elsewhere.root) == trials(task.place.root)


def test_a_diverging_trial_loses(task):
    wild = task.tuning.__class__(trials=TRIED, lr=(1e20, 1e30), l2=task.tuning.l2)
    assert choose(task._replace(tuning=wild)).parameters == task.defaults


def test_one_trial_is_the_configuration_and_needs_no_run(task):
    single = task.tuning.__class__(trials=1)
    chosen = choose(task._replace(tuning=single))
    assert chosen == (task.defaults, 0)
    assert not (task.place.root / TRIALS).exists()


def test_every_trained_method_gets_the_same_number_of_trials(reproduced, study_words, entries, tmp_path):
    shutil.copytree(reproduced, tmp_path, dirs_exist_ok=True)  # profiles and codes, but no trials
    words = ["--splits", "random", "--fields", "[ids]", "--seeds", "[0]"]
    changes = {"tuning": {"trials": 2}}
    assert main(study_words("table2", tmp_path, *words, **changes)) == 0
    count = Counter(trial["row"].split(" / ")[3] for trial in trials(tmp_path / "study"))
    trained = ("DCN", "UserIP-DCN", "LR", "UserIP-LR", "DCN + shuffled")
    assert count == dict.fromkeys(trained, 2)
    found = entries(tmp_path / "study" / "table2")
    for trial in count:
        assert set(found[trial]["chosen"]) == {"lr", "l2"}
    assert found["item popularity"]["chosen"] == {}
