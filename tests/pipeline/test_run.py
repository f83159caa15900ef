"""`userip fit` and `userip test` from end to end, on tiny real files and a tiny language model."""

import json
import os
import shutil
import signal
from pathlib import Path

import polars as pl
import pytest
import torch
import yaml

from tests.experiment import artifact_of
from tests.pipeline.killer import VARIABLE
from tests.server import SERVER
from userip_lightning.bank import FeatureBank
from userip_lightning.cli import main
from userip_lightning.pipeline import slow_precision

VARIANTS = ["none", "codes", "shuffled"]
RUNS = 9  # profile, then quantize and three variants with two seeds each


def bank_codes(root: Path) -> dict[str, pl.DataFrame]:
    return {bank.name: FeatureBank.open(bank).users for bank in (root / "quantize").iterdir()}


def predictions(root: Path) -> dict[str, pl.DataFrame]:
    runs = json.loads((root / "results.json").read_text())["runs"]
    return {
        run["label"]: pl.read_parquet(root / run["artifact"] / "predictions.parquet")
        for run in runs
        if run["stage"] == "ctr"
    }


def files(root: Path) -> dict[str, int]:
    stages = ("profile", "quantize", "controls", "ctr")
    return {
        str(file): file.stat().st_mtime_ns
        for stage in stages
        for file in sorted((root / stage).rglob("*"))
        if file.is_file()
    }


def assert_same_codes(root: Path, other: Path) -> None:
    ours, theirs = bank_codes(root), bank_codes(other)
    assert ours.keys() == theirs.keys()
    assert all(codes.equals(theirs[key]) for key, codes in ours.items())


def assert_same_outcome(root: Path, other: Path) -> None:
    assert_same_codes(root, other)
    ours, theirs = predictions(root), predictions(other)
    assert ours.keys() == theirs.keys()
    for label, frame in ours.items():
        assert frame.equals(theirs[label]), label


def test_results_hold_every_figure_of_the_table(finished):
    results = json.loads((finished / "results.json").read_text())
    variants = {row["variant"]: row for row in results["comparison"]["variants"]}
    assert sorted(variants) == sorted(VARIANTS)
    report = (finished / "report.md").read_text()
    for row in variants.values():
        assert f"{row['auc']:.4f}" in report
        assert f"{row['logloss']:.4f}" in report
    assert results["comparison"]["verdict"] in report
    labels = {run["label"] for run in results["runs"]}
    expected = {f"ctr/{variant}/seed{seed}" for variant in VARIANTS for seed in (0, 1)}
    assert labels == {"profile/seed0", "quantize/seed0", "quantize/seed1"} | expected
    for run in results["runs"]:
        assert run["wall_s"] > 0
        assert run["peak_rss"] > 50 * 2**20
        assert not run["resumed"]


def test_results_tell_how_well_profiles_predict_held_out_behaviours(finished):
    held_out = json.loads((finished / "results.json").read_text())["held_out"]
    assert held_out["users"] > 0
    assert held_out["own"]["difference"] > 0


def test_a_finished_experiment_leaves_curves_but_no_checkpoints(finished):
    assert len(list(finished.glob("logs/**/metrics.csv"))) == RUNS
    assert not list(finished.rglob("last.ckpt")) + list(finished.rglob("best.ckpt"))


def test_controls_have_the_sizes_of_the_codes(finished):
    sizes = FeatureBank.open(artifact_of(finished, "quantize/seed0")).sizes
    controls = [FeatureBank.open(folder) for folder in (finished / "controls").iterdir()]
    assert len(controls) == 2
    assert {control.sizes for control in controls} == {sizes}


def test_every_seed_trains_another_model(finished):
    scores = predictions(finished)
    for variant in VARIANTS:
        first, second = (scores[f"ctr/{variant}/seed{seed}"]["score"] for seed in (0, 1))
        assert not first.equals(second), variant


def test_a_run_is_judged_at_its_best_validated_epoch(finished):
    was_last = []
    for run in json.loads((finished / "results.json").read_text())["runs"]:
        if run["stage"] == "ctr":
            (curves,) = finished.glob(f"logs/{run['label']}-*/**/metrics.csv")
            epochs = pl.read_csv(curves)["val/auc"].drop_nulls()
            kept = json.loads((finished / run["artifact"] / "metrics.json").read_text())["val"]["auc"]
            assert kept == pytest.approx(epochs.max())
            was_last.append(epochs[-1] == epochs.max())
    assert not all(was_last)  # else keeping the last epoch would pass, too


def test_the_shuffled_control_permutes_users(finished):
    controls = [FeatureBank.open(folder).users for folder in (finished / "controls").iterdir()]
    assert len(controls) == 2
    for codes in bank_codes(finished).values():
        names = codes.columns[1:]
        permuted = [
            control
            for control in controls
            if control.select(names).sort(names).equals(codes.select(names).sort(names))
        ]
        assert permuted
        assert not any(control.equals(codes) for control in permuted)


