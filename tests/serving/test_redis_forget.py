"""Forgetting on disk and in a Redis: all of it, from any point, by the same command."""

from pathlib import Path

import numpy as np
import pytest

from tests.cli.refusal import refused
from tests.serving.banks import SIZES, ids, write
from userip_lightning.bank import FeatureBank
from userip_lightning.bank.forgetting import forget
from userip_lightning.cli import main
from userip_lightning.serving.redis_store import Address, RedisBank, RedisCopy, follower, info, push
from userip_lightning.serving.redis_store.layout import Layout


def everything(store: Address) -> bytes:
    """All that the store has, uncompressed."""
    import zlib

    client = Layout(store).client
    found = [key for key in client.scan_iter(store.key("*")) if client.type(key) == b"string"]
    values = [client.get(key) for key in found]
    return b"".join(zlib.decompress(v) if b":file:" in k else v for k, v in zip(found, values, strict=True))


def test_a_person_vanishes_from_disk_and_store(
    store: Address, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "bank"
    old, new = write(root, 1, states=True), write(root, 2, states=True)
    push(old, store)
    push(new, store)
    reader = RedisBank(store)
    words = ["bank", "forget", str(root), "user_7", "nobody", "--store", str(store), "--", "-x"]
    assert main(words) == 0
    assert capsys.readouterr().err == "in no version: nobody\n"
    gone = ["user_7", "-x"]
    stay = [user for user in ids(300) if user not in gone]
    assert reader.lookup(gone).tolist() == [list(SIZES)] * 2
    assert np.array_equal(reader.lookup(stay), new.lookup(stay))
    assert list(info(store).versions) == [FeatureBank.open(root).path.name]
    assert b'"user_7"' not in everything(store)
    assert b'"user_8"' in everything(store)
    assert push(FeatureBank.open(root), store).done == "current"


def test_a_crash_before_the_store_followed_is_made_good_by_the_same_command(
    store: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 1)
    push(write(tmp_path, 2), store)

    def cut(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(follower, "push", cut)
        with pytest.raises(KeyboardInterrupt):
            forget(tmp_path, ["user_7"], [RedisCopy(store)])
    assert FeatureBank.open(tmp_path).lookup(["user_7"]).tolist() == [list(SIZES)]
    assert RedisBank(store).lookup(["user_7"]).tolist() != [list(SIZES)]
    assert forget(tmp_path, ["user_7"], [RedisCopy(store)]).users == ("user_7",)
    assert RedisBank(store).lookup(["user_7"]).tolist() == [list(SIZES)]
    assert len(FeatureBank.open(tmp_path).info().versions) == 2


def test_a_person_whom_only_an_older_version_of_the_store_has(store: Address, tmp_path: Path) -> None:
    larger = write(tmp_path / "older", 1, users=400)
    push(larger, store)
    push(write(tmp_path / "bank", 2), store)
    assert forget(tmp_path / "bank", ["user_380"], [RedisCopy(store)]) == (("user_380",), (), {})
    assert len(info(store).versions) == 1


def test_a_store_of_another_bank_is_refused_before_anything_changes(
    store: Address, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    push(write(tmp_path / "other", 1), store)
    before = write(tmp_path / "bank", 2).path
    words = ["bank", "forget", str(tmp_path / "bank"), "user_7", "--store", str(store)]
    assert "is none of this bank" in refused(words, capsys)
    assert FeatureBank.open(tmp_path / "bank").path == before
    assert len(FeatureBank.open(before.parent).info().versions) == 1


def test_nobody_known_changes_nothing(
    store: Address, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bank = write(tmp_path)
    push(bank, store)
    words = ["bank", "forget", str(tmp_path), "nobody", "--store", str(store)]
    assert "no version knows 'nobody'" in refused(words, capsys)
    assert FeatureBank.open(tmp_path).path == bank.path
    assert RedisBank(store).version == bank.path.name


def test_codes_alone_stay_codes_alone(store: Address, tmp_path: Path) -> None:
    push(write(tmp_path), store, codes_only=True)
    forget(tmp_path, ["user_7"], [RedisCopy(store)])
    assert not info(store).whole_bank


def test_ids_that_begin_with_two_dashes_follow_dashes(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(["bank", "forget", "B", "a", "--x", "--store", "s"], capsys) == (
        "--x: no such setting; check its spelling, and put ids that begin with -- after --."
    )
    assert "x: no such setting; check its spelling, --help" in refused(["bank", "info", "B", "-x"], capsys)


def test_ids_that_begin_with_a_dash_are_looked_up(
    store: Address, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bank = write(tmp_path)
    push(bank, store)
    for place in (str(tmp_path), str(store)):
        assert main(["bank", "lookup", place, "user_1", "--", "-x", "--"]) == 0
        shown = capsys.readouterr()
        expected = bank.lookup(["user_1", "-x"]).tolist()
        rows = [line.split("\t") for line in shown.out.splitlines()[1:]]
        assert rows == [
            ["user_1", *map(str, expected[0])],
            ["-x", *map(str, expected[1])],
            ["--", *map(str, SIZES)],
        ]
    assert "users: none given" in refused(["bank", "lookup", str(tmp_path), "--"], capsys)
    assert "not expected after --" in refused(["bank", "info", str(tmp_path), "--", "-x"], capsys)
