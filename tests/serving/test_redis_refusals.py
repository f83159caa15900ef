"""Every bad input of the commands on a Redis: exit code 2, one sentence, nothing changed."""

import socket
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.cli.refusal import refused
from tests.serving.banks import ids, write
from tests.serving.redis_server import RedisServer
from userip_lightning.bank import FeatureBank
from userip_lightning.cli import main
from userip_lightning.serving.redis_store import Address, RedisBank, info, push
from userip_lightning.serving.redis_store.layout import Layout
from userip_lightning.serving.redis_store.pages import page_of


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """A small bank."""
    write(tmp_path / "bank")
    return tmp_path / "bank"


def every_command(bank: Path, url: str, pulled: Path) -> list[list[str]]:
    return [
        ["bank", "push", str(bank), "--to", url],
        ["bank", "pull", url, str(pulled)],
        ["bank", "lookup", url, "user_1"],
        ["bank", "info", url],
        ["bank", "forget", str(bank), "user_1", "--store", url],
    ]


def assert_all_refused(bank: Path, url: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = FeatureBank.open(bank).path
    pulled = bank.parent / "pulled"
    for words in every_command(bank, url, pulled):
        assert said in refused(words, capsys), words
    assert FeatureBank.open(bank).path == before
    assert not pulled.exists()


@pytest.mark.usefixtures("redis_server")
def test_no_server(bank: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert_all_refused(bank, f"redis://127.0.0.1:{port}/p", "no Redis answers there", capsys)


@pytest.mark.usefixtures("redis_server")
def test_a_wrong_password(bank: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with RedisServer("--requirepass", "right") as server:
        for user in ("", ":wrong@", "somebody:right@"):
            assert_all_refused(bank, server.url("p", user), "refuses user or password", capsys)
        assert "wrong" not in refused(["bank", "info", server.url("p", ":wrong@")], capsys)
        assert main(["bank", "push", str(bank), "--to", server.url("p", ":right@")]) == 0


@pytest.mark.usefixtures("redis_server")
def test_a_full_server_keeps_what_readers_read(
    bank: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    larger = write(tmp_path / "larger", 1, users=60_000)
    with RedisServer("--maxmemory-policy", "noeviction") as server:
        store = server.address("p")
        push(FeatureBank.open(bank), store)
        client = Layout(store).client
        client.config_set("maxmemory", client.info("memory")["used_memory"] + 500_000)
        sentence = refused(["bank", "push", str(tmp_path / "larger"), "--to", str(store)], capsys)
        assert "the server's memory is full (maxmemory)" in sentence
        assert np.array_equal(RedisBank(store).lookup(ids(300)), FeatureBank.open(bank).lookup(ids(300)))
        assert info(store).half_pushed == []
        assert not list(client.scan_iter(store.key(larger.path.name, "*")))
        client.config_set("maxmemory", 0)
        assert push(larger, store).done == "pushed"


@pytest.mark.parametrize("name", ["schema", "current", "versions"])
def test_a_key_of_another_type(
    name: str, bank: Path, store: Address, capsys: pytest.CaptureFixture[str]
) -> None:
    client = Layout(store).client
    push(FeatureBank.open(bank), store)
    client.delete(store.key(name))
    client.rpush(store.key(name), "somebody's")
    commands = every_command(bank, str(store), bank.parent / "pulled")
    readers = {"lookup", "pull"} if name == "versions" else set()  # they do not need it
    for words in commands:
        if words[1] not in readers:
            assert "holds another type than a bank's" in refused(words, capsys), words
    assert client.lrange(store.key(name), 0, -1) == [b"somebody's"]


@pytest.mark.parametrize("value", ["{", "7", "[]", '{"turn": 1}', b"\xff"])
def test_a_record_or_a_page_that_is_none(
    value: str, bank: Path, store: Address, capsys: pytest.CaptureFixture[str]
) -> None:
    client = Layout(store).client
    version = push(FeatureBank.open(bank), store).version
    pulled = bank.parent / "pulled"
    push_, pull, lookup, shown, forget = every_command(bank, str(store), pulled)
    record = client.hget(store.key("versions"), version)
    client.hset(store.key("versions"), version, value)
    for words in (push_, shown, forget):
        sentence = refused(words, capsys)
        assert f"the key {store.key('versions')} holds something else" in sentence
        assert f"delete all keys that begin with {store.key('')} and push the bank again." in sentence
    client.hset(store.key("versions"), version, record)
    for key, commands in (
        (store.key(version, "meta"), [pull, lookup, shown, forget]),
        (store.key(version, "page", 3), [pull]),
        (store.key(version, "file", "item_ids.npy", 0), [pull]),
    ):
        before = client.getset(key, value)
        for words in commands:
            sentence = refused(words, capsys)
            assert f"the key {key.removesuffix(':0')}" in sentence
            assert "holds something else than a bank's record or codes; delete it and push" in sentence
        client.delete(key)
        assert push(FeatureBank.open(bank), store).done == "pushed"  # as the sentence says
        assert client.get(key) == before
    assert not pulled.exists()
    assert main(pull) == 0


@pytest.mark.parametrize("codes", ["3", "3,", "3,1,2", "3,x"])
def test_a_page_with_other_codes_than_the_bank_has(
    codes: str, bank: Path, store: Address, capsys: pytest.CaptureFixture[str]
) -> None:
    push(FeatureBank.open(bank), store)
    layout = Layout(store)
    key = layout.page(layout.read_meta().version, page_of("user_1", layout.read_meta().pages))
    layout.client.set(key, f'{{\n"user_1":[{codes}]\n}}')
    for words in every_command(bank, str(store), bank.parent / "pulled")[1:3]:
        assert "holds something else than a bank's record or codes" in refused(words, capsys), words


def test_a_lock_of_another_type(bank: Path, store: Address, capsys: pytest.CaptureFixture[str]) -> None:
    Layout(store).client.rpush(store.key("lock"), "somebody's")
    words = ["bank", "push", str(bank), "--to", str(store)]
    assert "holds another type than a bank's" in refused(words, capsys)


def test_a_store_of_another_schema_version(
    bank: Path, store: Address, capsys: pytest.CaptureFixture[str]
) -> None:
    push(FeatureBank.open(bank), store)
    Layout(store).client.set(store.key("schema"), "7")
    assert_all_refused(
        bank, str(store), "a store of schema version 7, this program reads and writes 1", capsys
    )


def test_nothing_was_pushed_there(bank: Path, store: Address, capsys: pytest.CaptureFixture[str]) -> None:
    for words in every_command(bank, str(store), bank.parent / "pulled")[1:]:
        assert "no bank there; push one" in refused(words, capsys)
    assert not (bank.parent / "pulled").exists()


def test_the_client_is_not_installed(
    bank: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    assert_all_refused(bank, "redis://localhost/p", "pip install 'userip-lightning[redis]'", capsys)


def test_an_address_without_a_prefix(bank: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert_all_refused(bank, "redis://localhost:6379/0", "no prefix", capsys)


def test_a_replica_is_not_written(bank: Path, redis_server: RedisServer, capsys) -> None:
    with RedisServer("--replicaof", "127.0.0.1", str(redis_server.port)) as server:
        words = ["bank", "push", str(bank), "--to", server.url("replica")]
        assert "a replica, which is only read" in refused(words, capsys)


def test_a_user_who_may_not(bank: Path, store: Address, redis_server: RedisServer, capsys) -> None:
    client = Layout(store).client
    client.execute_command(
        "ACL", "SETUSER", "reader", "on", ">pw", "~*", "+@read", "+@connection", "+@transaction"
    )
    url = redis_server.url(store.prefix, "reader:pw@")
    sentence = refused(["bank", "push", str(bank), "--to", url], capsys)
    assert "does not allow the user this" in sentence
    push(FeatureBank.open(bank), store)
    assert np.array_equal(RedisBank(url).lookup(ids(300)), FeatureBank.open(bank).lookup(ids(300)))