def test_the_luck_of_stage_2_is_drawn_anew_for_every_seed(finished):
    first, second = bank_codes(finished).values()
    assert not first.equals(second)


def test_a_second_run_does_nothing(finished, config, capsys):
    before = files(finished)
    assert main(["fit", "--config", str(config), "--output", str(finished.parent)]) == 0
    output = capsys.readouterr()
    assert output.err.count("nothing changed, kept") == RUNS
    assert "AUC" in output.out
    assert files(finished) == before


def test_a_changed_ctr_setting_keeps_the_profiles(finished, fit, tmp_path, capsys):
    shutil.copytree(finished, tmp_path / "tiny")
    before = {file for file in files(tmp_path / "tiny") if "/ctr/" not in file}
    assert fit(tmp_path, "--ctr.model.l2", "0.001", "--seeds", "[0]", "--controls", "[]") == 0
    assert capsys.readouterr().err.count("nothing changed, kept") == 2  # profile, quantize/seed0
    assert {file for file in files(tmp_path / "tiny") if "/ctr/" not in file} == before


def test_the_same_seed_gives_the_same_codes_and_predictions(finished, fit, tmp_path):
    assert fit(tmp_path) == 0
    assert_same_outcome(finished, tmp_path / "tiny")


def test_another_seed_gives_other_profiles(finished, fit, tmp_path):
    assert fit(tmp_path, "--seed", "1", "--stages", "profile") == 0
    (ours,), (other,) = (finished / "profile").iterdir(), (tmp_path / "tiny" / "profile").iterdir()
    assert ours.name != other.name


def test_a_refused_run_leaves_the_configuration_of_what_is_there(finished_catalogue, tmp_path, capsys):
    root = Path(shutil.copytree(finished_catalogue, tmp_path / finished_catalogue.name))
    words = ["fit", "--config", str(root / "config.yaml"), "--output", str(tmp_path)]
    kept = (root / "config.yaml").read_bytes()
    assert main([*words, "--catalogue.data.columns", "[titel]"]) == 2
    assert "other settings than before (catalogue.data.columns)" in capsys.readouterr().err
    assert main([*words, "--stages", "ctr,report", "--catalogue.data.columns", "[genres]"]) == 2
    assert (root / "config.yaml").read_bytes() == kept
    assert main([*words, "--ctr.trainer.max_epochs", "1", "--seeds", "[0]"]) == 0
    assert yaml.safe_load((root / "config.yaml").read_text())["ctr"]["trainer"]["max_epochs"] == 1


def test_a_damaged_configuration_of_before_is_replaced(finished_catalogue, tmp_path):
    root = Path(shutil.copytree(finished_catalogue, tmp_path / finished_catalogue.name))
    shutil.copy(root / "config.yaml", tmp_path / "mine.yaml")
    (root / "config.yaml").write_bytes(b"\xff\x00 no text")
    assert main(["fit", "--config", str(tmp_path / "mine.yaml"), "--output", str(tmp_path)]) == 0
    assert yaml.safe_load((root / "config.yaml").read_text())["experiment"] == root.name


def test_testing_again_trains_nothing_and_predicts_the_same(finished, config, tmp_path):
    shutil.copytree(finished, tmp_path / "tiny")
    before = predictions(tmp_path / "tiny")
    assert main(["test", "--config", str(config), "--output", str(tmp_path)]) == 0
    after = predictions(tmp_path / "tiny")
    assert all(frame.equals(after[label]) for label, frame in before.items())
    assert len(list((tmp_path / "tiny").glob("logs/**/metrics.csv"))) == RUNS


def test_testing_what_was_never_trained_is_refused(config, tmp_path, capsys):
    assert main(["test", "--config", str(config), "--output", str(tmp_path)]) == 2
    assert "run `userip fit` first" in capsys.readouterr().err


def test_stages_can_be_run_one_by_one(fit, tmp_path, capsys):
    assert fit(tmp_path, "--stages", "prepare") == 0
    assert fit(tmp_path, "--stages", "ctr") == 2
    assert "add quantize to --stages" in capsys.readouterr().err
    assert fit(tmp_path, "--stages", "prepare,profile") == 0
    assert not (tmp_path / "tiny" / "quantize").exists()
    assert fit(tmp_path, "--stages", "quantize,report") == 0
    results = json.loads((tmp_path / "tiny" / "results.json").read_text())
    assert results["comparison"] is None
    assert sorted(results["not_run"]) == sorted(VARIANTS)


