import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from userip_lightning import leak_audit
from userip_lightning.artifact import Manifest
from userip_lightning.bank import FeatureBank
from userip_lightning.errors import InputError

USERS = ["u3", "u1", "Zoë", "u2"]
CODES = np.array([[0, 2], [3, 1], [1, 0], [3, 2]])
NAMES, SIZES = ("hobby", "background"), (4, 3)
MANIFEST = Manifest("bank", config_hash="c", data_hash="d", users=0, lm="tiny", extra={"schedule": "joint"})
ROWS = np.array([5, 4, 9])


def write(root: Path, codes: np.ndarray = CODES, users: list[str] = USERS) -> Path:
    return FeatureBank.write(root, users, codes, NAMES, SIZES, MANIFEST, ROWS)


def test_round_trip_with_the_reserved_code_for_strangers(tmp_path: Path) -> None:
    write(tmp_path)
    bank = FeatureBank.open(tmp_path)
    assert np.array_equal(bank.lookup(USERS), CODES)
    assert bank.lookup(["u1", "nobody", "Zoë", "nobody"]).tolist() == [[3, 1], [4, 3], [1, 0], [4, 3]]
    assert bank.lookup([]).shape == (0, 2)
    assert (bank.names, bank.sizes) == (NAMES, SIZES)
    assert bank.manifest.extra["schedule"] == "joint"
    assert bank.manifest.users == 4
    assert leak_audit.rows_seen(bank.path).tolist() == [4, 5, 9]
    assert repr(bank) == f"FeatureBank({str(bank.path)!r}, 4 users, hobby: 4, background: 3)"


def test_seven_is_one_user_whatever_the_type(tmp_path: Path) -> None:
    write(tmp_path, users=[7, "None", "nan", "True"])
    bank = FeatureBank.open(tmp_path)
    for seven in (7, 7.0, "7", "7.0", np.int8(7), np.float32(7)):
        assert bank.lookup([seven, "True"]).tolist() == [[0, 2], [3, 2]]
    assert bank.lookup([7.0, None, float("nan"), " ", "x" * 10**6]).tolist() == [[0, 2]] + [[4, 3]] * 4
    for no_id in (True, 7.5, b"7", "7\0"):
        with pytest.raises(InputError, match=r"^user_ids: .* \(number 2\) (is no id|has a NUL)"):
            bank.lookup(["7", no_id])


def test_users_table_is_sorted_and_feast_ready(tmp_path: Path) -> None:
    write(tmp_path)
    users = FeatureBank.open(tmp_path).users
    assert users.schema == {"user_id": pl.String(), "hobby": pl.Int64(), "background": pl.Int64()}
    assert users.rows() == [("Zoë", 1, 0), ("u1", 3, 1), ("u2", 3, 2), ("u3", 0, 2)]


def test_a_version_is_its_content(tmp_path: Path) -> None:
    first = write(tmp_path)
    shuffled = FeatureBank.write(tmp_path, USERS[::-1], CODES[::-1], NAMES, SIZES, MANIFEST, ROWS)
    other_rows = FeatureBank.write(tmp_path, USERS, CODES, NAMES, SIZES, MANIFEST, ROWS[:2])
    assert shuffled == first
    assert other_rows != first


def test_a_new_version_becomes_current_and_the_old_one_stays(tmp_path: Path) -> None:
    old = write(tmp_path)
    reader = FeatureBank.open(tmp_path)
    new = write(tmp_path, codes=CODES[::-1])
    assert FeatureBank.open(tmp_path).path == new
    assert np.array_equal(FeatureBank.open(old).lookup(USERS), CODES)
    assert np.array_equal(reader.lookup(USERS), CODES)
    assert set(FeatureBank.open(tmp_path).info().versions) == {old.name, new.name}
    write(tmp_path)
    assert FeatureBank.open(tmp_path).path == old


def test_info_counts_users_per_code(tmp_path: Path) -> None:
    info = FeatureBank.open(write(tmp_path)).info()
    assert info.counts == {"hobby": [1, 1, 0, 2], "background": [1, 1, 2]}
    assert (info.users, info.data_hash, info.lm) == (4, "d", "tiny")


def test_a_bank_without_users_or_without_profiles_knows_nobody(tmp_path: Path) -> None:
    FeatureBank.write(tmp_path / "a", [], np.empty((0, 2), np.int64), NAMES, SIZES, MANIFEST, ROWS)
    assert FeatureBank.open(tmp_path / "a").lookup(["u1"]).tolist() == [[4, 3]]
    FeatureBank.write(tmp_path / "b", ["u1"], np.empty((1, 0), np.int64), (), (), MANIFEST, ROWS)
    assert FeatureBank.open(tmp_path / "b").lookup(["u1", "x"]).shape == (2, 0)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_export_is_the_users_table(tmp_path: Path, suffix: str) -> None:
    write(tmp_path / "bank")
    bank = FeatureBank.open(tmp_path / "bank")
    target = bank.export(tmp_path / "out" / f"codes{suffix}")
    read = pl.read_csv(target) if suffix == ".csv" else pl.read_parquet(target)
    assert read.equals(bank.users)
    assert [file.name for file in target.parent.iterdir()] == [target.name]


