"""What editors, archives and other systems do to a file that says the same as before."""

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path

import pytest

from tests.data.formats import FORMATS, Event, Log
from userip_lightning.data.sources.source import Source
from userip_lightning.data.sources.tabular import Tabular
from userip_lightning.errors import InputError
from userip_lightning.schema import Interactions

LOG = Log(
    [Event("ann", "p", 5, 1_600_000_000, "Good, Zoë"), Event("bob", "q", 1, 1_600_000_001, "Bad")],
    {"p": "Pen", "q": "Quill"},
)
TEXTS = sorted(set(FORMATS) - {"nete", "own_parquet", "own_folder", "amazon2018"})


def written(folder: Path, name: str) -> tuple[Source, Path]:
    (folder / "recbole").mkdir(parents=True)
    source = FORMATS[name].write(folder / "recbole", LOG)
    return source, folder / "recbole"


def same(one: Interactions, other: Interactions) -> bool:
    return all(getattr(one, part).equals(getattr(other, part)) for part in ("events", "items", "users"))


@pytest.mark.parametrize("name", TEXTS)
def test_a_byte_order_mark_and_windows_line_ends_change_nothing(name: str, tmp_path: Path) -> None:
    source, folder = written(tmp_path, name)
    plain = source.read()
    for file in folder.iterdir():
        mark = b"" if file.suffix == ".dat" else b"\xef\xbb\xbf"  # no mark before Latin-1
        file.write_bytes(mark + file.read_bytes().replace(b"\n", b"\r\n"))
    assert same(source.read(), plain)


@pytest.mark.parametrize("name", TEXTS)
def test_blank_lines_and_a_missing_last_line_end_change_nothing(name: str, tmp_path: Path) -> None:
    source, folder = written(tmp_path, name)
    plain = source.read()
    log = folder / FORMATS[name].log
    log.write_bytes(log.read_bytes().rstrip(b"\n"))
    assert same(source.read(), plain)
    log.write_bytes(log.read_bytes() + b"\n \n\n")
    assert same(source.read(), plain)


@pytest.mark.parametrize("name", sorted(set(TEXTS) - {"movielens_1m"}))
def test_a_line_in_another_encoding_is_named_and_can_be_left_out(name: str, tmp_path: Path) -> None:
    source, folder = written(tmp_path, name)
    log = folder / FORMATS[name].log
    log.write_bytes(log.read_bytes().replace(b"bob", b"bob\xe9"))
    with pytest.raises(InputError, match="row 2 is not utf-8 text"):
        source.read()
    assert source.read(max_bad_rows=1).events["user_id"].to_list() == ["ann"]


@pytest.mark.parametrize("name", TEXTS)
def test_a_nul_byte_is_named_and_can_be_left_out(name: str, tmp_path: Path) -> None:
    source, folder = written(tmp_path, name)
    log = folder / FORMATS[name].log
    log.write_bytes(log.read_bytes().replace(b"bob", b"b\0b"))
    with pytest.raises(InputError, match="row 2 has a NUL"):
        source.read()
    assert source.read(max_bad_rows=1).events["user_id"].to_list() == ["ann"]


@pytest.mark.parametrize("name", FORMATS)
def test_ids_that_differ_in_case_or_width_are_different_ids(name: str, tmp_path: Path) -> None:
    users = ["ann", "Ann", "ａｎｎ" if name != "movielens_1m" else "ánn", "ann "]
    log = Log([Event(user, "p", 3, 1_600_000_000, None) for user in users], {"p": "Pen"})
    (tmp_path / "recbole").mkdir()
    read = FORMATS[name].write(tmp_path / "recbole", log).read()
    assert read.events["user_id"].to_list() == users
    assert read.users["user_id"].to_list() == sorted(users)


def zipped(data: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../../../escaped.csv", data)
    return archive.getvalue()


PACKERS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zip": zipped}


@pytest.mark.parametrize("suffix", PACKERS)
def test_archives_are_read_in_place_wherever_their_names_lead(suffix: str, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b" / "c"
    folder.mkdir(parents=True)
    (folder / f"log.csv{suffix}").write_bytes(PACKERS[suffix](b"user_id,item_id\nu,a\nv,b\n"))
    before = sorted(tmp_path.rglob("*"))
    assert Tabular(str(folder / f"log.csv{suffix}")).read().events["user_id"].to_list() == ["u", "v"]
    assert sorted(tmp_path.rglob("*")) == before
