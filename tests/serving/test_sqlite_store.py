"""A bank in an SQLite file, written and read by one process or several."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.cli.refusal import refused
from tests.serving.few_users import NAMES, SIZES, write_bank
from userip_lightning.artifact import Manifest
from userip_lightning.bank import FeatureBank
from userip_lightning.bank.forgetting import forget
from userip_lightning.cli import main
from userip_lightning.errors import InputError
from userip_lightning.serving.sqlite_store import Address, SqliteBank, SqliteCopy, info, pull, push, pushing
from userip_lightning.serving.sqlite_store.database import SCHEMA

FIRST = {"b": (3, 1), "Zoë": (0, 2), "10": (2, 2), "it's": (1, 0)}
SECOND = {"b": (1, 1), "10": (2, 0), "-new": (3, 2)}
USERS = ["b", "nobody", "Zoë", "10", "10", "it's", '"; DROP TABLE versions', ""]


def store(tmp_path: Path) -> Address:
    return Address(tmp_path / "codes of users?.db")


def test_lookup_is_the_banks(tmp_path: Path) -> None:
    bank = write_bank(tmp_path / "bank", FIRST)
    pushed = push(bank, store(tmp_path))
    assert (pushed.version, pushed.done, pushed.deleted) == (bank.path.name, "pushed", ())
    with SqliteBank(store(tmp_path)) as reader:
        assert np.array_equal(reader.lookup(USERS), bank.lookup(USERS))
        assert reader.lookup(USERS).dtype == np.int64
        assert reader.lookup(np.array(USERS)).tolist() == bank.lookup(USERS).tolist()
        assert reader.lookup([]).shape == (0, 2)
        assert (reader.names, reader.sizes, reader.version) == (NAMES, SIZES, bank.path.name)


@pytest.mark.parametrize("users", [0, 3])
@pytest.mark.parametrize("names", [(), ('a "b"', "SELECT", "it's; --")])
def test_no_users_no_profiles_and_names_that_are_words_of_sql(
    tmp_path: Path, users: int, names: tuple[str, ...]
) -> None:
    codes = {f"u{u}": tuple(range(len(names))) for u in range(users)}
    bank = write_bank(tmp_path / "bank", codes, names, (4,) * len(names))
    push(bank, store(tmp_path))
    with SqliteBank(store(tmp_path)) as reader:
        assert np.array_equal(reader.lookup(["u1", "x"]), bank.lookup(["u1", "x"]))
    assert pull(store(tmp_path), tmp_path / "other").name == bank.path.name


def test_any_language_reads_the_current_version_by_sql(tmp_path: Path) -> None:
    push(write_bank(tmp_path / "bank", FIRST), store(tmp_path))
    push(write_bank(tmp_path / "bank", SECOND), store(tmp_path))
    with sqlite3.connect(store(tmp_path).file) as connection:
        rows = connection.execute('SELECT user_id, hobby, "back ground" FROM codes ORDER BY user_id')
        assert rows.fetchall() == [("-new", 3, 2), ("10", 2, 0), ("b", 1, 1)]


def test_an_open_reader_follows_the_version_also_back(tmp_path: Path) -> None:
    first = write_bank(tmp_path / "bank", FIRST)
    push(first, store(tmp_path))
    with SqliteBank(store(tmp_path)) as reader:
        other = write_bank(tmp_path / "bank", {"b": (1,)}, ("taste",), (2,))
        push(other, store(tmp_path))
        assert reader.lookup(["b", "x"]).tolist() == [[1], [2]]
        assert (reader.names, reader.sizes) == (("taste",), (2,))
        assert push(first, store(tmp_path)).done == "swapped"
        assert reader.lookup(["b", "x"]).tolist() == [[3, 1], [4, 3]]
        assert push(first, store(tmp_path)).done == "current"


def test_the_versions_pushed_last_are_kept(tmp_path: Path) -> None:
    banks = [write_bank(tmp_path / "bank", {"b": (code, 0)}) for code in range(4)]
    names = [bank.path.name for bank in banks]
    for bank in banks[:3]:
        push(bank, store(tmp_path), keep=3)
    push(banks[0], store(tmp_path), keep=3)  # pushed last now
    assert push(banks[3], store(tmp_path), keep=2).deleted == (names[2], names[1])
    assert info(store(tmp_path)).versions == [names[3], names[0]]
    with sqlite3.connect(store(tmp_path).file) as connection:
        tables = connection.execute("SELECT count(*) FROM sqlite_master WHERE name LIKE 'codes_%'")
        assert tables.fetchone() == (2,)
        assert connection.execute("SELECT count(DISTINCT version) FROM files").fetchone() == (2,)


def test_space_of_old_versions_is_used_again(tmp_path: Path) -> None:
    sizes = []
    for code in range(4):
        codes = {f"user {u}": (code, u % 3) for u in range(2000)}
        push(write_bank(tmp_path / "bank", codes), store(tmp_path), keep=1)
        sizes.append(info(store(tmp_path)).bytes)
    assert sizes[3] <= sizes[1]


def test_a_pulled_bank_is_the_pushed_one_file_by_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(pushing.__dict__, "PART", 100)  # arrays in several rows
    arrays = {"states": np.arange(60.0).reshape(2, 30), "item_ids": np.array(["i1", "i2"])}
    folder = FeatureBank.write(
        tmp_path / "bank",
        ["b", "a"],
        np.array([[1, 0], [0, 2]]),
        NAMES,
        SIZES,
        Manifest("bank", "c", "d", users=0, lm="tiny", extra={"schedule": "joint"}),
        np.array([7, 3]),
        arrays,
    )
    push(FeatureBank.open(folder), store(tmp_path))
    pulled = pull(store(tmp_path), tmp_path / "other")
    assert FeatureBank.open(tmp_path / "other").path == pulled
    assert {file.name: file.read_bytes() for file in pulled.iterdir()} == {
        file.name: file.read_bytes() for file in folder.iterdir()
    }


def test_codes_alone_make_no_bank_until_all_is_pushed(tmp_path: Path) -> None:
    bank = write_bank(tmp_path / "bank", FIRST)
    push(bank, store(tmp_path), codes_only=True)
    assert not info(store(tmp_path)).whole_bank
    with pytest.raises(InputError, match="codes alone were pushed there"):
        pull(store(tmp_path), tmp_path / "other")
    assert not (tmp_path / "other").exists()
    assert push(bank, store(tmp_path), codes_only=True).done == "current"
    assert push(bank, store(tmp_path)).done == "pushed"
    assert pull(store(tmp_path), tmp_path / "other").name == bank.path.name


def test_what_was_changed_by_hand_is_not_pulled(tmp_path: Path) -> None:
    push(write_bank(tmp_path / "bank", FIRST), store(tmp_path))
    version = info(store(tmp_path)).version
    with sqlite3.connect(store(tmp_path).file) as connection:
        connection.execute(f'UPDATE "codes_{version}" SET hobby = 0')
    with pytest.raises(InputError, match=f"what is there as version {version} is something else"):
        pull(store(tmp_path), tmp_path / "other")


def test_whom_the_bank_forgets_is_in_no_byte_of_the_file(tmp_path: Path) -> None:
    codes = {f"user {u}": (u % 4, u % 3) for u in range(500)}
    push(write_bank(tmp_path / "bank", {**codes, "Zoë Who": (1, 1)}), store(tmp_path))
    push(write_bank(tmp_path / "bank", {**codes, "Zoë Who": (2, 2)}), store(tmp_path))
    assert "Zoë Who".encode() in store(tmp_path).file.read_bytes()
    with SqliteBank(store(tmp_path)) as reader:
        assert reader.lookup(["Zoë Who"]).tolist() == [[2, 2]]
        forgotten = forget(tmp_path / "bank", ["Zoë Who", "nobody"], [SqliteCopy(store(tmp_path))])
        assert (forgotten.users, forgotten.unknown) == (("Zoë Who",), ("nobody",))
        assert reader.lookup(["Zoë Who", "user 3"]).tolist() == [[4, 3], [3, 0]]
    assert len(info(store(tmp_path)).versions) == 1
    files = [file for file in tmp_path.iterdir() if file.is_file()]
    assert files
    assert all("Zoë Who".encode() not in file.read_bytes() for file in files)
    assert SqliteCopy(store(tmp_path)).holds(["Zoë Who", "user 3"]) == {"user 3"}


def test_bytes_that_a_reader_keeps_in_the_file_are_told_and_go_by_the_same_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("userip_lightning.serving.sqlite_store.database.WAIT_S", 0.1)
    push(write_bank(tmp_path / "bank", {**FIRST, "Zoë Who": (1, 1)}), store(tmp_path))
    copy = SqliteCopy(store(tmp_path))

    def bytes_are_there() -> bool:
        return any("Zoë Who".encode() in file.read_bytes() for file in tmp_path.glob("codes*"))

    holder = sqlite3.connect(store(tmp_path).file, isolation_level=None)
    holder.execute("BEGIN")
    holder.execute("SELECT count(*) FROM codes").fetchone()
    for _ in range(2):  # the second time no version knows the person
        with pytest.raises(InputError, match="another process reads the file and their old bytes stay"):
            forget(tmp_path / "bank", ["Zoë Who"], [copy])
        assert copy.holds(["Zoë Who"]) == set()
        assert len(list((tmp_path / "bank").glob("*/codes.parquet"))) == 1
        assert bytes_are_there()
    holder.rollback()  # but not closed, which would write the log into the file
    with pytest.raises(InputError, match="no version knows 'Zoë Who'"):
        forget(tmp_path / "bank", ["Zoë Who"], [copy])
    assert not bytes_are_there()
    holder.close()


def test_a_store_of_another_bank_does_not_follow(tmp_path: Path) -> None:
    push(write_bank(tmp_path / "other", SECOND), store(tmp_path))
    bank = write_bank(tmp_path / "bank", FIRST)
    with pytest.raises(InputError, match="is none of this bank"):
        forget(tmp_path / "bank", ["b"], [SqliteCopy(store(tmp_path))])
    assert FeatureBank.open(tmp_path / "bank").path == bank.path


READER = """
import sys, numpy as np
from userip_lightning.serving.sqlite_store import SqliteBank
users = [f"user {u}" for u in range(0, 3000, 7)]
print("ready", flush=True)
seen, wrong, asked = set(), 0, 0
with SqliteBank(sys.argv[1]) as bank:
    while not seen >= {0, 1, 2, 3}:
        codes = bank.lookup(users)
        # users of a version all have its number as their code
        wrong += int(np.unique(codes).size != 1 or not bank.sizes[0] > codes[0, 0])
        seen.add(int(codes[0, 0]))
        asked += 1
