"""The files of the repository; whether Feast can use them is test_feast.py's."""

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pytest
import yaml

from tests.cli.refusal import refused
from tests.serving.few_users import write_bank
from userip_lightning.cli import main
from userip_lightning.errors import InputError
from userip_lightning.serving import feast_repository

NOON = datetime(2026, 11, 28, 12, tzinfo=timezone.utc)
LATER = NOON + timedelta(days=7)


def rows(folder: Path) -> list[tuple[object, ...]]:
    return pl.read_parquet(folder / "user_codes.parquet").rows()


def test_rows_carry_the_time_at_which_they_came(tmp_path: Path) -> None:
    bank = write_bank(tmp_path / "bank", {"b": (3, 1), "Zoë": (0, 2)})
    written = feast_repository.write(bank, tmp_path / "repo", now=NOON)
    assert rows(tmp_path / "repo") == [("Zoë", 0, 2, NOON), ("b", 3, 1, NOON)]
    assert (written.users, written.gone, written.since) == (2, 0, NOON)
    assert written.until > NOON
    schema = pl.read_parquet_schema(tmp_path / "repo" / "user_codes.parquet")
    assert list(schema) == ["user_id", "hobby", "back ground", "event_timestamp"]
    assert schema["hobby"] == pl.Int64()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bank", "repo"]


def test_the_same_codes_again_are_the_same_bytes(tmp_path: Path) -> None:
    bank = write_bank(tmp_path / "bank", {"a": (3, 1), "b": (0, 2)})
    feast_repository.write(bank, tmp_path / "repo", now=NOON)
    before = {file.name: file.read_bytes() for file in (tmp_path / "repo").iterdir()}
    assert feast_repository.write(bank, tmp_path / "repo", now=LATER).since == NOON
    assert {file.name: file.read_bytes() for file in (tmp_path / "repo").iterdir()} == before


