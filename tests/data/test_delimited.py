import gzip
from pathlib import Path

import pytest

from userip_lightning.data.delimited import parse_table, parse_typed, read_text
from userip_lightning.errors import InputError

FILE = Path("log.csv")


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.csv: no such file; fetch it\."):
        read_text(tmp_path / "absent.csv", "fetch it")


@pytest.mark.parametrize("content", [b"", b"\n  \n"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "log.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"log\.csv: the file is empty; fetch it\."):
        read_text(tmp_path / "log.csv", "fetch it")


@pytest.mark.parametrize("damage", ["truncated", "not gzip", "flipped"])
def test_a_damaged_gzip_file_is_refused(tmp_path: Path, damage: str) -> None:
    packed = gzip.compress(b"user_id\titem_id\n" * 100)
    content = {
        "truncated": packed[:-9],
        "not gzip": b"user_id",
        "flipped": packed[:12] + b"\xff" + packed[13:],
    }
    (tmp_path / "log.tsv.gz").write_bytes(content[damage])
    with pytest.raises(InputError, match=r"log\.tsv\.gz: the gzip file is truncated or damaged"):
        read_text(tmp_path / "log.tsv.gz", "fetch it")


def test_another_encoding_is_refused_and_a_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes("Café".encode("latin-1"))
    with pytest.raises(InputError, match=r"byte 3 is not utf-8 text; save the file as utf-8"):
        read_text(tmp_path / "log.csv", "fetch it")
    assert read_text(tmp_path / "log.csv", "fetch it", "latin-1") == "Café\n"
    (tmp_path / "log.csv").write_bytes(b"\xef\xbb\xbfuser_id\r\nu\r\n")
    assert read_text(tmp_path / "log.csv", "fetch it") == "user_id\nu\n"


@pytest.mark.parametrize(("line", "fields"), [("u", 1), ("u\ti\t5", 3), ("", 1)])
def test_a_ragged_row_is_named(line: str, fields: int) -> None:
    with pytest.raises(InputError, match=rf"log\.csv: row 2 has {fields} fields, expected 2"):
        parse_table(f"user_id\titem_id\nu\ti\n{line}\nv\tj\n", FILE, "\t")


def test_quotes_are_text_in_tab_files_and_quotes_in_csv() -> None:
    assert parse_table('a\tb\n1\t"2\n', FILE, "\t").rows() == [("1", '"2')]
    assert parse_table('a,b\n1,"2,\n3"\n', FILE, ",", quoted=True).rows() == [("1", "2,\n3")]
    with pytest.raises(InputError, match=r"log\.csv: .*; check its quotes|row \d+ has"):
        parse_table('a,b\n1,"2\n3,4\n', FILE, ",", quoted=True)


def test_typed_headers_lose_their_types() -> None:
    assert parse_typed("user_id:token\trating:float\nu\t3\n", FILE, ["user_id"]).rows(named=True) == [
        {"user_id": "u", "rating": "3"}
    ]
    with pytest.raises(InputError, match="column 'item_id' is missing"):
        parse_typed("user_id:token\nu\n", FILE, ["item_id"])
