"""Two commands in one experiment's folder: the second is refused, what belongs to the first is not."""

import json
import platform
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from tests.bank.bank_work import hold, hold_and_hang
from tests.cli.refusal import refused
from tests.pipeline.killer import VARIABLE
from tests.server import SERVER, start
from userip_lightning.cli import main
from userip_lightning.lock import HOLDER


@pytest.mark.parametrize("command", ["fit", "test"])
def test_the_second_fit_is_refused(
    command: str, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held, let_go = SERVER.Event(), SERVER.Event()
    first = SERVER.Process(target=hold, args=(tmp_path / "tiny", held, let_go))
    first.start()
    assert held.wait(60)
    words = [command, "--config", str(config), "--output", str(tmp_path), "--stages", "prepare"]
    sentence = refused(words, capsys)
    who = f"{tmp_path / 'tiny'}: process {first.pid} on {platform.node()}, since 20"
    assert sentence.startswith(who)
    assert sentence.endswith(" UTC, is writing this experiment; wait until it is done, or end it.")
    assert not (tmp_path / "tiny" / "config.yaml").exists()
    elsewhere = ["fit", "--config", str(config), "--output", str(tmp_path / "b"), "--stages", "prepare"]
    assert main(elsewhere) == 0
    let_go.set()
    first.join(60)


def test_a_killed_fit_lets_the_next_one_in(config: Path, tmp_path: Path) -> None:
    held = SERVER.Event()
    first = SERVER.Process(target=hold_and_hang, args=(tmp_path / "tiny", held))
    first.start()
    assert held.wait(60)
    first.kill()
    first.join(60)
    words = ["fit", "--config", str(config), "--output", str(tmp_path), "--stages", "prepare"]
    assert main(words) == 0
    assert main(words) == 0  # and it lets go itself


@pytest.fixture
def held_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that another process writes into."""
    held, let_go = SERVER.Event(), SERVER.Event()
    first = SERVER.Process(target=hold, args=(tmp_path / "held", held, let_go))
    first.start()
    assert held.wait(60)
    yield tmp_path / "held"
    let_go.set()
    first.join(60)


def test_whatever_writes_into_a_folder_asks_first(
    held_folder: Path,
    finished_catalogue: Path,
    catalogue_config: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root, events = str(finished_catalogue), held_folder.parent / "events.parquet"
    pl.DataFrame({"user_id": ["1"], "item_id": ["1"], "rating": [5.0]}).write_parquet(events)
    shutil.copy(finished_catalogue / "config.yaml", held_folder)
    settings = {
        "dataset_files": {"tiny": str(catalogue_config)},
        "split_rules": {"random": "userip_lightning.data.splits.RandomSplit"},
        "networks": {"DCN": {"class_path": "userip_lightning.ctr.networks.dcn.DCN"}},
        "output": str(held_folder.parent),
        "study": "held",
    }
    stage = ["--trainer.default_root_dir", str(held_folder), "--data.prepared", "nowhere"]
    for what, words in {
        "experiment": ["explain", str(held_folder)],
        "bank": ["refresh", root, "--events", str(events), "--bank", str(held_folder)],
        "folder of codes": ["infer", root, "--events", str(events), "--codes", str(held_folder)],
        "ctr run": ["ctr", "fit", *stage],
        "study": ["reproduce", "table1", "--config", json.dumps(settings)],
    }.items():
        said = refused(words, capsys)
        assert said.startswith(f"{held_folder}: process "), what
        assert f" is writing this {what}; wait" in said


def test_a_steered_experiment_has_one_writer(
    finished_catalogue: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held, let_go = SERVER.Event(), SERVER.Event()
    folder = finished_catalogue.parent / "held"
    first = SERVER.Process(target=hold, args=(folder, held, let_go))
    first.start()
    assert held.wait(60)
    words = ["steer", str(finished_catalogue), "--merge", "{hobby: [[0, 1]]}", "--name", "held"]
    assert refused(words, capsys).startswith(f"{folder}: process {first.pid} on ")
    let_go.set()
    first.join(60)
    shutil.rmtree(folder)


def test_of_two_fits_at_once_one_is_refused_and_the_other_is_whole(
    finished_catalogue: Path, catalogue_config: Path, tmp_path: Path
) -> None:
    words = ["fit", "--config", str(catalogue_config), "--output", str(tmp_path / "runs")]
    files = [tmp_path / name for name in ("first", "second")]
    both = [start(words, file) for file in files]
    for process in both:
        process.join(280)
    said = [file.read_text() for file in files]
    assert sorted(process.exitcode for process in both) == [0, 2], said
    refusal = said[0 if both[0].exitcode else 1].splitlines()[-1]
    assert re.search(r"process \d+ on .*, since .* UTC, is writing this experiment; wait", refusal)
    whole, found = (
        json.loads((root / "results.json").read_text())
        for root in (finished_catalogue, tmp_path / "runs" / finished_catalogue.name)
    )
    assert found["comparison"]["variants"] == whole["comparison"]["variants"]
    assert [run["label"] for run in found["runs"]] == [run["label"] for run in whole["runs"]]
    assert all(run["figures"] for run in found["runs"])
    curves = (tmp_path / "runs" / finished_catalogue.name).glob("logs/**/metrics.csv")
    assert len(list(curves)) == len(whole["runs"])


def test_the_next_fit_takes_over_from_a_killed_one(
    finished_catalogue: Path, catalogue_config: Path, tmp_path: Path
) -> None:
    words = ["fit", "--config", str(catalogue_config), "--output", str(tmp_path)]
    killed = start(words, tmp_path / "said", {VARIABLE: "ctr SIGKILL"})
    killed.join(280)
    root = tmp_path / finished_catalogue.name
    assert killed.exitcode == -9
    assert (root / HOLDER).is_file()
    again = start(words, tmp_path / "said")
    again.join(280)
    said = (tmp_path / "said").read_text()
    assert again.exitcode == 0, said
    assert "resuming from its last checkpoint" in said
    whole, found = (json.loads((r / "results.json").read_text()) for r in (finished_catalogue, root))
    assert found["comparison"] == whole["comparison"]
    assert all(run["figures"] for run in found["runs"])
    assert not (root / HOLDER).exists()


def test_a_fit_holds_its_folder(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused_meanwhile(*_: object) -> None:
        codes.append(main(words))

    codes: list[int] = []
    words = ["fit", "--config", str(config), "--output", str(tmp_path), "--stages", "prepare"]
    monkeypatch.setattr("userip_lightning.pipeline.run._fit", refused_meanwhile)
    assert main(words) == 0
    assert codes == [2]