def test_whoever_left_the_bank_has_empty_codes_from_then_on(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    feast_repository.write(write_bank(tmp_path / "bank", {"a": (3, 1), "b": (0, 2)}), repo, now=NOON)
    written = feast_repository.write(
        write_bank(tmp_path / "bank", {"b": (1, 1), "c": (2, 0)}), repo, now=LATER
    )
    assert written.gone == 1
    assert rows(repo) == [("a", None, None, LATER), ("b", 1, 1, LATER), ("c", 2, 0, LATER)]
    feast_repository.write(write_bank(tmp_path / "bank", {"b": (1, 1)}), repo, now=LATER)
    assert [row[:3] for row in rows(repo)] == [("a", None, None), ("b", 1, 1), ("c", None, None)]
    feast_repository.write(write_bank(tmp_path / "bank", {"a": (2, 2)}), repo, now=LATER)
    assert [row[:3] for row in rows(repo)] == [("a", 2, 2), ("b", None, None), ("c", None, None)]


def test_time_never_goes_back_not_even_for_an_older_version_on_a_slow_clock(tmp_path: Path) -> None:
    repo, old, new = tmp_path / "repo", {"a": (3, 1)}, {"a": (0, 2)}
    times = []
    for codes, now in ((old, LATER), (new, NOON), (old, NOON)):
        times.append(feast_repository.write(write_bank(tmp_path / "bank", codes), repo, now=now).since)
        assert rows(repo)[0][3] == times[-1]
    assert times[0] == LATER
    assert times[0] < times[1] < times[2] < LATER + timedelta(seconds=1)


def test_other_profiles_leave_empty_codes_of_their_own(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    feast_repository.write(write_bank(tmp_path / "bank", {"a": (3, 1)}), repo, now=NOON)
    other = write_bank(tmp_path / "bank", {"b": (1,)}, names=("taste",), sizes=(2,))
    feast_repository.write(other, repo, now=LATER)
    assert rows(repo) == [("a", None, LATER), ("b", 1, LATER)]
    assert "hobby" not in (repo / "user_codes.py").read_text(encoding="utf-8")


def test_settings_are_written_once_and_then_the_readers(tmp_path: Path) -> None:
    bank, repo = write_bank(tmp_path / "bank", {"a": (3, 1)}), tmp_path / "repo"
    feast_repository.write(bank, repo, online="redis://h:1/2", project="shop")
    settings = yaml.safe_load((repo / "feature_store.yaml").read_text(encoding="utf-8"))
    assert settings["project"] == "shop"
    assert settings["online_store"] == {"type": "redis", "connection_string": "h:1,db=2"}
    edited = (
        (repo / "feature_store.yaml").read_text(encoding="utf-8").replace("data/registry.db", "s3://r/db")
    )
    (repo / "feature_store.yaml").write_text(edited, encoding="utf-8")
    feast_repository.write(bank, repo)
    feast_repository.write(bank, repo, online="redis://h:1/2", project="shop")
    assert (repo / "feature_store.yaml").read_text(encoding="utf-8") == edited
    for wrong in ({"online": "sqlite"}, {"project": "other"}):
        with pytest.raises(InputError, match=r"feature_store.yaml: has another (online_store|project) than"):
            feast_repository.write(bank, repo, **wrong)


def test_a_password_is_not_written_down(tmp_path: Path) -> None:
    bank = write_bank(tmp_path / "bank", {"a": (3, 1)})
    feast_repository.write(bank, tmp_path / "repo", online="rediss://me:secret@h:1")
    text = (tmp_path / "repo" / "feature_store.yaml").read_text(encoding="utf-8")
    assert "h:1,ssl=true,username=me,password=${REDIS_PASSWORD}" in text
    assert "secret" not in text


def test_feasts_own_files_stay(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()  # an empty folder is taken
    feast_repository.write(write_bank(tmp_path / "bank", {"a": (3, 1)}), repo)
    (repo / "data").mkdir()
    (repo / "data" / "registry.db").write_text("Feast's")
    feast_repository.write(write_bank(tmp_path / "bank", {"a": (0, 0)}), repo)
    assert (repo / "data" / "registry.db").read_text() == "Feast's"


def test_a_failed_write_leaves_nothing_or_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    bank, repo = write_bank(tmp_path / "bank", {"a": (3, 1)}), tmp_path / "repo"
    with monkeypatch.context() as patch:
        patch.setattr(pl.DataFrame, "write_parquet", full)
        with pytest.raises(InputError, match=r"repo: could not be written \(the disk is full"):
            feast_repository.write(bank, repo)
    assert [file.name for file in tmp_path.iterdir()] == ["bank"]
    feast_repository.write(bank, repo, now=NOON)
    newer = write_bank(tmp_path / "bank", {"a": (0, 0)})
    monkeypatch.setattr(feast_repository, "_definitions", full)
    with pytest.raises(InputError, match="could not be written"):
        feast_repository.write(newer, repo, now=LATER)
    assert rows(repo) == [("a", 3, 1, NOON)]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bank", "repo"]


def test_command_says_what_comes_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bank = write_bank(tmp_path / "bank", {"a": (3, 1), "b": (0, 0)})
    assert main(["bank", "feast", str(tmp_path / "bank"), str(tmp_path / "repo"), "--online", "sqlite"]) == 0
    shown = capsys.readouterr().out
    assert f"version {bank.path.name}, users: 2\n" in shown
    assert "feast apply\n" in shown
    until = datetime.fromisoformat(shown.split("materialize-incremental ")[1].strip()).replace(
        tzinfo=timezone.utc
    )
    since = rows(tmp_path / "repo")[0][3]
    assert isinstance(since, datetime)
    assert since <= until <= since + timedelta(milliseconds=1)
    write_bank(tmp_path / "bank", {"a": (3, 1)})
    assert main(["bank", "feast", str(tmp_path / "bank"), str(tmp_path / "repo")]) == 0
    assert "users: 1, gone since earlier versions and now with empty codes: 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ["--online", "http://h:1"],
            r"online: 'http://h:1' given, sqlite or redis://HOST:PORT or .* expected; ",
        ),
        (["--online", "redis://h:port"], r"online: 'redis://h:port' given, "),
        (["--online", "redis://me:secret@h:99999"], r"online: 'redis://…@h:99999' given, "),
        (["--online", "redis://h:1/codes"], r"online: 'redis://h:1/codes' given, "),
        (["--project", "_mine"], r"project: '_mine' given, but Feast wants letters, digits and underscores"),
        (["--project", "my shop"], r"project: 'my shop' given"),
        (["--onlines", "sqlite"], r"onlines: no such setting; "),
    ],
)
def test_bad_options_are_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    write_bank(tmp_path / "bank", {"a": (3, 1)})
    words = ["bank", "feast", str(tmp_path / "bank"), str(tmp_path / "repo"), *options]
    assert re.match(sentence, refused(words, capsys))
    assert not (tmp_path / "repo").exists()


def test_bad_folders_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_bank(tmp_path / "bank", {"a": (3, 1)})
    write_bank(tmp_path / "clash", {"a": (1,)}, names=("event_timestamp",), sizes=(4,))
    feast_repository.write(write_bank(tmp_path / "bank", {"a": (3, 1)}), tmp_path / "damaged")
    (tmp_path / "damaged" / "user_codes.parquet").write_text("no Parquet")
    feast_repository.write(write_bank(tmp_path / "bank", {"a": (3, 1)}), tmp_path / "no_yaml")
    (tmp_path / "no_yaml" / "feature_store.yaml").write_text("a: [")
    (tmp_path / "file").write_text("a file")
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "user_codes.py").write_text("# somebody else's")
    bank = str(tmp_path / "bank")
    for words, sentence in (
        ([str(tmp_path / "nothing"), str(tmp_path / "repo")], "nothing: no bank here"),
        ([bank, str(tmp_path / "others")], "others: is there and was not written by `userip bank feast`"),
        ([bank, bank], "bank: is there and was not written"),
        ([bank, str(tmp_path / "file")], "file: is there and was not written"),
        ([bank, str(tmp_path / "file" / "repo")], "repo: could not be written (Not a directory)"),
        ([str(tmp_path / "clash"), str(tmp_path / "repo")], "a profile is called event_timestamp"),
        ([bank, str(tmp_path / "damaged")], "user_codes.parquet: not readable as Parquet"),
        ([bank, str(tmp_path / "no_yaml"), "--online", "sqlite"], "feature_store.yaml: not readable as YAML"),
    ):
        assert sentence in refused(["bank", "feast", *words], capsys)
    assert (tmp_path / "others" / "user_codes.py").read_text() == "# somebody else's"
    assert not (tmp_path / "repo").exists()
