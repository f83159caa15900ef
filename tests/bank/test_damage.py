"""Banks with damaged files: refused in a sentence, or right; never another code, never a traceback."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.forged import aged, forge
from tests.serving.banks import SIZES, codes, ids, write
from userip_lightning.arrays import save_array
from userip_lightning.artifact import Manifest
from userip_lightning.bank import FeatureBank
from userip_lightning.bank.forgetting import forget
from userip_lightning.errors import InputError
from userip_lightning.serving.sqlite_store import Address, push

USERS = 300


def spoil(file: Path, at: int, flip: int = 1) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= flip
    file.write_bytes(content)


def looked_up(root: Path) -> np.ndarray | str:
    """Codes, or the sentence that refuses them."""
    try:
        return FeatureBank.open(root).lookup(ids(USERS))
    except InputError as error:
        return str(error)


@pytest.mark.parametrize("keeps_hashes", [True, False])
@pytest.mark.parametrize("name", ["keys.npy", "starts.npy", "codes.npy", "codes.parquet", "manifest.json"])
def test_no_damage_is_a_wrong_answer_or_a_traceback(name: str, keeps_hashes: bool, tmp_path: Path) -> None:
    file = write(tmp_path, states=True).path / name
    if not keeps_hashes:
        aged(file.parent)
    whole, drawn = file.read_bytes(), np.random.default_rng(0)
    refused = 0
    places = np.concatenate([np.arange(0, 128, 5), drawn.integers(0, len(whole), 25)])
    for at, flip in zip(places, drawn.integers(1, 256, len(places)), strict=True):
        spoil(file, at, int(flip))
        found = looked_up(tmp_path)
        if isinstance(found, str):
            assert "\n" not in found
            refused += 1
        else:  # an earlier version's bank has nothing to tell a flipped code by
            assert not keeps_hashes or np.array_equal(found, codes(USERS, 0))
        file.write_bytes(whole)
    assert not keeps_hashes or refused == len(places) or name == "manifest.json"


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"\0", b"../" * 100, b"a\nb"])
def test_a_pointer_of_any_content_is_one_sentence(content: bytes, tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "CURRENT").write_bytes(content)
    with pytest.raises(InputError, match=r"CURRENT: names version .*, which is missing"):
        FeatureBank.open(tmp_path)


@pytest.mark.parametrize("start", [-5, USERS + 1, 2**62, -(2**62)])
def test_an_index_that_points_elsewhere_is_told_by_the_lookup(start: int, tmp_path: Path) -> None:
    folder = write(tmp_path).path
    starts = np.load(folder / "starts.npy")
    starts[1:-1] = start
    save_array(folder / "starts.npy", starts)
    forge(folder)
    with pytest.raises(InputError, match=r"starts\.npy: the key index of a bank is damaged"):
        FeatureBank.open(tmp_path).lookup(ids(USERS))


@pytest.mark.parametrize("ends", [(0, 1), (1, USERS)])
def test_an_index_that_does_not_fit_its_keys_does_not_open(ends: tuple[int, int], tmp_path: Path) -> None:
    folder = write(tmp_path).path
    starts = np.load(folder / "starts.npy")
    starts[0], starts[-1] = ends
    save_array(folder / "starts.npy", starts)
    with pytest.raises(InputError, match=r"keys\.npy or starts\.npy is damaged"):
        FeatureBank.open(forge(folder))


def test_a_code_that_no_codebook_has_is_told_by_the_lookup(tmp_path: Path) -> None:
    folder = write(tmp_path).path
    stored = np.load(folder / "codes.npy")
    stored[7, 1] = SIZES[1]
    save_array(folder / "codes.npy", stored)
    forge(folder)
    with pytest.raises(InputError, match=r"codes\.npy: the file is damaged \(a code that its codebook"):
        FeatureBank.open(tmp_path).lookup(ids(USERS))


@pytest.mark.parametrize(
    "extra", [{"names": "ab"}, {"sizes": [97]}, {"names": [1, 2]}, {"sizes": ["97", "89"]}, {"names": None}]
)
def test_an_earlier_versions_manifest_has_to_fit(extra: dict[str, object], tmp_path: Path) -> None:
    folder = write(tmp_path).path
    kept = json.loads((folder / "manifest.json").read_text())["extra"]
    with pytest.raises(InputError, match=r"manifest\.json: the file is damaged"):
        FeatureBank.open(aged(folder, extra={**kept, **extra}))


def test_a_version_has_the_name_that_earlier_versions_of_the_program_gave_it(tmp_path: Path) -> None:
    manifest = Manifest("bank", config_hash="c", data_hash="d", users=0, lm="tiny", extra={"engine": 1})
    path = FeatureBank.write(
        tmp_path, ["u1", "u2"], np.array([[0], [1]]), ["hobby"], [2], manifest, np.array([3, 1])
    )
    assert path.name == "6db5c23e828d"


def test_users_who_asked_for_decimals_are_found_in_banks_that_have_them(tmp_path: Path) -> None:
    """Before there was one rule for ids, ``7.0`` of a CSV file was a user of that name."""
    from userip_lightning.bank.version_folder import Content
    from userip_lightning.bank.versions import point

    manifest = Manifest("bank", config_hash="c", data_hash="d", users=0)
    of = Content.of(["7.0", "8"], np.array([[0], [1]]), ["hobby"], [2], manifest, np.arange(2))
    point(tmp_path, of.write(tmp_path).name)
    bank = FeatureBank.open(tmp_path)
    assert bank.lookup(["7.0", "8.0", "7", "9.0"]).tolist() == [[0], [1], [2], [2]]
    assert bank.lookup(np.array(["7.0", "8.0"])).tolist() == [[0], [1]]


def test_decimals_do_not_move_users_away_from_their_states(tmp_path: Path) -> None:
    manifest = Manifest("bank", config_hash="c", data_hash="d", users=0)
    with pytest.raises(InputError, match=r"are given as decimals, such as '7\.0'.*prepare the data again"):
        FeatureBank.write(
            tmp_path,
            ["7.0", "10"],
            np.array([[0], [1]]),
            ["hobby"],
            [2],
            manifest,
            np.arange(2),
            {"states": np.eye(2)},
        )


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A bank with a large file of states, damaged between the blocks that opening looks at."""
    manifest = Manifest("bank", config_hash="c", data_hash="d", users=USERS, extra={"events": "items"})
    path = FeatureBank.write(
        tmp_path / "bank",
        ids(USERS),
        codes(USERS, 0),
        ["hobby", "background"],
        list(SIZES),
        manifest,
        np.arange(7),
        {"states": np.random.default_rng(0).normal(size=(USERS, 800))},
    )
    spoil(path / "states.npy", 70_000)
    return tmp_path / "bank"


def test_damage_that_opening_does_not_see_goes_into_no_copy(large: Path, tmp_path: Path) -> None:
    bank = FeatureBank.open(large)
    assert np.array_equal(bank.lookup(ids(USERS)), codes(USERS, 0))
    with pytest.raises(InputError, match=r"states\.npy: the file is damaged"):
        push(bank, Address.parse(f"sqlite:///{tmp_path / 'codes.sqlite'}"))
    assert not (tmp_path / "codes.sqlite").exists()
    with pytest.raises(InputError, match=r"states\.npy: the file is damaged"):
        forget(large, ["user_7"])
    assert [folder.name for folder in large.iterdir() if folder.is_dir()] == [bank.path.name]


def test_a_copied_folder_keeps_its_hashes(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(write(tmp_path / "bank").path, copy)
    FeatureBank.open(copy).require_whole()
    spoil(copy / "keys.npy", -1)
    with pytest.raises(InputError, match=r"copy/keys\.npy: the file is damaged"):
        FeatureBank.open(copy)
