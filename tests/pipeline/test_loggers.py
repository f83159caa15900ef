"""What W&B gets of an experiment, read back from the files of its offline runs."""

from fnmatch import fnmatch
from pathlib import Path

import pytest
import wandb

from tests.pipeline.wandb_file import OfflineRun, read_run
from userip_lightning.cli import main
from userip_lightning.errors import InputError
from userip_lightning.pipeline.config import experiment_parser, parse_experiment
from userip_lightning.pipeline.loggers import run_loggers
from userip_lightning.pipeline.metric_names import EPOCH, FIGURES, STEP
from userip_lightning.pipeline.plan import Job, make_plan
from userip_lightning.pipeline.settings import Settings

PAGE = Path(__file__).parent.parent.parent / "docs" / "wandb.md"


@pytest.fixture(scope="module")
def runs(config, tmp_path_factory) -> dict[str, OfflineRun]:
    """Name to run, of the tiny experiment with one seed."""
    output = tmp_path_factory.mktemp("offline")
    words = ["fit", "--config", str(config), "--output", str(output), "--wandb.mode", "offline"]
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("WANDB_API_KEY", raising=False)
        assert main([*words, "--seeds", "[3]"]) == 0
    wandb.teardown()  # what W&B's own process still holds goes to disk
    found = [read_run(file) for file in (output / "tiny" / "wandb").glob("offline-run-*/*.wandb")]
    return {run.name: run for run in found}


@pytest.fixture
def offline(config, tmp_path) -> tuple[Job, Settings, Path]:
    """A CTR run on codes that nobody has started, its settings with offline W&B, and a folder."""
    arguments = ["--config", str(config), "--output", str(tmp_path), "--wandb.mode", "offline"]
    experiment = parse_experiment(experiment_parser("fit", ""), arguments)
    plan = make_plan(experiment, tmp_path / "prepared", "hash")
    job = next(job for job in plan.ctr if job.variant == "codes")
    return job, experiment.settings, tmp_path


def only_run(folder: Path) -> OfflineRun:
    wandb.teardown()
    (file,) = folder.glob("wandb/offline-run-*/*.wandb")
    return read_run(file)


def of_stage(runs: dict[str, OfflineRun], job_type: str) -> OfflineRun:
    (run,) = (run for run in runs.values() if run.job_type == job_type)
    return run


def logged(run: OfflineRun) -> set[str]:
    return {name for line in run.history for name in line} - {EPOCH, STEP}


def test_every_run_is_named_and_grouped(runs):
    assert sorted(run.job_type for run in runs.values()) == ["ctr", "ctr", "ctr", "profile", "quantize"]
    assert {"ctr/none/seed3", "ctr/codes/seed3", "ctr/shuffled/seed3"} < set(runs)
    assert {(run.project, run.group, run.exit_code) for run in runs.values()} == {("userip", "tiny", 0)}


@pytest.mark.parametrize(
    ("variant", "method"), [("none", "DCN"), ("codes", "UserIP-DCN"), ("shuffled", "DCN + shuffled")]
)
def test_a_ctr_run_is_found_by_data_split_fields_method_and_seed(runs, variant, method):
    run = runs[f"ctr/{variant}/seed3"]
    found_by = {"dataset": "ml-100k", "split": "random", "fields": "ids", "method": method}
    assert found_by.items() <= run.config.items()
    assert run.config["row"] == f"ml-100k / random / ids / {method}"
    assert (run.config["stage"], run.config["seed"], run.config["variant"]) == ("ctr", 3, variant)
    assert sorted(run.tags) == sorted(found_by.values())


def test_the_settings_of_the_stage_are_there_whole(runs):
    config = runs["ctr/codes/seed3"].config
    assert config["data"]["batch_size"] == 128
    assert config["model"]["net"]["class_path"].endswith(".DCN")
    assert config["trainer"]["max_epochs"] == 3


@pytest.mark.parametrize("stage", ["profile", "quantize"])
def test_the_other_stages_are_found_by_their_data(runs, stage):
    config = of_stage(runs, stage).config
    assert (config["stage"], config["dataset"], config["split"]) == (stage, "ml-100k", "random")
    assert config["method"] == "UserIP"
    assert "fields" not in config


