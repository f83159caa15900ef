"""`userip reproduce regimes` on planted hobbies that titles tell."""

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from userip_lightning.cli import main
from userip_lightning.cli.regimes import parse_regimes
from userip_lightning.errors import InputError
from userip_lightning.reproduce.regimes import run
from userip_lightning.reproduce.regimes.grid import grid
from userip_lightning.reproduce.regimes.settings import Regimes, check

OTHERS = ("bag of words of other items", "topics of other items")
SOURCE = "userip_lightning.texts.source."
SETTINGS = {
    "experiment": "planted",
    "seeds": [0, 1, 2, 3, 4],
    "controls": ["shuffled", "svd_kmeans", "permuted_text"],
    "wandb": {"mode": "disabled"},
    "data": {
        "source": {
            "class_path": "userip_lightning.data.sources.synthesize.Planted",
            "init_args": {"users": 120, "rows_per_user": 8, "items_per_topic": 30},
        },
        "k_core": 1,
        "labels": "userip_lightning.data.labels.Implicit",
    },
    "catalogue": {"model": {"starts": 1}, "trainer": {"max_epochs": 12}},
    "ctr": {
        "model": {
            "net": {"class_path": "userip_lightning.ctr.networks.dcn.DCN", "init_args": {"hidden": [4]}}
        },
        "trainer": {"max_epochs": 1, "accelerator": "cpu"},
    },
    "regimes": {
        "splits": ["cold_items"],
        "train_users": [None],
        "sizes": [{"hobby": 2, "background": 2}],
        "titles": [1, 3],
        "texts": {
            "none": f"{SOURCE}NoText",
            "bag of words": f"{SOURCE}BagOfWords",
            "topics": "tests.reproduce.texts.Topics",
        },
        "replicates": 100,
    },
}


@pytest.fixture(scope="session")
def words(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[str]]:
    """The words after `userip` that run the planted study into a folder, with other settings."""

    def given(output: Path, regimes: dict | None = None, **changes: object) -> list[str]:
        settings = {**copy.deepcopy(SETTINGS), **changes}
        settings["regimes"] = {**settings["regimes"], **(regimes or {})}
        file = tmp_path_factory.mktemp("regimes") / "planted.yaml"
        file.write_text(yaml.safe_dump(settings, sort_keys=False))
        return ["reproduce", "regimes", "-c", str(file), "--output", str(output)]

    return given


