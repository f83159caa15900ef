"""`--safe`: of a configuration nothing is imported but classes of three packages."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.cli.refusal import refused
from userip_lightning.cli import main
from userip_lightning.safe_classes import VARIABLE

SOURCE = "userip_lightning.data.sources.tabular.Tabular"
#: A module that says that it was run.
EVIL = "from pathlib import Path\nPath(__file__).with_name('ran').touch()\nclass Net: pass\n"


@pytest.fixture
def evil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where there is a file once the module `evil` was imported."""
    folder = tmp_path / "evil"
    folder.mkdir()
    (folder / "__init__.py").write_text(EVIL)
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder / "ran"


@pytest.fixture
def file(tmp_path: Path) -> Callable[[dict], str]:
    """A configuration as a file."""

    def write(values: dict) -> str:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.yaml"
        path.write_text(yaml.safe_dump(values))
        return str(path)

    return write


def nested(class_path: str) -> dict:
    joined = "userip_lightning.texts.source.Joined"
    text = {"class_path": joined, "init_args": {"sources": [{"class_path": class_path}]}}
    return {"catalogue": {"data": {"text": text}}}


@pytest.mark.parametrize(
    ("key", "values", "words"),
    [
        ("data.source", {"data": {"source": {"class_path": "evil.Net"}}}, []),
        ("ctr.model.net", {"ctr": {"model": {"net": {"class_path": "evil.Net"}}}}, []),
        ("ctr.model.net", {"ctr": {"model": {"net": "evil.Net"}}}, []),
        ("ctr.model.net", {}, ["--ctr.model.net", "evil.Net"]),
        ("ctr.model.net", {}, ["--ctr.model.net.class_path=evil.Net"]),
        ("ctr.model.net", {}, ["-c", '{"ctr": {"model": {"net": {"class_path": "evil.Net"}}}}']),
        ("ctr.trainer", {"ctr": {"trainer": {"callbacks": [{"class_path": "evil.Net"}]}}}, []),
        ("catalogue.data.text", nested("evil.Net"), []),
    ],
)
def test_no_other_class_is_imported(
    key: str, values: dict, words: list[str], file, evil: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = file({"data": {"source": {"class_path": SOURCE, "init_args": {"path": "x.csv"}}}})
    said = refused(["fit", "-c", base, "-c", file(values), "--safe", *words], capsys)
    assert said.startswith(key)
    assert not evil.exists()
    assert VARIABLE not in os.environ


def test_the_sentence_names_key_and_class(file, evil: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = file({"data": {"source": {"class_path": "evil.Net"}}})
    for words in (["data", "stats"], ["reproduce", "regimes"], ["test"]):
        said = refused([*words, "--safe", "--config", config], capsys)
        assert said.startswith("data.source: evil.Net is of none of the packages userip_lightning, torch")
    assert not evil.exists()
    assert main(["fit", "--config", config, "--stages", "prepare"]) == 2  # no source, but only now known
    assert evil.exists()


def test_a_nested_file_is_no_way_around(file, evil: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = file({"class_path": "evil.Net"})
    config = file({"ctr": {"model": {"net": net}}})
    assert "evil.Net" in refused(["fit", "--safe", "-c", config, "--data.source", SOURCE], capsys)
    assert not evil.exists()


@pytest.mark.parametrize("name", ["os.system", "torch.load", "torch.hub.load", "subprocess.run"])
def test_what_runs_code_is_of_no_admitted_package(
    name: str, file, capsys: pytest.CaptureFixture[str]
) -> None:
    config = file({"ctr": {"model": {"optimizer": name}}})
    assert name in refused(["fit", "--safe", "-c", config, "--data.source", SOURCE], capsys)


def test_every_command_with_a_configuration_is_safe(
    file, evil: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net = file({"model": {"net": {"class_path": "evil.Net"}}})
    assert "evil.Net" in refused(["ctr", "fit", "--safe", "--config", net], capsys)
    splits = file(
        {
            "dataset_files": {"log": net},
            "networks": {"n": {"class_path": "evil.Net"}},
            "split_rules": {"random": "userip_lightning.data.splits.RandomSplit"},
            "control_network": "n",
        }
    )
    assert "evil.Net" in refused(["reproduce", "table2", "--safe", "-c", splits], capsys)
    assert not evil.exists()


def test_saved_configurations_are_asked_too(
    evil: Path, finished_catalogue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = yaml.safe_load((finished_catalogue / "config.yaml").read_text())
    values["ctr"]["model"]["net"] = {"class_path": "evil.Net"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(values))
    for command in (["explain"], ["refresh"], ["infer", "--events", "e", "--codes", "c"]):
        assert "evil.Net" in refused([command[0], str(tmp_path), *command[1:], "--safe"], capsys)
    assert not evil.exists()


def test_classes_of_the_three_packages_are_admitted(file, capsys: pytest.CaptureFixture[str]) -> None:
    config = file(
        {
            "data": {"source": {"class_path": SOURCE, "init_args": {"path": "nowhere.csv"}}},
            "ctr": {
                "model": {
                    "net": "userip_lightning.ctr.networks.dcnv2.DCNv2",
                    "optimizer": {"class_path": "torch.optim.SGD"},
                },
                "trainer": {"callbacks": [{"class_path": "lightning.pytorch.callbacks.LearningRateMonitor"}]},
            },
        }
    )
    assert "nowhere.csv" in refused(["fit", "--safe", "-c", config], capsys)


def test_processes_that_a_command_starts_are_safe_too(evil: Path) -> None:
    words = ["fit", "--data.source", "evil.Net"]
    done = subprocess.run(
        [sys.executable, "-m", "userip_lightning", *words],
        env={
            **os.environ,
            VARIABLE: "1",
            "PYTHONPATH": os.pathsep.join([str(evil.parent.parent), *sys.path]),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "evil.Net is of none" in done.stderr
    assert not evil.exists()


def test_after_two_dashes_it_is_an_id(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(["bank", "lookup", str(tmp_path), "--", "--safe"], capsys).startswith(str(tmp_path))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"experiment": False}, "experiment: 'False' given, str expected; put it in quotes"),
        ({"experiment": 2024}, "experiment: '2024' given, str expected; put it in quotes"),
        ({"catalogue": {"model": {"sizes": {False: 4}}}}, "the name False is no text; put it in quotes"),
        ({"catalogue": {"data": {"columns": ["title", True]}}}, "put it in quotes"),
        ({"profile": {"model": {"prompt": {"profiles": [{"name": True, "text": "x"}]}}}}, "put it in quotes"),
    ],
)
def test_a_word_that_yaml_reads_as_something_else(
    values: dict, said: str, file, capsys: pytest.CaptureFixture[str]
) -> None:
    source = {"data": {"source": {"class_path": SOURCE, "init_args": {"path": "x.csv"}}}}
    assert said in refused(["fit", "-c", file(source), "-c", file(values)], capsys)


def test_columns_that_yaml_reads_as_something_else(file, capsys: pytest.CaptureFixture[str]) -> None:
    for columns in ({"user_id": False}, {"user_id": 12}):
        arguments = {"path": "x.csv", "columns": columns}
        config = file({"data": {"source": {"class_path": SOURCE, "init_args": arguments}}})
        assert "put it in quotes" in refused(["fit", "-c", config], capsys), json.dumps(columns)
