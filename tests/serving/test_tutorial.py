"""Every command of docs/tutorial.md, in order, as a reader types it."""

import re
import shlex
from pathlib import Path

import pytest

from tests.serving.redis_server import RedisServer
from userip_lightning.bank import FeatureBank
from userip_lightning.cli import main
from userip_lightning.serving.redis_store import RedisBank

TUTORIAL = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    (userip [^\n]*)$", TUTORIAL, re.MULTILINE)
USERS = ["u00000", "u00001", "nobody"]


def test_the_tutorial_has_commands():
    assert len(COMMANDS) == len(re.findall(r"\buserip [a-z]+ [^\n`]*\n", TUTORIAL))  # none is set otherwise
    assert [command.split()[1] for command in COMMANDS][:3] == ["data", "data", "data"]
    assert len(COMMANDS) >= 12


def test_from_a_csv_file_to_codes_in_redis(
    cache: Path,
    redis_server: RedisServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (configuration,) = re.findall(r"```yaml\n(.*?)```", TUTORIAL, re.DOTALL)
    (tmp_path / "shop.yaml").write_text(configuration, encoding="utf-8")
    for command in COMMANDS:
        words = command.replace("localhost:6379", f"127.0.0.1:{redis_server.port}")
        assert main(shlex.split(words)[1:]) == 0, (command, capsys.readouterr().err)

    served = FeatureBank.open("runs/shop/serving/seed0")
    codes = served.lookup(USERS)
    assert codes[-1].tolist() == list(served.sizes)
    assert (codes[:-1] < codes[-1]).all()
    assert RedisBank(redis_server.url("shop")).lookup(USERS).tolist() == codes.tolist()
    assert (tmp_path / "runs/shop/report.html").is_file()
    assert "experiment: mine" in (tmp_path / "draft.yaml").read_text(encoding="utf-8")
    assert all(line in (tmp_path / "shop/events.csv").read_text() for line in events_shown())


def events_shown() -> list[str]:
    """The rows of events that the page shows."""
    return re.findall(r"^    (user_id,item_id,rating.*|u00000,.*)$", TUTORIAL, re.MULTILINE)
