"""What one version has trained still serves with the next, whose code gives artifacts other names."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
import yaml

from tests.cli.refusal import refused
from userip_lightning.artifact import stable_hash
from userip_lightning.assets import cache_root
from userip_lightning.bank import FeatureBank
from userip_lightning.cli import main
from userip_lightning.pipeline import config, plan


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next version: all of its code is other code."""
    for module in (plan, config):
        monkeypatch.setattr(module, "code_hash", lambda modules: "0123456789abcdef")


@pytest.fixture
def trained(finished_catalogue: Path, tmp_path: Path) -> Path:
    """A copy of an experiment of the version before."""
    return Path(shutil.copytree(finished_catalogue, tmp_path / "runs" / finished_catalogue.name))


@pytest.fixture
def events(trained: Path, tmp_path: Path) -> Path:
    told = json.loads((trained / "results.json").read_text())
    file = tmp_path / "events.parquet"
    prepared = pl.read_parquet(cache_root() / f"prepared-{told['data_hash']}" / "events.parquet")
    prepared.select("user_id", "item_id", "rating").head(200).write_parquet(file)
    return file


def infer(root: Path, events: Path) -> list[str]:
    return ["infer", str(root), "--events", str(events), "--codes", str(events.parent / "codes")]


def test_its_codes_are_found_and_the_version_is_named(trained, events, capsys, later) -> None:
    assert main(infer(trained, events)) == 0
    assert "made by other code (version 0.1.0); its artifacts are used as they are" in capsys.readouterr().err
    inferred = pl.read_parquet(events.parent / "codes" / "codes" / "*.parquet")
    bank = FeatureBank.open(next((trained / "catalogue").iterdir()))
    assert set(bank.users.columns) < set(inferred.columns)
    assert main(["explain", str(trained), "--lm", "none"]) == 0


def test_so_it_is_where_the_report_has_the_hash_of_the_configuration_s_text(trained, events, later) -> None:
    file = trained / "results.json"
    hashed = stable_hash((trained / "config.yaml").read_text())
    file.write_text(json.dumps(json.loads(file.read_text()) | {"config_hash": hashed}))
    assert main(infer(trained, events)) == 0


def test_the_same_version_says_nothing(trained, events, capsys) -> None:
    assert main(infer(trained, events)) == 0
    assert "version" not in capsys.readouterr().err


def test_neither_the_log_nor_the_cache_is_needed(trained, events, monkeypatch, later) -> None:
    monkeypatch.setattr("userip_lightning.pipeline.finished.prepare", lambda *_: pytest.fail("it was read"))
    monkeypatch.setattr(
        "userip_lightning.pipeline.earlier_artifacts.cache_root", lambda: trained / "no_cache"
    )
    assert main(infer(trained, events)) == 0


def test_a_setting_of_the_other_engine_that_is_gone_is_no_obstacle(trained, events, later) -> None:
    settings = yaml.safe_load((trained / "config.yaml").read_text())
    settings["quantize"]["model"]["cross_fit"] = True
    written = yaml.safe_dump(settings, sort_keys=False)
    (trained / "config.yaml").write_text(written)
    told = json.loads((trained / "results.json").read_text()) | {"config_hash": stable_hash(written)}
    (trained / "results.json").write_text(json.dumps(told))
    assert main(infer(trained, events)) == 0
    assert main(["explain", str(trained), "--lm", "none"]) == 0


def test_codes_of_the_per_user_engine_are_found_too(finished, tmp_path, capsys, later) -> None:
    root = Path(shutil.copytree(finished, tmp_path / "runs" / finished.name))
    assert main(["explain", str(root), "--lm", "none"]) == 0
    assert main(["test", "--config", str(root / "config.yaml"), "--output", str(root.parent)]) == 0
    runs = json.loads((root / "results.json").read_text())["runs"]
    assert {run["artifact"] for run in runs} == {
        run["artifact"] for run in json.loads((finished / "results.json").read_text())["runs"]
    }


@pytest.mark.parametrize("report", ["absent", "damaged", "of another configuration"])
def test_without_a_report_of_this_configuration_they_are_not_found(
    trained, events, capsys, later, report: str
) -> None:
    file = trained / "results.json"
    told = json.loads(file.read_text())
    file.unlink()
    if report == "damaged":
        file.write_text("{")
    elif report != "absent":
        settings = yaml.safe_load((trained / "config.yaml").read_text())
        (trained / "config.yaml").write_text(yaml.safe_dump(settings | {"seeds": [0, 1, 2]}))
        file.write_text(json.dumps(told))
    said = refused(infer(trained, events), capsys)
    assert "catalogue/seed0 is not there with this configuration and this version of the program" in said


def test_an_artifact_that_only_the_report_knows_is_not_found(trained, events, capsys, later) -> None:
    shutil.rmtree(trained / "catalogue")
    assert "catalogue/seed0 is not there with this configuration" in refused(infer(trained, events), capsys)