def test_the_summary_holds_the_best_of_validation_and_the_test_figures(runs):
    run = runs["ctr/codes/seed3"]
    values = {
        name: [line[name] for line in run.history if name in line] for name in ("val/auc", "val/logloss")
    }
    assert len(values["val/auc"]) > 1
    assert run.summary["val/auc"] == {"max": max(values["val/auc"])}
    assert run.summary["val/logloss"] == {"min": min(values["val/logloss"])}
    assert 0 <= run.summary["test/auc"] <= 1
    assert run.summary["test/logloss"] > 0


def test_ctr_figures_are_drawn_by_epoch(runs):
    run = runs["ctr/none/seed3"]
    assert logged(run) == {"train/loss", "val/auc", "val/logloss", "test/auc", "test/logloss"}
    assert {name: run.axes[name] for name in logged(run)} == dict.fromkeys(logged(run), EPOCH)
    epochs = [line[EPOCH] for line in run.history if "val/auc" in line]
    assert epochs == list(range(len(epochs)))


def test_codebook_health_is_logged_for_every_profile_and_epoch(runs):
    run = of_stage(runs, "quantize")
    for profile in ("hobby", "background"):
        for figure in ("perplexity", "usage_min", "flips"):
            name = f"codes/{profile}/{figure}"
            assert [line[EPOCH] for line in run.history if name in line] == [0, 1, 2]
    assert run.axes["codes/*"] == EPOCH


def test_stage_1_logs_its_likelihood_by_step(runs):
    run = of_stage(runs, "profile")
    names = {"objective", "nats", "val_nats", "test_own", "test_gain_over_other", "test_gain_over_none"}
    assert {f"profile/{name}" for name in names} <= logged(run)
    assert run.axes["profile/nats"] == STEP
    assert run.summary["profile/val_nats"].keys() == {"min"}


def test_nothing_is_logged_that_the_list_and_the_page_leave_out(runs):
    names = [figure.name for figure in FIGURES]
    for run in runs.values():
        assert {name for name in logged(run) if not any(fnmatch(name, known) for known in names)} == set()
    page = PAGE.read_text(encoding="utf-8")
    words = {"codes/*": "codes/PROFILE", "quantize/*": "quantize/TERM"}
    for name in names:
        for star, word in words.items():
            name = name.replace(star, word)
        assert f"`{name}`" in page


def test_labels_of_the_caller_come_first_and_are_tags(offline, tmp_path):
    labels = {"dataset": "games", "split": "temporal", "method": "UserIP-DCN (gpt2)" + "." * 60}
    with run_loggers(*offline, labels) as loggers:
        assert len(loggers) == 2
    run = only_run(tmp_path)
    assert (run.config["dataset"], run.config["split"]) == ("games", "temporal")
    assert run.config["method"] == labels["method"]
    assert {"games", "temporal", "ids", labels["method"][:64]} == set(run.tags)


def test_a_run_that_failed_says_so(offline, tmp_path):
    with pytest.raises(ZeroDivisionError), run_loggers(*offline):
        raise ZeroDivisionError
    assert only_run(tmp_path).exit_code == 1


def test_a_run_of_the_callers_own_stays_open(offline, tmp_path):
    with wandb.init(mode="offline", dir=tmp_path / "own", settings=wandb.Settings(silent=True)) as own:
        with run_loggers(*offline):
            pass
        own.log({"mine": 1})
    assert only_run(tmp_path / "own").history == [{"mine": 1}]


def test_a_label_that_would_hide_a_setting_is_refused(offline, tmp_path):
    with (
        pytest.raises(InputError, match="'model' is none"),
        run_loggers(*offline, {"model": "mine"}),
    ):
        pass


def test_online_without_a_login_is_one_sentence(fit, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "settings"))
    assert fit(tmp_path, "--stages", "profile", "--wandb.mode", "online") == 2
    (complaint,) = capsys.readouterr().err.splitlines()[-1:]
    assert "wandb login" in complaint
    assert "--wandb.mode disabled" in complaint
