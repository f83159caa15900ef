import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path

import pytest

from userip_lightning.data.parsing import lines
from userip_lightning.data.parsing.lines import kind_of, read_lines
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.errors import InputError


def read(path: Path, rejects: Rejects | None = None, **given):
    blocks = list(read_lines(path, "fetch it", rejects or Rejects(), **given))
    return b"".join(block.text for block in blocks), [int(row) for block in blocks for row in block.rows]


def write(folder: Path, content: bytes, name: str = "log.csv") -> Path:
    (folder / name).write_bytes(content)
    return folder / name


def zipped(*names: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), "u,i\n")
    return data.getvalue()


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.csv: no such file; fetch it\."):
        read(tmp_path / "absent.csv")


@pytest.mark.parametrize("content", [b"", b"\n  \n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError, match=r"log\.csv: the file is empty; fetch it\."):
        read(write(tmp_path, content))


@pytest.mark.parametrize(
    ("content", "text", "rows"),
    [
        (b"a\nb", b"a\nb\n", [0, 1]),
        (b"\xef\xbb\xbfa\r\nb\r\n", b"a\nb\n", [0, 1]),
        (b"\na\n\n \t\nb\n\n", b"a\nb\n", [1, 4]),
        ("é\n".encode(), "é\n".encode(), [0]),
    ],
)
def test_marks_line_ends_and_blank_lines(
    tmp_path: Path, content: bytes, text: bytes, rows: list[int]
) -> None:
    assert read(write(tmp_path, content)) == (text, rows)


def test_blocks_end_at_line_ends_and_rows_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "BLOCK_BYTES", 7)
    content = b"".join(b"%d\r\n" % number for number in range(100))
    assert read(write(tmp_path, content)) == (content.replace(b"\r", b""), list(range(100)))
    assert len(list(read_lines(tmp_path / "log.csv", "", Rejects()))) > 10


@pytest.mark.parametrize("size", [5, 7, 1 << 20])
def test_a_line_is_blank_or_not_whatever_stands_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(lines, "BLOCK_BYTES", size)
    path = write(tmp_path, b"\r\r\na\n\x0c\nb\n\x0b \nc\n\nd\n")
    assert read(path) == (b"a\nb\nc\nd\n", [1, 3, 5, 7])


def test_a_header_is_no_row(tmp_path: Path) -> None:
    blocks = list(read_lines(write(tmp_path, b"a\nb\nc\n"), "", Rejects(), header=True))
    assert [(block.text, block.rows.tolist()) for block in blocks] == [(b"a\n", [-1]), (b"b\nc\n", [0, 1])]


def test_bad_lines_are_rejected_alone(tmp_path: Path) -> None:
    rejects = Rejects(2)
    content = "a\n\0\ncafé\n".encode() + "café\nb\n".encode("latin-1")
    assert read(write(tmp_path, content), rejects) == ("a\ncafé\nb\n".encode(), [0, 2, 4])
    assert rejects.count == 2
    with pytest.raises(InputError, match=r"log\.csv: row 2 has a NUL byte; mend or delete it"):
        read(tmp_path / "log.csv")
    with pytest.raises(InputError, match=r"row 4 is not utf-8 text.*more than the 1 that data\.max_bad_rows"):
        read(tmp_path / "log.csv", Rejects(1))


def test_other_encodings_become_utf_8(tmp_path: Path) -> None:
    assert read(write(tmp_path, "Café\n".encode("latin-1")), encoding="latin-1") == ("Café\n".encode(), [0])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_outweighs_the_setting(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path, "Zoë\r\n渋谷\n".encode(encoding))
    assert read(path, encoding="latin-1") == ("Zoë\n渋谷\n".encode(), [0, 1])


@pytest.mark.parametrize("size", [3, 1 << 20])
def test_what_cannot_be_decoded_costs_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(lines, "BLOCK_BYTES", size)
    odd = "a\nb\nc\n".encode("utf-16-le").replace(b"b\0", b"\0\xd8")  # half of a pair
    rejects = Rejects(9)
    assert read(write(tmp_path, odd), rejects, encoding="utf-16-le") == (b"a\nc\n", [0, 2])
    assert rejects.first.endswith("row 2 is not utf-16-le text")


def test_line_ends_of_old_macs_and_marks_of_joined_files(tmp_path: Path) -> None:
    assert read(write(tmp_path, b"a\rb\r\rc")) == (b"a\nb\nc\n", [0, 1, 3])
    assert read(write(tmp_path, b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n")) == (b"a\nb\n", [0, 1])


def test_a_line_has_a_largest_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST", 1 << 20)
    monkeypatch.setattr(lines, "BLOCK_BYTES", 1 << 18)
    with pytest.raises(InputError, match=r"log\.csv: line 2 is longer than 1 MiB, as no row"):
        read(write(tmp_path, b"a\n" + b"x" * (2 << 20)))


def test_packed_files_read_alike(tmp_path: Path) -> None:
    text = b"one\ntwo\n" * 500
    write(tmp_path, gzip.compress(text[:1000]) + gzip.compress(text[1000:]), "log.csv.gz")
    write(tmp_path, bz2.compress(text), "log.csv.bz2")
    write(tmp_path, lzma.compress(text), "log.csv.xz")
    with zipfile.ZipFile(tmp_path / "log.csv.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../outside.csv", text)
    for path in sorted(tmp_path.iterdir()):
        assert read(path) == (text, list(range(1000)))
        assert kind_of(path) == ".csv"
    assert not (tmp_path.parent.parent / "outside.csv").exists()


@pytest.mark.parametrize("damage", ["truncated", "not gzip", "flipped"])
def test_a_damaged_gzip_file_is_refused(tmp_path: Path, damage: str) -> None:
    packed = gzip.compress(b"user_id\titem_id\n" * 100)
    content = {
        "truncated": packed[:-9],
        "not gzip": b"user_id",
        "flipped": packed[:12] + b"\xff" + packed[13:],
    }
    with pytest.raises(
        InputError, match=r"log\.tsv\.gz: the gzip file is truncated or .*; fetch the file again\.$"
    ):
        read(write(tmp_path, content[damage], "log.tsv.gz"), Rejects(1000))


def test_the_last_good_line_of_a_truncated_file_is_named(tmp_path: Path) -> None:
    packed = gzip.compress(b"".join(b"%08x\n" % (number * 2654435761 % 2**32) for number in range(1000)), 0)
    with pytest.raises(InputError, match=r"damaged after line 500 "):
        read(write(tmp_path, packed[: 10 + 5 + 500 * 9 + 4], "log.tsv.gz"))


def test_an_archive_of_several_files_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "log.zip", "w") as archive:
        archive.writestr("a", b"a")
        archive.writestr("b", b"b")
    with pytest.raises(InputError, match=r"log\.zip: the archive has 2 files, expected one; unpack it"):
        read(tmp_path / "log.zip")
    with pytest.raises(InputError, match=r"bad\.zip: no zip archive that can be read"):
        read(write(tmp_path, b"PK", "bad.zip"))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (gzip.compress(b"a"), "gzip-compressed; add .gz"),
        (b"\x28\xb5\x2f\xfd", "zstd-compressed; unpack it"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook; save its sheet as CSV"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook; save its sheet as CSV"),
        (zipped("log.csv"), "a zip archive; add .zip"),
    ],
    ids=[
        "gzip",
        "zstd",
        "xls",
        "xlsx",
        "zip",
    ],  # a gzip header has the time, and processes of tests need the same names
)
def test_a_file_that_is_something_else_is_told(tmp_path: Path, content: bytes, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        read(write(tmp_path, content))


def test_an_archive_that_unpacks_to_far_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "_UNPACKED", 1 << 16)
    monkeypatch.setattr(lines, "BLOCK_BYTES", 1 << 14)
    path = write(tmp_path, gzip.compress(b"u,a\n" * (1 << 18)), "log.csv.gz")
    with pytest.raises(InputError, match=r"log\.csv\.gz: the gzip file unpacks to over 500 times its size"):
        read(path)
    monkeypatch.setattr(lines, "_UNPACKED", 1 << 20)
    assert len(read(path)[1]) == 1 << 18
