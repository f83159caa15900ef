"""A bank through a real Redis: what goes in comes out, version by version."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.serving.banks import NAMES, SIZES, codes, ids, write
from tests.serving.redis_server import RedisServer, free_port
from userip_lightning.bank import FeatureBank
from userip_lightning.bank.versions import current
from userip_lightning.errors import InputError
from userip_lightning.serving.redis_store import Address, RedisBank, info, pull, push, pushing
from userip_lightning.serving.redis_store.layout import Layout


def keys(store: Address, version: str = "") -> list[str]:
    return sorted(key.decode() for key in Layout(store).client.keys(store.key(version) + "*"))


def test_lookups_agree_with_the_bank_on_disk(store: Address, tmp_path: Path) -> None:
    bank = write(tmp_path)
    push(bank, store)
    reader = RedisBank(str(store))
    asked = [*ids(300), "nobody", "user_1", "user_"]
    assert np.array_equal(reader.lookup(asked), bank.lookup(asked))
    assert reader.lookup(np.array(asked)).dtype == np.int64
    assert reader.lookup([]).shape == (0, 2)
    assert (reader.names, reader.sizes, reader.version) == (bank.names, bank.sizes, bank.path.name)


def test_an_empty_bank_and_one_without_profiles(store: Address, tmp_path: Path) -> None:
    some = write(tmp_path)
    for users, names in (([], ["hobby"]), (["u"], [])):
        codes = np.empty((len(users), len(names)), np.int64)
        sizes = [5] * len(names)
        path = FeatureBank.write(tmp_path, users, codes, names, sizes, some.manifest, np.arange(2))
        push(FeatureBank.open(path), store)
        assert RedisBank(store).lookup(["u"]).tolist() == FeatureBank.open(path).lookup(["u"]).tolist()
        assert pull(store, tmp_path / "pulled").name == path.name


def test_a_pulled_version_is_the_one_that_was_pushed(store: Address, tmp_path: Path) -> None:
    bank = write(tmp_path / "a", states=True)
    push(bank, store)
    pulled = pull(store, tmp_path / "b")
    assert pulled == tmp_path / "b" / bank.path.name
    ours, theirs = ({file.name: file.read_bytes() for file in path.iterdir()} for path in (bank.path, pulled))
    assert ours.keys() == theirs.keys()
    assert all(ours[name] == theirs[name] for name in ours if name.endswith((".npy", ".json")))
    assert FeatureBank.open(tmp_path / "b").users.equals(bank.users)


def test_a_large_array_is_pushed_in_parts(store: Address, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("userip_lightning.serving.redis_store.pushing.PART", 100)
    bank = write(tmp_path / "a", states=True)
    push(bank, store)
    assert len([key for key in keys(store) if ":file:states.npy:" in key]) > 10
    assert pull(store, tmp_path / "b").name == bank.path.name


def test_a_transaction_and_an_answer_have_few_bytes_however_large_the_arrays_are(
    store: Address, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(pushing, "PART", 1000)
    monkeypatch.setattr(pushing, "BATCH_BYTES", 4000)
    states = np.random.default_rng(0).random((300, 20))  # 48 parts that no compression makes smaller
    manifest = write(tmp_path / "a").manifest
    path = FeatureBank.write(
        tmp_path / "a", ids(300), codes(300, 0), NAMES, SIZES, manifest, np.arange(7), {"states": states}
    )
    client = Layout(store).client
    sent, answers = [client.info("stats")["total_net_input_bytes"]], []

    def count(done: int, total: int) -> None:
        sent.append(client.info("stats")["total_net_input_bytes"])

    push(FeatureBank.open(path), store, progress=count)
    assert len(sent) > 48 / 4
    assert 3000 < max(np.diff(sent)[1:]) < 6000  # keys and commands among them; the first has the records

    def mget(self: object, *keys: str) -> list[bytes]:
        answers.append(real(self, *keys))
        return answers[-1]

    real = type(client).mget
    monkeypatch.setattr(type(client), "mget", mget)
    assert pull(store, tmp_path / "b").name == path.name
    of_arrays = [sum(map(len, answer)) for answer in answers[1:]]
    assert 3000 < max(of_arrays) < 6000


def test_codes_alone_are_read_and_not_pulled(store: Address, tmp_path: Path) -> None:
    bank = write(tmp_path)
    push(bank, store, codes_only=True)
    assert not [key for key in keys(store) if ":file:" in key]
    assert np.array_equal(RedisBank(store).lookup(ids(300)), bank.lookup(ids(300)))
    assert not info(store).whole_bank
    with pytest.raises(InputError, match="codes alone were pushed there"):
        pull(store, tmp_path / "pulled")
    assert not (tmp_path / "pulled").exists()
    assert push(bank, store).done == "pushed"  # the rest
    assert pull(store, tmp_path / "pulled").name == bank.path.name


def test_the_newest_versions_stay_and_one_of_them_can_come_back(store: Address, tmp_path: Path) -> None:
    first, second, third = (write(tmp_path, version) for version in range(3))
    assert push(first, store) == (first.path.name, "pushed", ())
    assert push(first, store) == (first.path.name, "current", ())
    assert push(second, store).deleted == ()
    assert push(third, store) == (third.path.name, "pushed", (first.path.name,))
    assert keys(store, first.path.name) == []
    assert list(info(store).versions) == [third.path.name, second.path.name]
    assert push(second, store) == (second.path.name, "swapped", ())
    assert RedisBank(store).version == second.path.name
    assert list(info(store).versions) == [second.path.name, third.path.name]
    assert push(second, store, keep=1) == (second.path.name, "current", (third.path.name,))
    assert keys(store, third.path.name) == []
    with pytest.raises(InputError, match="--keep: 0"):
        push(second, store, keep=0)


def test_a_reader_follows_the_version_while_the_old_one_is_there(store: Address, tmp_path: Path) -> None:
    push(write(tmp_path, 1), store)
    reader = RedisBank(store)
    new = write(tmp_path, 2)
    push(new, store)
    assert np.array_equal(reader.lookup(ids(300)), new.lookup(ids(300)))
    assert reader.version == new.path.name


def test_a_reader_follows_the_version_also_to_other_profiles(store: Address, tmp_path: Path) -> None:
    first = write(tmp_path)
    push(first, store)
    reader = RedisBank(store)
    path = FeatureBank.write(
        tmp_path, ["user_1"], np.array([[4]]), ["one"], [9], first.manifest, np.arange(1)
    )
    push(FeatureBank.open(path), store, keep=1)
    assert reader.lookup(["user_1", "user_2"]).tolist() == [[4], [9]]
    assert (reader.names, reader.sizes) == (("one",), (9,))


def test_an_evicted_page_is_told_not_taken_for_strangers_and_a_push_mends_it(
    store: Address, tmp_path: Path
) -> None:
    bank = write(tmp_path)
    push(bank, store)
    layout = Layout(store)
    for number in range(300 // 16):
        layout.client.delete(layout.page(bank.path.name, number))
    with pytest.raises(InputError, match=r"page:\d+ is gone, perhaps evicted"):
        RedisBank(store).lookup(["user_1"])
    with pytest.raises(InputError, match=r"page:0 is gone, perhaps evicted"):
        pull(store, tmp_path / "pulled")
    assert push(bank, store).done == "pushed"
    assert np.array_equal(RedisBank(store).lookup(ids(300)), bank.lookup(ids(300)))
    layout.client.delete(layout.meta(bank.path.name))
    with pytest.raises(InputError, match="meta is gone"):
        RedisBank(store)


def test_a_store_that_was_tampered_with_is_not_pulled(store: Address, tmp_path: Path) -> None:
    bank = write(tmp_path)
    push(bank, store)
    layout = Layout(store)
    page = json.loads(layout.client.get(layout.page(bank.path.name, 3)))
    page[next(iter(page))] = [0, 0]
    layout.client.set(layout.page(bank.path.name, 3), json.dumps(page))
    with pytest.raises(InputError, match=f"what is there as version {bank.path.name} is something else"):
        pull(store, tmp_path / "pulled")
    assert not (tmp_path / "pulled").exists()


def test_info_counts_what_the_server_holds(store: Address, tmp_path: Path) -> None:
    bank = write(tmp_path)
    push(bank, store)
    found = info(store)
    assert (found.version, found.users, found.sizes) == (bank.path.name, 300, {"hobby": 97, "background": 89})
    (size,) = found.versions.values()
    client = Layout(store).client
    assert size == sum(client.memory_usage(key) for key in keys(store, bank.path.name))


def test_two_prefixes_are_two_banks(redis_server: RedisServer, tmp_path: Path) -> None:
    one, other = redis_server.address("pre"), redis_server.address("pref")
    first, second = write(tmp_path, 1), write(tmp_path, 2)
    push(first, one)
    push(second, other, keep=1)
    assert (RedisBank(one).version, RedisBank(other).version) == (first.path.name, second.path.name)


def test_pulling_into_a_bank_adds_a_version(store: Address, tmp_path: Path) -> None:
    push(write(tmp_path / "a", 1), store)
    old = write(tmp_path / "b", 2)
    pulled = pull(store, tmp_path / "b")
    assert current(tmp_path / "b") == pulled.name != old.path.name
    assert set(FeatureBank.open(tmp_path / "b").info().versions) == {pulled.name, old.path.name}


def test_a_cluster_takes_all_keys_of_a_prefix(redis_server: RedisServer, tmp_path: Path) -> None:
    """A cluster refuses commands on keys of several slots, on one node too."""
    bank, other = write(tmp_path / "a", 1), write(tmp_path / "a", 2)
    nodes = tmp_path / "nodes"
    nodes.mkdir()
    # by default the nodes' own port is 10,000 above the free one, which may be above all ports
    cluster = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    with RedisServer(*cluster, "--dir", str(nodes)) as server:
        store = server.address("codes")
        Layout(store).client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        _until_up(store)
        push(bank, store)
        push(other, store, keep=1)
        assert np.array_equal(RedisBank(store).lookup(ids(300)), other.lookup(ids(300)))
        assert pull(store, tmp_path / "b").name == other.path.name


def _until_up(store: Address) -> None:
    import time

    client, end = Layout(store).client, time.monotonic() + 20
    while "cluster_state:ok" not in str(client.execute_command("CLUSTER", "INFO")):
        assert time.monotonic() < end
        time.sleep(0.1)