def test_a_damaged_artifact_is_reported_not_used(finished, fit, tmp_path, capsys):
    shutil.copytree(finished, tmp_path / "tiny")
    (profiles,) = (tmp_path / "tiny" / "profile").iterdir()
    (profiles / "manifest.json").write_text("{")
    assert fit(tmp_path) == 2
    error = capsys.readouterr().err
    assert "manifest is corrupt" in error
    assert "Traceback" not in error


def _fit_in_child(words: list[str], kill_in: str, cache: str) -> None:
    torch.set_num_threads(1)
    os.environ.update({VARIABLE: f"{kill_in} SIGKILL", "USERIP_CACHE": cache})
    raise SystemExit(main(words))


@pytest.fixture(scope="module")
def killed_in_turn(config, cache, tmp_path_factory):
    """An experiment that was killed once in every stage, each time resumed by the same command."""
    output = tmp_path_factory.mktemp("killed")
    words = ["fit", "--config", str(config), "--output", str(output)]
    codes = []
    for stage in ("profile", "quantize", "ctr"):
        child = SERVER.Process(target=_fit_in_child, args=(words, stage, str(cache)))
        child.start()
        child.join(120)
        codes.append(child.exitcode)
    assert main(words) == 0
    return output / "tiny", codes


def test_a_run_killed_in_every_stage_ends_like_one_that_was_not(finished, killed_in_turn):
    root, codes = killed_in_turn
    assert codes == [-9, -9, -9]
    assert_same_outcome(finished, root)
    resumed = {
        run["label"] for run in json.loads((root / "results.json").read_text())["runs"] if run["resumed"]
    }
    assert resumed == {"profile/seed0", "quantize/seed0", "ctr/none/seed0"}


@pytest.mark.parametrize(
    ("place", "label"), [("quantize", "quantize/seed0"), ("profile-test", "profile/seed0")]
)
def test_ctrl_c_keeps_what_was_done_and_the_next_run_resumes(
    finished, fit, tmp_path, monkeypatch, capsys, place, label
):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it from birth
    monkeypatch.setenv(VARIABLE, f"{place} SIGINT")
    assert fit(tmp_path, "--stages", "profile,quantize") == 130
    assert "resumes where it stood" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    monkeypatch.delenv(VARIABLE)
    assert fit(tmp_path, "--stages", "profile,quantize") == 0
    assert f"{label}: resuming from its last checkpoint" in capsys.readouterr().err
    assert_same_codes(tmp_path / "tiny", finished)


def test_wandb_offline_needs_no_account(finished, fit, tmp_path, monkeypatch):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    profiles = tmp_path / "tiny" / "profile"
    shutil.copytree(finished / "profile", profiles)
    assert fit(tmp_path, "--stages", "quantize", "--seeds", "[0]", "--wandb.mode", "offline") == 0
    (run,) = (tmp_path / "tiny" / "wandb").glob("offline-run-*")
    assert list(run.glob("*.wandb"))


def test_streaming_resumes_at_the_users_that_are_left(fit, tmp_path, monkeypatch):
    words = [
        "--stages",
        "profile",
        "--profile.model.schedule",
        "streaming",
        "--profile.trainer.max_epochs",
        "1",
    ]
    words += ["--profile.trainer.callbacks", "null"]
    assert fit(tmp_path / "whole", *words) == 0
    half = tmp_path / "half"
    with monkeypatch.context() as patch:
        patch.setattr("userip_lightning.pipeline.training._figures", lambda trainer: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            fit(half, *words)
    assert fit(half, *words) == 0
    (whole,) = (tmp_path / "whole" / "tiny" / "profile").glob("*/z.npy")
    (resumed,) = (half / "tiny" / "profile").glob("*/z.npy")
    assert whole.read_bytes() == resumed.read_bytes()


def test_a_run_that_ends_between_record_and_artifact_is_whole_after_the_next(fit, tmp_path, monkeypatch):
    """Were the record written last, the artifact would say that the run is done, and there would be none."""
    words = ["--stages", "prepare,profile"]
    with monkeypatch.context() as patch:
        patch.setattr("userip_lightning.pipeline.training.export", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            fit(tmp_path, *words)
    (record,) = (tmp_path / "tiny" / "work").glob("profile-*/record.json")
    assert sorted(record.parent.iterdir()) == [record.with_name("last.ckpt"), record]
    assert fit(tmp_path, *words) == 0
    assert list(record.parent.iterdir()) == [record]
    assert list(tmp_path.rglob("z.npy"))


def test_a_precision_that_is_slow_here_is_announced(fit, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(slow_precision, "cpu_has_bfloat16", lambda: False)
    words = ["--stages", "prepare,profile", "--profile.trainer.precision", "bf16-mixed"]
    assert fit(tmp_path, *words) == 0
    assert "profile/seed0: trainer.precision is bf16-mixed, but this processor" in capsys.readouterr().err