@pytest.fixture(scope="session")
def cold_items(words: Callable[..., list[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Output folder of cold items, judged by affinity; tests may not change it."""
    output = tmp_path_factory.mktemp("cold")
    assert main(words(output)) == 0
    return output


def results(output: Path) -> list[dict]:
    return json.loads((output / "planted" / "report" / "results.json").read_text())["regimes"]


def aucs(regime: dict) -> dict[str, float]:
    return {row["name"]: row["auc"] for row in regime["finding"]["methods"]}


def test_on_cold_items_text_tells_what_counts_cannot(cold_items: Path) -> None:
    (regime,) = results(cold_items)
    auc = aucs(regime)
    assert auc["no codes"] == pytest.approx(0.5, abs=1e-9)
    assert auc["shuffled + words"] == pytest.approx(0.5, abs=0.03)
    assert auc["topics"] > 0.6
    for name in ("svd kmeans", "none", *OTHERS):  # it takes words to know the item, but not to know the user
        assert auc[f"{name} + words"] > 0.52
        assert name not in auc
    assert not {"none of other items", "topics + words"} & set(auc)
    assert "over bag of words of other items" in regime["finding"]["sentence"]
    assert regime["finding"]["need"] in ("text", "language model")
    assert regime["finding"]["seeds"] == 5


def test_the_report_is_there_for_people_and_for_programs(cold_items: Path) -> None:
    folder = cold_items / "planted" / "report"
    (regime,) = results(cold_items)
    text = (folder / "report.md").read_text()
    assert regime["finding"]["sentence"] in text
    assert "| svd kmeans + words | 0." in text
    assert "What does this log need?" in (folder / "report.html").read_text()
    config = yaml.safe_load((cold_items / "planted" / regime["name"] / "config.yaml").read_text())
    assert config["data"]["split"]["class_path"].endswith("ColdItems")
    assert "regimes" not in config


def test_what_is_done_is_kept_and_other_settings_are_judged_anew(
    words, cold_items: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("judged again")

    before = (cold_items / "planted" / "report" / "results.json").read_bytes()
    monkeypatch.setattr(run, "judge_regime", refuse)
    assert main(words(cold_items)) == 0
    assert (cold_items / "planted" / "report" / "results.json").read_bytes() == before
    assert main(words(cold_items, {"replicates": 101})) == 2
    assert "1 of 1 regimes failed (cold_items-allusers-2x2)" in capsys.readouterr().err
    monkeypatch.undo()
    assert main(words(cold_items)) == 0


def test_a_regime_that_fails_is_named_and_the_rest_goes_on(words, tmp_path: Path, capsys) -> None:
    varied = {"splits": ["cold_users"], "train_users": [30, 5000, None]}
    assert main(words(tmp_path, varied, seeds=[0])) == 2
    captured = capsys.readouterr()
    assert "2 of 6 regimes failed" in captured.err
    found = {regime["name"]: regime for regime in results(tmp_path)}
    failed = found["cold_users-5000users-1titles-2x2"]
    assert failed["failed"].startswith("train_users is 5000, expected 1 to 96")
    done = [regime for regime in found.values() if regime["finding"] is not None]
    assert [regime["axes"]["train_users"] for regime in done] == [30, 96, 30, 96]
    assert {regime["finding"]["rows"] for regime in done} == {120}  # 12 users, 5 events, as many negatives
    assert {regime["finding"]["need"] for regime in done} == {"unknown"}
    figures = tmp_path / "planted" / "report" / "figures"
    assert [file.name for file in sorted(figures.glob("*.svg"))] == ["over_train_users-codes-2x2.svg"]
    assert "cold users, 3 titles" in (figures / "over_train_users-codes-2x2.svg").read_text()
    assert "train_users is 5000" in (tmp_path / "planted" / "report" / "report.md").read_text()


def test_the_ctr_model_judges_the_same_methods(words, tmp_path: Path) -> None:
    varied = {"judge": "ctr", "splits": ["random"], "train_users": [60]}
    assert main(words(tmp_path, varied, seeds=[0, 1])) == 0
    (regime,) = results(tmp_path)
    methods = ["no codes", "shuffled", "svd kmeans", "none", "bag of words", OTHERS[0], "topics", OTHERS[1]]
    assert list(aucs(regime)) == methods
    groups = {row["name"]: row["group"] for row in regime["finding"]["methods"]}
    assert {groups[name] for name in OTHERS} == {"permuted text"}
    runs = list((tmp_path / "planted" / regime["name"] / "ctr").glob("*/manifest.json"))
    assert len(runs) == len(methods) * 2  # the runs without codes are shared by all texts
    assert 0 < regime["finding"]["users"] <= 60  # of the others nobody knows anything


def test_titles_are_varied_where_users_are_cold(words, tmp_path: Path) -> None:
    plan = parse_regimes(words(tmp_path, {"splits": ["cold_users", "random"], "train_users": [7, None]})[2:])
    regimes = grid(plan.regimes)
    assert [(one.split, one.titles, one.train_users) for one in regimes] == [
        *(("cold_users", titles, users) for titles in (1, 3) for users in (7, None)),
        *(("random", None, users) for users in (7, None)),
    ]
    cold = plan.experiment(regimes[0].overrides(plan.settings.profiles))
    assert cold.data["split"]["init_args"]["support"] == 3
    assert cold.data["split"]["init_args"]["show"] == 1
    assert cold.data["train_users"] == 7
    assert cold.sections["catalogue"]["model"]["sizes"] == {"hobby": 2, "background": 2}
    warm = plan.experiment(regimes[-1].overrides(plan.settings.profiles)).data["split"]
    assert "support" not in warm.get("init_args", {})


@pytest.mark.parametrize(
    ("changes", "controls", "said"),
    [
        ({"titles": []}, ["svd_kmeans"], "regimes.titles: [] given"),
        ({"train_users": [5, 5]}, ["svd_kmeans"], "regimes.train_users: [5, 5] given"),
        ({"titles": [0]}, ["svd_kmeans"], "regimes: train_users, titles and replicates count something"),
        ({"texts": {}}, ["svd_kmeans"], "regimes.texts: no source reads the text"),
    ],
)
def test_settings_that_show_nothing_are_refused(changes, controls, said) -> None:
    with pytest.raises(InputError) as error:
        check(Regimes(**changes), controls)
    assert str(error.value).startswith(said)


def test_a_study_without_methods_without_text_is_refused() -> None:
    regimes = Regimes()
    texts = {name: text for name, text in regimes.texts.items() if name != "none"}
    check(Regimes(texts=texts), ["count_mixture"])
    for controls in ([], ["shuffled", "random", "text_kmeans"]):
        with pytest.raises(InputError, match="no method without text"):
            check(Regimes(texts=texts), controls)
    clash = {**regimes.texts, "encoder of other items": regimes.texts["encoder"]}
    with pytest.raises(InputError, match="'encoder of other items' is also the name of a control"):
        check(Regimes(texts=clash), ["svd_kmeans"])
    with pytest.raises(InputError, match="'svd kmeans' is also the name of a control"):
        check(Regimes(texts={**regimes.texts, "svd kmeans": regimes.texts["none"]}), ["svd_kmeans"])
