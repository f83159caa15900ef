"""Every YAML parses, alone and with every preset on top; none repeats a default."""

from functools import cache
from pathlib import Path

import pytest
import yaml

from userip_lightning.cli import main
from userip_lightning.cli.regimes import parse_regimes
from userip_lightning.cli.reproduce import parse_study
from userip_lightning.pipeline.config import experiment_parser, parse_experiment
from userip_lightning.report.verdict import MIN_SEEDS
from userip_lightning.reproduce.baseline_settings import read_baseline
from userip_lightning.reproduce.regimes.settings import check as check_regimes
from userip_lightning.reproduce.settings import check as check_study

CONFIGS = Path(__file__).parent.parent / "configs"
EXPERIMENTS = sorted(CONFIGS.glob("*.yaml"))
PRESETS = sorted((CONFIGS / "presets").glob("*.yaml"))
BASELINES = sorted((CONFIGS / "baselines").glob("*.yaml"))
REGIMES = sorted((CONFIGS / "reproduce").glob("regimes_*.yaml"))
ALL_TABLES = CONFIGS / "reproduce" / "all.yaml"  # on top of a study
STUDIES = sorted({*(CONFIGS / "reproduce").glob("*.yaml")} - {*REGIMES, ALL_TABLES})


@cache
def parse(*words: str):
    return parse_experiment(parser(), words)


@cache
def parser():
    return experiment_parser("fit", "")


@pytest.mark.parametrize("file", EXPERIMENTS, ids=lambda file: file.stem)
def test_an_experiment_prints_its_whole_configuration(file, capsys):
    assert main(["fit", "--config", str(file), "--print_config"]) == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    assert printed["experiment"] == file.stem
    assert printed["ctr"]["model"]["net"]["class_path"] == "userip_lightning.ctr.networks.dcn.DCN"


@pytest.mark.parametrize("preset", PRESETS, ids=lambda file: file.stem)
@pytest.mark.parametrize("file", EXPERIMENTS, ids=lambda file: file.stem)
def test_a_preset_goes_on_top_of_every_experiment(file, preset):
    stacked = parse("--config", str(file), "--config", str(preset))
    assert stacked.settings.experiment == file.stem
    assert stacked.sections != parse("--config", str(file)).sections
    assert stacked.settings.engine == "per_user" or preset.stem == "quick"


@pytest.mark.parametrize("name", ["demo", "ml100k"])
def test_the_per_user_engine_goes_on_without_the_film_that_has_no_title(name):
    settings = parse("--config", str(CONFIGS / f"{name}.yaml"), "--engine", "per_user")
    assert settings.sections["profile"]["data"]["allow_missing_text"]


@pytest.mark.parametrize("preset", ["paper", "authors"])
def test_the_stages_of_a_preset_fit_each_other(preset, fit, tmp_path, capsys):
    """Parsing is not enough: stage 2 goes on from the codebooks that the paper's joint schedule leaves."""
    words = ["--stages", "profile,quantize", "--seeds", "[0]", "--quantize.model.allow_unused", "true"]
    assert fit(tmp_path, "--config", str(CONFIGS / "presets" / f"{preset}.yaml"), *words) == 0
    assert "quantize/seed0: done" in capsys.readouterr().err


def test_classes_go_by_their_bare_names():
    words = ["--ctr.model.net", "PNN", "--data.split", "ColdUsers", "--data.source", "RecBole"]
    experiment = parse(*words, "--data.source.path", "log")
    assert experiment.sections["ctr"]["model"]["net"]["class_path"] == "userip_lightning.ctr.networks.pnn.PNN"
    assert experiment.data["split"]["class_path"] == "userip_lightning.data.splits.ColdUsers"
    assert experiment.data["source"]["class_path"] == "userip_lightning.data.sources.recbole.RecBole"


@pytest.mark.parametrize("file", STUDIES, ids=lambda file: file.stem)
def test_the_baselines_of_a_study_can_be_read(file):
    study = parse_study(["table2", "--config", str(file)]).study
    methods = {label: read_baseline(label, given).method for label, given in study.baselines.items()}
    assert {"KAR": "kar", "PEPLER": "pepler", "ReLLa": "rella"}.items() <= methods.items()


def test_the_settings_of_all_tables_go_on_top_of_a_study_and_would_claim_something():
    words = ["--config", str(CONFIGS / "reproduce" / "ml100k.yaml")]
    alone = parse_study(["all", *words]).study
    study = parse_study(["all", *words, "--config", str(ALL_TABLES)]).study
    check_study(study)
    assert list(study.split_rules) == ["random"]
    assert (study.fields, study.study, study.networks) == (["ids"], alone.study, alone.networks)
    assert {"KAR", "PEPLER", "ReLLa"} == set(study.baselines) < set(alone.baselines)
    assert len(study.seeds) >= MIN_SEEDS
    assert {3, 81} <= set(study.sweep)


@pytest.mark.parametrize("file", REGIMES, ids=lambda file: file.stem)
def test_a_study_of_regimes_can_be_read_and_would_claim_something(file):
    plan = parse_regimes(["--config", str(file)])
    assert plan.settings.experiment == file.stem
    assert len(plan.settings.seeds) >= MIN_SEEDS
    check_regimes(plan.regimes, plan.settings.controls)


def test_every_file_of_a_baseline_is_part_of_a_study():
    studies = "".join(file.read_text(encoding="utf-8") for file in STUDIES)
    assert [file.name for file in BASELINES if f"baselines/{file.name}" not in studies] == []


@pytest.mark.parametrize("file", [*EXPERIMENTS, *PRESETS, *BASELINES], ids=lambda file: file.stem)
def test_a_configuration_is_short_and_says_what_it_is(file):
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert len(text.splitlines()) <= 45


def test_missing_data_ends_in_one_sentence(tmp_path, capsys):
    words = ["--config", str(CONFIGS / "games.yaml"), "--output", str(tmp_path)]
    assert main(["fit", *words, "--data.source.path", str(tmp_path / "games.csv")]) == 2
    error = capsys.readouterr().err.strip()
    assert "games.csv" in error
    assert "\n" not in error
    assert not list(tmp_path.iterdir())
