"""Controls that train the codes' stage again, from the plan to the report."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.experiment import artifact_of
from tests.pipeline.killer import VARIABLE
from tests.server import SERVER
from userip_lightning.bank import FeatureBank
from userip_lightning.cli import main
from userip_lightning.pipeline.config import Experiment
from userip_lightning.pipeline.engine_controls import left_out
from userip_lightning.pipeline.plan import Plan, make_plan
from userip_lightning.pipeline.run_labels import run_labels
from userip_lightning.pipeline.settings import Settings
from userip_lightning.report.input_control import reach

BOTH = ["--controls", "[permuted_z,noise_z]"]
WORDS = {"class_path": "userip_lightning.texts.source.BagOfWords"}
NONE = {"class_path": "userip_lightning.texts.source.NoText"}


def plan(text: dict = WORDS, prepared: Path = Path("prepared"), **changes: object) -> Plan:
    controls = {"controls": ["permuted_z", "noise_z", "permuted_text"]}
    settings = replace(Settings("e", engine="per_user", seeds=[0, 1]), **(controls | changes))
    sections = {
        name: {"model": {"allow_unused": False}, "data": {"text": text, "columns": None}, "trainer": {}}
        for name in ("profile", "quantize", "catalogue")
    }
    ctr = {"model": {"net": "Net"}, "data": {"attributes": False}, "trainer": {}}
    return make_plan(Experiment(settings, (), {}, {**sections, "ctr": ctr}, ""), prepared, "d")


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    pl.DataFrame({"item_id": ["a", "b"], "title": ["Emma", "Persuasion"]}).write_parquet(
        tmp_path / "items.parquet"
    )
    return tmp_path


def test_both_z_controls_belong_to_every_experiment_of_the_per_user_engine():
    made = plan()
    assert [job.label for job in made.retrained] == [
        f"quantize/{control}/seed{seed}" for control in ("permuted_z", "noise_z") for seed in (0, 1)
    ]
    assert [job.filled["data.z"] for job in made.retrained] == ["permuted"] * 2 + ["noise"] * 2
    for job, own in zip(made.retrained, made.quantize * 2, strict=True):
        assert {**job.filled, "data.z": None} == {**own.filled, "data.z": None}
        assert (job.stage, job.seed) == (own.stage, own.seed)
        assert job.section == {**own.section, "model": {"allow_unused": True}}
    assert len({job.key for job in (*made.quantize, *made.retrained)}) == 6


def test_permuted_text_belongs_to_every_experiment_of_the_catalogue_engine(catalogue):
    made = plan(engine="catalogue", prepared=catalogue)
    assert [job.label for job in made.retrained] == [f"catalogue/permuted_text/seed{seed}" for seed in (0, 1)]
    assert all(job.filled["data.permute_text"] is True for job in made.retrained)
    assert made.left_out == {}


@pytest.mark.parametrize(
    "text",
    [NONE, {"class_path": "userip_lightning.texts.source.Joined", "init_args": {"sources": [NONE]}}],
)
def test_without_text_there_is_no_text_to_permute(text, catalogue):
    made = plan(text, engine="catalogue", prepared=catalogue)
    assert made.retrained == ()
    assert "permuted_text" not in {job.variant for job in made.ctr}
    assert made.left_out == {"permuted_text": "catalogue.data.text is NoText, so there is no text to permute"}


def test_items_without_a_text_leave_permuted_text_out(tmp_path):
    pl.DataFrame({"item_id": ["a", "b"], "title": [" ", None]}).write_parquet(tmp_path / "items.parquet")
    made = plan(engine="catalogue", prepared=tmp_path)
    assert (made.retrained, made.left_out) == ((), {"permuted_text": "no two items have different texts"})


MIXTURES = ["count_mixture", "bag_of_words_mixture"]


def test_a_mixture_that_the_codes_are_themselves_is_left_out(catalogue):
    titles = pl.DataFrame({"item_id": list("abcdef"), "title": ["war game", "farm game", "war"] * 2})
    titles.write_parquet(catalogue / "items.parquet")
    for text, control, reason in (
        (NONE, "count_mixture", "NoText"),
        ({"class_path": "BagOfWords"}, "bag_of_words_mixture", "BagOfWords"),
    ):
        found = left_out_of(text, catalogue)
        assert list(found) == [control]
        assert reason in found[control]
    assert left_out_of({"class_path": "HiddenStates"}, catalogue) == {}


@pytest.mark.parametrize("engine", ["catalogue", "per_user"])
def test_without_words_there_is_no_bag_of_them(catalogue, engine):
    found = left_out_of({"class_path": "HiddenStates"}, catalogue, engine)  # two titles, no word in three
    assert found == {
        "bag_of_words_mixture": "no two items have texts with different words that occur in three of them"
    }


def left_out_of(text: dict, prepared: Path, engine: str = "catalogue") -> dict[str, str]:
    settings = Settings("e", engine=engine, controls=MIXTURES)
    sections = {"catalogue": {"data": {"text": text, "columns": ["title"]}}}
    return left_out(Experiment(settings, (), {}, sections, ""), prepared)


def test_a_run_of_a_control_is_no_run_of_the_codes_in_the_dashboard():
    made = plan()
    rows = [run_labels(job, {})["row"] for job in (made.quantize[0], *made.retrained[::2])]
    assert rows == ["UserIP", "UserIP + permuted_z", "UserIP + noise_z"]


@pytest.fixture(scope="module")
def controlled(finished, config, tmp_path_factory) -> Path:
    """The tiny experiment with both z controls."""
    output = tmp_path_factory.mktemp("controlled")
    shutil.copytree(finished, output / "tiny")
    assert main(["fit", "--config", str(config), "--output", str(output), *BOTH]) == 0
    return output / "tiny"


def users_of(root: Path, label: str) -> pl.DataFrame:
    return FeatureBank.open(artifact_of(root, label)).users.sort("user_id")


def test_fit_has_a_row_and_a_run_of_each_control_and_seed(controlled):
    results = json.loads((controlled / "results.json").read_text())
    rows = [row["variant"] for row in results["comparison"]["variants"]]
    assert rows == ["none", "codes", "permuted_z", "noise_z"]
    labels = {run["label"] for run in results["runs"]}
    stages = ("quantize", "ctr")
    assert {f"{stage}/{name}/seed{s}" for stage in stages for name in rows[2:] for s in (0, 1)} < labels
    own = users_of(controlled, "quantize/seed0")
    for control in rows[2:]:
        other = users_of(controlled, f"quantize/{control}/seed0")
        assert other["user_id"].equals(own["user_id"])
        assert not other.equals(own)
    contrasts = {row["against"]: row for row in results["comparison"]["contrasts"]}
    said = reach(contrasts, 2)
    assert said in (controlled / "report.md").read_text()
    assert bool(said) == any(contrasts[control]["delta_auc_low"] <= 0 for control in rows[2:])


def _fit_in_child(words: list[str], cache: str) -> None:
    os.environ[VARIABLE] = "quantize SIGKILL"
    os.environ["USERIP_CACHE"] = cache
    raise SystemExit(main(words))


def test_a_control_that_was_killed_goes_on_and_ends_like_one_that_was_not(
    finished, controlled, config, cache, tmp_path, capsys
):
    shutil.copytree(finished, tmp_path / "tiny")  # the codes are there, the first to be trained is a control
    words = ["fit", "--config", str(config), "--output", str(tmp_path), "--stages", "profile,quantize", *BOTH]
    child = SERVER.Process(target=_fit_in_child, args=(words, str(cache)))
    child.start()
    child.join(180)
    assert child.exitcode == -9
    assert main(words) == 0
    assert "quantize/permuted_z/seed0: resuming from its last checkpoint" in capsys.readouterr().err
    name = artifact_of(controlled, "quantize/permuted_z/seed0").name
    whole, resumed = (
        FeatureBank.open(root / "quantize" / name).users for root in (controlled, tmp_path / "tiny")
    )
    assert whole.equals(resumed)


@pytest.mark.parametrize("text", ["BagOfWords", "NoText"])
def test_fit_with_the_catalogue_engine_permutes_text_or_says_that_there_is_none(config, tmp_path, text):
    words = ["fit", "--config", str(config), "--output", str(tmp_path), "--engine", "catalogue"]
    words += ["--catalogue.model.sizes", '{"hobby": 2, "background": 2}', "--seeds", "[0]"]
    words += ["--controls", "[permuted_text,permuted_z]", "--catalogue.data.text", text]
    assert main(words) == 0
    root = tmp_path / "tiny"
    results = json.loads((root / "results.json").read_text())
    rows = [row["variant"] for row in results["comparison"]["variants"]]
    report = (root / "report.md").read_text()
    if text == "NoText":
        assert rows == ["none", "codes"]
        assert (
            "| permuted text | not run (catalogue.data.text is NoText, so there is no text to permute)"
            in report
        )
        return
    assert rows == ["none", "codes", "permuted_text"]
    evidence = [
        np.load(FeatureBank.open(artifact_of(root, f"catalogue/{name}seed0")).path / "evidence.npy")
        for name in ("", "permuted_text/")
    ]
    assert evidence[0].shape == evidence[1].shape
    assert not np.array_equal(*evidence)