print(wrong, asked)
"""


def run(program: str, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", program, *words], stdout=subprocess.PIPE, text=True)


def test_readers_in_other_processes_never_see_two_versions_at_once(tmp_path: Path) -> None:
    users = [f"user {u}" for u in range(3000)]
    banks = [write_bank(tmp_path / "bank", dict.fromkeys(users, (k,)), ("code",), (9,)) for k in range(4)]
    push(banks[0], store(tmp_path))
    readers = [run(READER, str(store(tmp_path))) for _ in range(2)]
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
    until = time.monotonic() + 120
    while any(reader.poll() is None for reader in readers) and time.monotonic() < until:
        for bank in banks:
            push(bank, store(tmp_path), keep=1)
    for reader in readers:
        wrong, asked = map(int, reader.communicate(timeout=30)[0].split())
        assert wrong == 0
        assert asked >= 4


PUSHER = """
import sys
from userip_lightning.bank import FeatureBank
from userip_lightning.serving.sqlite_store import Address, push
def stop(done, total):
    print("half", flush=True)
    sys.stdin.read()
push(FeatureBank.open(sys.argv[2]), Address.parse(sys.argv[1]), progress=stop)
"""


def test_a_pusher_that_is_killed_has_changed_nothing(tmp_path: Path) -> None:
    first = write_bank(tmp_path / "bank", FIRST)
    push(first, store(tmp_path))
    second = write_bank(tmp_path / "bank", SECOND)
    words = [sys.executable, "-c", PUSHER, str(store(tmp_path)), str(second.path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as pusher:
        assert pusher.stdout is not None
        assert pusher.stdout.readline() == "half\n"
        with SqliteBank(store(tmp_path)) as reader:  # while it pushes: not kept waiting
            assert np.array_equal(reader.lookup(USERS), first.lookup(USERS))
        os.kill(pusher.pid, signal.SIGKILL)
    assert info(store(tmp_path)).versions == [first.path.name]
    assert push(second, store(tmp_path)).done == "pushed"
    with SqliteBank(store(tmp_path)) as reader:
        assert np.array_equal(reader.lookup(USERS), second.lookup(USERS))


def test_commands_push_look_up_pull_and_forget(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bank, url = write_bank(tmp_path / "bank", FIRST), f"sqlite:///{tmp_path}/codes.db"

    def shown(*words: str) -> str:
        capsys.readouterr()
        assert main(["bank", *words]) == 0
        return capsys.readouterr().out

    folder = str(tmp_path / "bank")
    assert f"{url}: version {bank.path.name} is pushed and current" in shown("push", folder, "--to", url)
    assert "is current already" in shown("push", folder, "--to", url)
    assert f'"version": "{bank.path.name}"' in shown("info", url)
    assert shown("lookup", url, "b", "x").splitlines()[1:] == ["b\t3\t1", "x\t4\t3"]
    assert shown("pull", url, str(tmp_path / "other")).strip() == str(tmp_path / "other" / bank.path.name)
    assert "forgot 1 of 1 users" in shown("forget", folder, "b", "--store", url)
    assert shown("lookup", url, "b").splitlines()[1:] == ["b\t4\t3"]


def test_bad_stores_are_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("userip_lightning.serving.sqlite_store.database.WAIT_S", 0.1)
    bank = str(write_bank(tmp_path / "bank", FIRST).path.parent)
    write_bank(tmp_path / "capitals", {"b": (1, 1)}, ("hobby", "Hobby"), (4, 3))
    (tmp_path / "text.db").write_text("no database, but longer than the header of one" * 99)
    (tmp_path / "empty.db").touch()
    with sqlite3.connect(tmp_path / "others.db") as connection:
        connection.execute("CREATE TABLE versions (mine)")
    for name in ("newer", "locked", "damaged"):
        push(FeatureBank.open(bank), Address(tmp_path / f"{name}.db"))
    with sqlite3.connect(tmp_path / "newer.db") as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    whole = (tmp_path / "damaged.db").read_bytes()
    (tmp_path / "damaged.db").write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    holder = sqlite3.connect(tmp_path / "locked.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    def at(name: str) -> str:
        return f"sqlite:///{tmp_path}/{name}"

    other = write_bank(tmp_path / "bank", SECOND)
    for words, sentence in (
        (["push", bank, "--to", at("text.db")], "text.db: is no SQLite database; name another file."),
        (["lookup", at("text.db"), "b"], "text.db: is no SQLite database"),
        (["push", bank, "--to", at("others.db")], "others.db: this database holds something else than codes"),
        (["info", at("others.db")], "others.db: this database holds something else than codes"),
        (
            ["push", bank, "--to", at("newer.db")],
            f"newer.db: schema version {SCHEMA + 1}, this program reads",
        ),
        (["lookup", at("newer.db"), "b"], f"newer.db: schema version {SCHEMA + 1}"),
        (
            ["push", bank, "--to", at("locked.db")],
            "locked.db: another process is writing this database, 0.1 s",
        ),
        (["push", bank, "--to", at("damaged.db")], "damaged.db: this database is damaged; delete it"),
        (["push", bank, "--to", at("text.db/x.db")], "x.db: could not be opened as a database"),
        (["push", bank, "--to", at("missing/x.db")], "x.db: could not be opened as a database"),
        (["push", bank, "--to", f"sqlite:///{tmp_path}"], "could not be opened as a database"),
        (["push", bank, "--to", "sqlite://x.db"], "sqlite://x.db: sqlite:///FILE, or"),
        (["push", bank, "--to", "mysql://me:secret@h/x"], "mysql: redis://"),
        (
            ["push", str(tmp_path / "capitals"), "--to", at("new.db")],
            "profile 'Hobby' is called like another",
        ),
        (["push", str(tmp_path / "nothing"), "--to", at("new.db")], "nothing: no bank here"),
        (["push", bank, "--to", at("new.db"), "--keep", "0"], "--keep: 0"),
        (["lookup", at("new.db"), "b"], "new.db: no such file; push a bank there first"),
        (["info", at("empty.db")], "empty.db: this database is empty, nothing was pushed there"),
        (["pull", at("newer.db"), str(tmp_path / "other")], "newer.db: schema version"),
        (["forget", bank, "b", "--store", at("text.db")], "text.db: is no SQLite database"),
    ):
        found = refused(["bank", *words], capsys)
        assert sentence in found
        assert "secret" not in found
    holder.close()
    assert not (tmp_path / "new.db").exists()
    assert not (tmp_path / "other").exists()
    assert FeatureBank.open(bank).path == other.path
    with sqlite3.connect(tmp_path / "others.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)  # not even touched
    with SqliteBank(at("locked.db")) as reader:
        assert reader.lookup(["b"]).tolist() == [[3, 1]]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_bank(tmp_path / "bank", FIRST)
    (tmp_path / "closed").mkdir(mode=0o500)
    words = ["bank", "push", str(tmp_path / "bank"), "--to", f"sqlite:///{tmp_path}/closed/codes.db"]
    assert "could not be opened as a database" in refused(words, capsys)


def test_a_store_whose_codes_were_changed_is_refused(tmp_path: Path) -> None:
    bank = write_bank(tmp_path / "bank", FIRST)
    push(bank, store(tmp_path))
    with SqliteBank(store(tmp_path)) as reader:
        assert reader.lookup(["Zoë"]).tolist() == [[0, 2]]
    with sqlite3.connect(store(tmp_path).file) as connection:
        connection.execute(f"UPDATE \"codes_{bank.path.name}\" SET user_id = 'Zoe' WHERE user_id = 'Zoë'")
    with pytest.raises(InputError, match="this database is damaged; delete it and push the bank again"):
        SqliteBank(store(tmp_path))
