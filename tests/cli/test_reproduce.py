"""`userip reproduce` on the command line: help, sentences, and every study's YAML."""

from itertools import product
from pathlib import Path

import pytest
import yaml

from tests.cli.refusal import refused
from userip_lightning.cli import main
from userip_lightning.cli.reproduce import parse_study
from userip_lightning.errors import InputError
from userip_lightning.reproduce.case import read_experiment
from userip_lightning.reproduce.choice import chosen_rows
from userip_lightning.reproduce.networks import read_networks
from userip_lightning.reproduce.settings import check

CONFIGS = Path(__file__).parent.parent.parent / "configs"
STUDIES = sorted(set((CONFIGS / "reproduce").glob("*.yaml")) - set((CONFIGS / "reproduce").glob("regimes_*")))
QUICK = str(CONFIGS / "reproduce" / "ml100k.yaml")


def words_of(study: Path) -> list[str]:
    """A study as a command names it; that of all tables stands on top of another one."""
    below = [QUICK] if study.stem == "all" else []
    return [word for file in (*below, str(study)) for word in ("--config", file)]


def test_help_teaches_tables_filters_and_settings(capsys):
    assert main(["reproduce", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for taught in ("table4", "fig6", "--methods", "--tuning.trials", "--split_rules", "--workers", "resumes"):
        assert taught in text


@pytest.mark.parametrize("file", STUDIES, ids=lambda file: file.stem)
@pytest.mark.parametrize("table", ["table2", "table3", "table4", "fig5", "fig6"])
def test_every_study_can_be_read(file, table):
    request = parse_study([table, *words_of(file)])
    check(request.study)
    study = read_networks(request.study)
    rows = chosen_rows(table, study, request.choice)
    assert {row.dataset for row in rows} == set(study.dataset_files)
    assert file.read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("file", STUDIES, ids=lambda file: file.stem)
def test_a_study_takes_its_data_sets_from_their_own_files(file):
    study = read_networks(parse_study(["table2", *words_of(file)]).study)
    for dataset, split in product(study.dataset_files, study.split_rules):
        experiment = read_experiment(study, dataset, split)
        assert experiment.settings.seeds == study.seeds
        if split == "cold_users":
            assert experiment.data["split"]["init_args"]["choose"] == "random"


def test_the_eleven_networks_of_the_paper_are_in_every_study():
    for file in STUDIES:
        networks = parse_study(["table2", *words_of(file)]).study.networks
        assert len(networks) == 11
        for name, net in networks.items():
            assert net.lower() == name.lower()  # a class by its name


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["table9"], "table9"),
        (["table2", "--config", "none.yaml"], "none.yaml"),
        (
            ["table2", "-c", QUICK, "--methods", "XDeepFM"],
            "--methods: 'XDeepFM' is not in this study;",
        ),
        (["table2", "-c", QUICK, "--splits", "cold"], "--splits: 'cold' is not in this study; it has random"),
        (["table2", "-c", QUICK, "--tuning.trials", "many"], "tuning.trials: 'many' given, int expected"),
        (
            ["table2", "-c", QUICK, "-c", '{"tuning": 1e3, "seeds": [0]}'],
            "tuning: 1000.0 given, settings with names are needed",
        ),
        (["table2", "-c", QUICK, "--networks", "null"], "networks: null given, dict expected"),
        (["table2", "-c", QUICK, "--seeds", "[]"], "seeds: [] given"),
        (["table2", "-c", QUICK, "--networks", "{DCN: {class_path: no.Such}}"], "no.Such"),
        (["table2", "-c", QUICK, "--networks", "{DCN: PNM}"], "no class 'PNM' fits here (near: PNN"),
        (["table2", "-c", QUICK, "--networks", "{DCN: ../pnm.yaml}"], "'../pnm.yaml' is no file"),
        (["table2", "-c", QUICK, "--dataset_files", "{a: none.yaml}"], "none.yaml"),
        (["table2", "-c", QUICK, "--learning_rate", "3"], "learning_rate: no such setting"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(words, said, capsys, tmp_path):
    assert said in refused(["reproduce", *words, "--output", str(tmp_path)], capsys)
    assert list(tmp_path.iterdir()) == []


def test_a_stage_of_several_processes_is_refused(tmp_path):
    several = tmp_path / "several.yaml"
    content = yaml.safe_load((CONFIGS / "ml100k.yaml").read_text())
    content["ctr"]["trainer"] = {"accelerator": "cpu", "devices": 2}
    several.write_text(yaml.safe_dump(content))
    words = ["table2", "--config", QUICK, "--dataset_files", f"{{several: {several}}}"]
    study = read_networks(parse_study(words).study)
    with pytest.raises(InputError, match=r"datasets\.several: ctr\.trainer asks for 2 processes"):
        read_experiment(study, "several", "cold_users")
