import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.cli.refusal import refused
from tests.serving.banks import NAMES, SIZES, codes, ids, write
from userip_lightning import leak_audit
from userip_lightning.artifact import MANIFEST
from userip_lightning.bank import FeatureBank, forgetting
from userip_lightning.bank.forgetting import forget
from userip_lightning.bank.pruning import prune
from userip_lightning.bank.versions import point, versions
from userip_lightning.cli import main
from userip_lightning.errors import InputError

GONE = ["user_7", "日本"]
STAY = [user for user in ids(300) if user not in GONE]


def has(root: Path, user: str) -> bool:
    """Whether any file below a folder, hidden ones too, has the id as UTF-8, or as the key index has it."""
    files = [file.read_bytes() for file in root.rglob("*") if file.is_file()]
    needles = (user.encode(), np.array([user]).view("<u4").tobytes())
    wider = [FeatureBank.open(path.parent) for path in root.rglob(MANIFEST)]
    known = any(user in bank.users["user_id"] for bank in wider)
    return known or any(needle in data for needle in needles for data in files)


def test_nobody_finds_a_forgotten_person_in_any_version(tmp_path: Path) -> None:
    old, new = write(tmp_path, 1), write(tmp_path, 2)
    kept = [bank.lookup(STAY) for bank in (old, new)]
    assert has(tmp_path, "日本")
    forgotten = forget(tmp_path, [*GONE, "nobody", *GONE])
    assert forgotten.users == tuple(GONE)
    assert forgotten.unknown == ("nobody",)
    assert set(forgotten.successors) == {old.path.name, new.path.name}
    assert not has(tmp_path, "日本")
    bank = FeatureBank.open(tmp_path)
    assert bank.path.name == forgotten.successors[new.path.name]
    assert bank.lookup(GONE).tolist() == [list(SIZES)] * 2
    assert np.array_equal(bank.lookup(STAY), kept[1])
    earlier = FeatureBank.open(tmp_path / forgotten.successors[old.path.name])
    assert np.array_equal(earlier.lookup(STAY), kept[0])
    assert bank.manifest.users == 298
    assert (bank.manifest.data_hash, bank.manifest.extra["events"]) == ("d", "items")
    assert leak_audit.rows_seen(bank.path).tolist() == list(range(7))
    assert len(list(tmp_path.iterdir())) == 4  # two versions, CURRENT, the lock


def test_it_is_the_version_that_a_writer_without_the_person_writes(tmp_path: Path) -> None:
    bank = write(tmp_path / "a")
    forget(tmp_path / "a", ["user_7"])
    stays = np.array([user != "user_7" for user in ids(300)])
    arrays = {
        name: np.load(bank.path.parent / FeatureBank.open(tmp_path / "a").path / f"{name}.npy")
        for name in ("item_ids", "evidence")
    }
    users = np.array(ids(300))[stays]
    other = FeatureBank.write(
        tmp_path / "b", users, codes(300, 0)[stays], NAMES, SIZES, bank.manifest, np.arange(7), arrays
    )
    assert other.name == FeatureBank.open(tmp_path / "a").path.name


def test_rows_of_users_go_with_them_and_other_arrays_stay(tmp_path: Path) -> None:
    bank = write(tmp_path, 3, states=True)
    places = {user: place for place, user in enumerate(bank.users["user_id"])}
    forget(tmp_path, GONE)
    left = FeatureBank.open(tmp_path)
    states = np.load(left.path / "states.npy")
    assert states.dtype == np.float64
    assert states[:, 0].tolist() == [places[user] for user in left.users["user_id"]]
    assert np.load(left.path / "item_ids.npy").tolist() == ["i1", "i22"]
    assert np.load(left.path / "evidence.npy").tolist() == [[3.0] * 3] * 2


def test_an_array_named_for_users_has_rows_of_users(tmp_path: Path) -> None:
    bank = write(tmp_path)
    order = bank.users["user_id"].to_list()
    by_user = {"user_names": np.array(order), "users_are_not_meant": np.arange(300)}
    FeatureBank.write(tmp_path, ids(300), codes(300, 0), NAMES, SIZES, bank.manifest, np.arange(7), by_user)
    forget(tmp_path, ["user_7"])
    left = FeatureBank.open(tmp_path)
    assert np.load(left.path / "user_names.npy").tolist() == [user for user in order if user != "user_7"]
    assert np.load(left.path / "users_are_not_meant.npy").size == 300


