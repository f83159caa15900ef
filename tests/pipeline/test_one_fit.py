"""Two commands in one experiment's folder: the second is refused, what belongs to the first is not."""

import multiprocessing
import platform
from pathlib import Path

import pytest

from tests.bank.bank_work import hold, hold_and_hang
from tests.cli.refusal import refused
from userip_lightning.cli import main

SPAWN = multiprocessing.get_context("spawn")


@pytest.mark.parametrize("command", ["fit", "test"])
def test_the_second_fit_is_refused(
    command: str, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held, let_go = SPAWN.Event(), SPAWN.Event()
    first = SPAWN.Process(target=hold, args=(tmp_path / "tiny", held, let_go))
    first.start()
    assert held.wait(60)
    words = [command, "--config", str(config), "--output", str(tmp_path), "--stages", "prepare"]
    sentence = refused(words, capsys)
    assert sentence.startswith(
        f"{tmp_path / 'tiny'}: process {first.pid} on {platform.node()} is writing this experiment; wait"
    )
    assert not (tmp_path / "tiny" / "config.yaml").exists()
    elsewhere = ["fit", "--config", str(config), "--output", str(tmp_path / "b"), "--stages", "prepare"]
    assert main(elsewhere) == 0
    let_go.set()
    first.join(60)


def test_a_killed_fit_lets_the_next_one_in(config: Path, tmp_path: Path) -> None:
    held = SPAWN.Event()
    first = SPAWN.Process(target=hold_and_hang, args=(tmp_path / "tiny", held))
    first.start()
    assert held.wait(60)
    first.kill()
    first.join(60)
    words = ["fit", "--config", str(config), "--output", str(tmp_path), "--stages", "prepare"]
    assert main(words) == 0
    assert main(words) == 0  # and it lets go itself


def test_a_fit_holds_its_folder(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused_meanwhile(*_: object) -> None:
        codes.append(main(words))

    codes: list[int] = []
    words = ["fit", "--config", str(config), "--output", str(tmp_path), "--stages", "prepare"]
    monkeypatch.setattr("userip_lightning.pipeline.run._fit", refused_meanwhile)
    assert main(words) == 0
    assert codes == [2]
