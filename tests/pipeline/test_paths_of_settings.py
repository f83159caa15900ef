"""Which settings are paths, and what stands in their place where settings are kept or decide."""

import shutil
from pathlib import Path

import pytest
import yaml

from userip_lightning.integrity import file_hash
from userip_lightning.pipeline.config import experiment_parser, parse_experiment, settings_hash
from userip_lightning.pipeline.local_paths import absolute, by_content, names_alone


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a log, a table and a model in it."""
    (tmp_path / "models" / "lm").mkdir(parents=True)
    (tmp_path / "models" / "lm" / "config.json").write_text("{}")
    (tmp_path / "log.csv").write_text("user_id,item_id\n")
    (tmp_path / "title").mkdir()
    (tmp_path / "ml-100k").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_there_becomes_absolute_and_the_rest_stays(here: Path) -> None:
    values = {
        "source": {"class_path": "x.Y", "init_args": {"path": "log.csv", "items_path": "nowhere.csv"}},
        "files": [{"path": ["log.csv", "s3://bucket/log.csv"]}],
        "lm": {"name": "models/lm"},
        "encoder": {"name": "sentence-transformers/all-MiniLM-L6-v2"},
        "name": "title",
        "columns": ["title"],
        "other": {"path": "ml-100k"},
        "long": {"path": "x" * 5000},
    }
    found = absolute(values)
    assert found["source"]["init_args"] == {"path": str(here / "log.csv"), "items_path": "nowhere.csv"}
    assert found["files"] == [{"path": [str(here / "log.csv"), "s3://bucket/log.csv"]}]
    assert found["lm"] == {"name": str(here / "models" / "lm")}
    unchanged = ("encoder", "name", "columns", "other", "long")
    assert {name: found[name] for name in unchanged} == {name: values[name] for name in unchanged}
    assert absolute(found) == found
    assert absolute("log.csv", "data.source.init_args.path") == str(here / "log.csv")
    assert absolute("models/lm", "model.lm.name") == str(here / "models" / "lm")
    assert absolute("title", "model.name") == "title"


def test_a_key_has_what_lies_there_and_not_where(here: Path) -> None:
    values = {"lm": {"name": "models/lm"}, "path": "log.csv"}
    before = by_content(values)
    assert before["path"] == file_hash("log.csv")
    assert by_content(absolute(values)) == before
    assert names_alone(absolute(values)) == {"lm": {"name": "lm"}, "path": "log.csv"}
    assert names_alone({"lm": {"name": "org/model"}, "path": "/no/where.csv"}) == {
        "lm": {"name": "org/model"},
        "path": "where.csv",
    }
    shutil.move(here / "models", here / "elsewhere")
    assert by_content({**values, "lm": {"name": "elsewhere/lm"}}) == before
    (here / "elsewhere" / "lm" / "config.json").write_text('{"another": 1}')
    assert by_content({**values, "lm": {"name": "elsewhere/lm"}}) != before


def test_a_configuration_that_is_kept_finds_its_files_from_anywhere(
    here: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = {"class_path": "userip_lightning.data.sources.tabular.Tabular", "init_args": {"path": "log.csv"}}
    Path("c.yaml").write_text(yaml.safe_dump({"data": {"source": source}, "output": "out"}))
    experiment = parse_experiment(experiment_parser("fit", ""), ["--config", "c.yaml"])
    written, kept = experiment.written, here / "kept.yaml"
    kept.write_text(written)
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    again = parse_experiment(experiment_parser("fit", ""), ["--config", str(kept)])
    assert again.data["source"]["init_args"]["path"] == str(here / "log.csv")
    assert again.settings.output == str(here / "out")
    assert again.written == written
    assert settings_hash(again.written) == settings_hash(again.merged)