def test_pruning_goes_on_in_the_same_order(tmp_path: Path) -> None:
    names = [write(tmp_path, version).path.name for version in range(3)]
    point(tmp_path, names[0])
    successors = forget(tmp_path, ["user_7"]).successors
    assert versions(tmp_path) == tuple(successors[name] for name in reversed(names))
    assert FeatureBank.open(tmp_path).path.name == successors[names[0]]
    assert prune(tmp_path, 2) == (successors[names[1]],)


def test_a_version_without_the_person_stays_as_it_is(tmp_path: Path) -> None:
    small, large = write(tmp_path, 1, users=50), write(tmp_path, 1, users=60)
    assert set(forget(tmp_path, ["user_40"]).successors) == {large.path.name}
    assert small.path.is_dir()


def test_everybody_can_be_forgotten(tmp_path: Path) -> None:
    write(tmp_path, users=20)
    forget(tmp_path, ids(20))
    bank = FeatureBank.open(tmp_path)
    assert bank.lookup(["user_1"]).tolist() == [list(SIZES)]
    assert bank.users.height == 0
    with pytest.raises(InputError, match="no version knows 'user_1'"):
        forget(tmp_path, ["user_1"])


@pytest.mark.parametrize(
    "where", ["Content.write", "point", "drop", "second drop", "inside second drop", "sweep"]
)
def test_killed_anywhere_the_same_call_goes_on(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "bank"
    write(root, 1)
    write(root, 2)
    shutil.copytree(root, tmp_path / "unharmed")
    forget(tmp_path / "unharmed", GONE)
    turns = iter(range(9))

    def cut(*arguments: object) -> None:
        if "second" in where and next(turns) == 0:
            real(*arguments)
            return
        if where.startswith("inside"):
            patch.setattr(shutil, "rmtree", half_removed)
            real(*arguments)
        raise KeyboardInterrupt

    def half_removed(folder: Path) -> None:
        (folder / MANIFEST).unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        real = forgetting.drop
        if where == "Content.write":
            patch.setattr(forgetting.Content, "write", cut)
        else:
            patch.setattr(forgetting, where.split()[-1], cut)
        with pytest.raises(KeyboardInterrupt):
            forget(root, GONE)
    assert FeatureBank.open(root).lookup(STAY).shape == (298, 2)  # the old bank or the new one
    if where.startswith("inside"):  # the person is in no version, but in what is left of the last old one
        assert has(root, "日本")
        with pytest.raises(InputError, match="no version knows"):
            forget(root, GONE)
    else:
        assert forget(root, GONE).users == tuple(GONE)
    assert set(versions(root)) == set(versions(tmp_path / "unharmed"))
    assert FeatureBank.open(root).path.name == FeatureBank.open(tmp_path / "unharmed").path.name
    assert not has(root, "日本")


def test_an_interrupted_draft_with_the_person_goes_too(tmp_path: Path) -> None:
    bank = write(tmp_path)
    shutil.copytree(bank.path, tmp_path / f".{bank.path.name}.elsewhere.99.part")
    forget(tmp_path, GONE)
    assert not has(tmp_path, "日本")


def test_a_draft_goes_also_where_no_version_has_the_person(tmp_path: Path) -> None:
    write(tmp_path)
    forget(tmp_path, GONE)
    shutil.copytree(write(tmp_path / "other").path, tmp_path / ".other.elsewhere.99.part")
    shutil.rmtree(tmp_path / "other")
    assert has(tmp_path, "日本")
    with pytest.raises(InputError, match="no version knows"):
        forget(tmp_path, GONE)
    assert not has(tmp_path, "日本")


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path)
    assert main(["bank", "forget", str(tmp_path), "user_7", "nobody", "--", "-x"]) == 0
    shown = capsys.readouterr()
    assert f"{tmp_path}: forgot 2 of 3 users\n" in shown.out
    assert shown.err == "in no version: nobody\n"
    before = FeatureBank.open(tmp_path).path
    sentence = refused(["bank", "forget", str(tmp_path), "--", "-x", "nobody"], capsys)
    assert sentence.startswith(
        f"{tmp_path}: no version knows '-x', 'nobody'; check the ids, no version was changed"
    )
    assert FeatureBank.open(tmp_path).path == before
    assert "name the bank's folder" in refused(["bank", "forget", str(before), "user_1"], capsys)
    assert "none given" in refused(["bank", "forget", str(tmp_path)], capsys)
