"""Codes through real Feast: apply, materialize and get_online_features, on SQLite and on Redis."""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.serving import feast_process
from tests.serving.feast_process import Feast
from tests.serving.few_users import NAMES, write_bank
from tests.serving.redis_server import RedisServer
from userip_lightning.cli import main
from userip_lightning.serving import feast_repository

pytestmark = pytest.mark.skipif(feast_process.PYTHON is None, reason=feast_process.WHY_NOT)

FIRST = {"a": (3, 1), "Zoë": (0, 0), "10": (2, 2)}
SECOND = {"a": (1, 1), "10": (2, 0), "-new": (3, 2)}
USERS = ["a", "Zoë", "10", "-new", "nobody"]


@pytest.fixture(scope="module")
def feast() -> Iterator[Feast]:
    process = Feast()
    yield process
    process.close()


@pytest.fixture(params=["sqlite", "redis"])
def online(request: pytest.FixtureRequest) -> str:
    """An online store, as `--online` names it."""
    if request.param == "sqlite":
        return "sqlite"
    server: RedisServer = request.getfixturevalue("redis_server")
    return f"redis://127.0.0.1:{server.port}"


def expected(codes: dict[str, tuple[int, ...]]) -> list[tuple[int | None, ...]]:
    return [codes.get(user, (None, None)) for user in USERS]


def publish(bank: Path, repo: Path, capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    """Words of the `feast` commands that `userip bank feast` says are next."""
    capsys.readouterr()
    assert main(["bank", "feast", str(bank), str(repo), *options]) == 0
    return [line.strip() for line in capsys.readouterr().out.splitlines() if line.startswith("  feast ")]


@pytest.mark.timeout(600)
def test_a_version_replaces_the_one_before_and_back(
    feast: Feast, online: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bank, repo = tmp_path / "bank", tmp_path / "repo"
    first = write_bank(bank, FIRST)
    apply, materialize = publish(bank, repo, capsys, "--online", online)
    assert "user_codes" in feast.run(repo, *apply.split()[1:])
    feast.run(repo, *materialize.split()[1:])
    assert feast.codes(repo, USERS, NAMES) == expected(FIRST)

    write_bank(bank, SECOND)
    _, materialize = publish(bank, repo, capsys)
    assert feast.codes(repo, USERS, NAMES) == expected(FIRST)  # until it is materialized
    feast.run(repo, *materialize.split()[1:])
    assert feast.codes(repo, USERS, NAMES) == expected(SECOND)
    feast.run(repo, *materialize.split()[1:])  # the same twice
    assert feast.codes(repo, USERS, NAMES) == expected(SECOND)

    (bank / "CURRENT").write_text(first.path.name)  # an older version is made current again
    _, materialize = publish(bank, repo, capsys)
    feast.run(repo, *materialize.split()[1:])
    assert feast.codes(repo, USERS, NAMES) == expected(FIRST)


@pytest.mark.timeout(600)
def test_materialize_reads_all_of_a_repository_into_an_empty_store(
    feast: Feast, online: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bank, repo = tmp_path / "bank", tmp_path / "repo"
    write_bank(bank, FIRST)
    publish(bank, repo, capsys, "--online", online, "--project", "shop")
    write_bank(bank, SECOND)
    publish(bank, repo, capsys)
    moved = tmp_path / "moved"
    shutil.move(repo, moved)  # a checkout on another machine
    feast.run(moved, "apply")
    now = datetime.now(timezone.utc)
    feast.run(moved, "materialize", (now - timedelta(days=1)).isoformat(), now.isoformat())
    assert feast.codes(moved, USERS, NAMES) == expected(SECOND)


@pytest.mark.timeout(600)
def test_a_version_published_after_a_later_materialize_arrives(feast: Feast, tmp_path: Path) -> None:
    repo, bank = tmp_path / "repo", write_bank(tmp_path / "bank", FIRST)
    late = write_bank(tmp_path / "bank", SECOND)
    feast_repository.write(bank, repo)
    feast.run(repo, "apply")
    for codes in (FIRST, SECOND):
        now = datetime.now(timezone.utc)
        feast.run(repo, "materialize-incremental", now.isoformat())
        assert feast.codes(repo, USERS, NAMES) == expected(codes)
        feast_repository.write(late, repo)


@pytest.mark.timeout(600)
def test_other_profiles_after_apply(feast: Feast, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bank, repo = tmp_path / "bank", tmp_path / "repo"
    write_bank(bank, FIRST)
    for command in publish(bank, repo, capsys):
        feast.run(repo, *command.split()[1:])
    write_bank(bank, {"a": (1,), "b": (0,)}, names=('a: "taste", it\'s @v2',), sizes=(2,))
    for command in publish(bank, repo, capsys):
        feast.run(repo, *command.split()[1:])
    found = feast.codes(repo, ["a", "b", "Zoë"], ('a: "taste", it\'s @v2',))
    assert found == [(1,), (0,), (None,)]