def test_a_spreadsheet_runs_no_id_and_a_program_gets_it_back(tmp_path: Path) -> None:
    ids = [
        "=cmd|'/C calc'!A0",
        "+1+1",
        "-2+3",
        "@SUM(A1)",
        "\tx",
        "\r=1",
        "\n=1",
        "＝1",
        "'=1",
        "-",
        "=",
        "+5x",
    ]
    plain = ["-8613473625342", "+5", "7", "user=1", "a-b", "x@y", "Amélie"]
    codes = np.zeros((len(ids + plain), 1), np.int64)
    FeatureBank.write(tmp_path / "bank", ids + plain, codes, ["hobby"], [2], MANIFEST, ROWS)
    bank = FeatureBank.open(tmp_path / "bank")
    csv = pl.read_csv(bank.export(tmp_path / "codes.csv"), schema_overrides={"user_id": pl.String})
    assert set(csv["user_id"]) == {f"'{user}" for user in ids} | set(plain)
    assert csv.with_columns(pl.col("user_id").str.strip_prefix("'")).equals(bank.users)
    assert pl.read_parquet(bank.export(tmp_path / "codes.parquet")).equals(bank.users)


def test_export_refuses_another_suffix(tmp_path: Path) -> None:
    bank = FeatureBank.open(write(tmp_path))
    with pytest.raises(InputError, match=r"codes\.json: the bank exports to \.csv or \.parquet"):
        bank.export(tmp_path / "codes.json")


@pytest.mark.parametrize(
    ("users", "codes", "message"),
    [
        (["u1", "u2", "u1", "u3"], CODES, "user id 'u1' is there twice"),
        (["u1", "u2", "", "u3"], CODES, "user_ids: number 3 is missing"),
        (["u1", "u2", None, "u3"], CODES, "user_ids: number 3 is missing"),
        (["u1", "u2", True, "u3"], CODES, "user_ids: True (number 3) is no id"),
        (["u1", "u2", "x" * 257, "u3"], CODES, "(number 3) has more than 256 characters"),
        (["u1", "u2", "u1\0", "u3"], CODES, r"user_ids: 'u1\x00' (number 3) has a NUL character"),
        (np.array(["u1", "u2", "u\0001", "u3"]), CODES, r"user_ids: 'u\x001' (number 3) has a NUL"),
        ({"u1", "u2", "u4", "u3"}, CODES, "user_ids: a set given, expected ids in order"),
        (["7", 7.0, "u2", "u3"], CODES, "user id '7' is there twice"),
        (USERS, CODES + 0.5, "code 0.5 (row 1) is no whole number"),
        (USERS, CODES * float("nan"), "code nan (row 1) is no whole number"),
        (USERS, CODES * 1e300, "(row 1) is no whole number"),
        (USERS, CODES > 0, "codes of type bool given, expected whole numbers"),
        (USERS, CODES.astype(str), "codes of type <U21 given, expected whole numbers"),
        (USERS, CODES.astype(np.uint64) + np.uint64(2**63), "hobby code 92233"),
        (USERS[:3], CODES, "do not fit 3 users"),
        (USERS, CODES[:, :1], "do not fit 4 users and 2 profiles"),
        (USERS, CODES + np.array([0, 1]), "user 'u3' has background code 3, but its codes are 0 to 2"),
        (USERS, CODES - np.array([1, 0]), "user 'u3' has hobby code -1"),
    ],
)
def test_write_refuses_and_leaves_nothing(
    tmp_path: Path, users: list[str], codes: np.ndarray, message: str
) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        write(tmp_path / "bank", codes, users)
    assert list(tmp_path.iterdir()) == []


def test_a_pointer_that_cannot_be_written_keeps_the_version(tmp_path: Path) -> None:
    (tmp_path / "CURRENT").mkdir()
    with pytest.raises(InputError, match="CURRENT: could not be written"):
        write(tmp_path)
    (version,) = (file.parent for file in tmp_path.glob("*/manifest.json"))
    assert np.array_equal(FeatureBank.open(version).lookup(USERS), CODES)


def test_open_refuses_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no bank here"):
        FeatureBank.open(tmp_path)


def test_open_refuses_a_missing_version(tmp_path: Path) -> None:
    there = write(tmp_path).name
    for name in ("gone", "", "../elsewhere"):
        (tmp_path / "CURRENT").write_text(name)
        with pytest.raises(InputError, match=rf"version '{name}', which is missing \(there: {there}\)"):
            FeatureBank.open(tmp_path)


def test_open_refuses_another_schema_version(tmp_path: Path) -> None:
    manifest = write(tmp_path) / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"schema_version": 99}))
    with pytest.raises(InputError, match="schema version 99"):
        FeatureBank.open(tmp_path)


def test_open_refuses_a_corrupt_manifest(tmp_path: Path) -> None:
    manifest = write(tmp_path) / "manifest.json"
    manifest.write_text(manifest.read_text()[:-20])
    with pytest.raises(InputError, match="manifest is corrupt"):
        FeatureBank.open(tmp_path)


@pytest.mark.parametrize("name", ["keys.npy", "starts.npy", "codes.npy", "codes.parquet"])
def test_open_refuses_a_truncated_file(tmp_path: Path, name: str) -> None:
    file = write(tmp_path) / name
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(InputError, match=name):
        FeatureBank.open(tmp_path)


def test_open_refuses_a_damaged_file_of_the_right_size(tmp_path: Path) -> None:
    file = write(tmp_path) / "codes.npy"
    file.write_bytes(b"\0" * file.stat().st_size)
    with pytest.raises(InputError, match=r"codes\.npy: the file is damaged"):
        FeatureBank.open(tmp_path)
