"""Delimited files as people have them: read where the settings say how, else told what they look like."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from userip_lightning.data.parsing import csv_records
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.sources.tabular import Tabular
from userip_lightning.errors import InputError

NAMES = ["user_id", "item_id", "rating", "timestamp"]
ROWS = [
    ("1", "Zoë", 4.5, 1_600_000_000),
    ("1", "b", 3.0, 1_600_000_060),
    ("2", "Zoë", 2.5, 1_600_000_120),
]


def text(separator: str = ",", decimal: str = ".", header: bool = True) -> str:
    rows = [[str(field).replace(".", decimal) for field in row] for row in ROWS]
    return "".join(separator.join(row) + "\n" for row in ([NAMES] if header else []) + rows)


def write(folder: Path, content: bytes | str, name: str = "log.csv") -> str:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(folder / name)


def events(path: str, **settings: Any) -> list[tuple[Any, ...]]:
    return Tabular(path, **settings).read().events.select(NAMES).rows()


@pytest.mark.parametrize(
    ("content", "name", "settings"),
    [
        (
            b"\xef\xbb\xbf" + text(";", ",").replace("\n", "\r\n").encode(),
            "log.csv",
            {"separator": ";", "decimal": ","},
        ),
        (text().encode("utf-16"), "log.csv", {}),
        (text("\t").encode("utf-16-le"), "log.tsv", {"encoding": "utf-16-le"}),
        (text(";").encode("cp1252"), "log.txt", {"encoding": "cp1252", "separator": ";"}),
        (text().replace("\n", "\r"), "log.csv", {}),
        (text(", "), "log.csv", {}),
        (text().replace("user_id,item_id", "user_id, item_id"), "log.csv", {}),
        (text(header=False), "log.csv", {"names": NAMES}),
        (text("::", header=False), "ratings.dat", {"separator": "::", "names": {"log": NAMES}}),
        (
            text(";", ",").replace("1;Zoë", "1,0;Zoë"),
            "log.csv",
            {"separator": ";", "decimal": ","},
        ),
        (text("§"), "log.csv", {"separator": "§"}),
        (text("\t"), "log.txt", {"separator": "\\t"}),
        (text().replace("Zoë", "'Zoë'"), "log.csv", {"quote": "'"}),
        (text().replace("user_id", '" user_id "'), "log.csv", {}),
    ],
)
def test_the_same_log_written_in_another_way(
    content: bytes | str, name: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    assert events(write(tmp_path, content, name), **settings) == ROWS


def test_with_decimal_commas_a_point_is_no_decimal(tmp_path: Path) -> None:
    path = write(tmp_path, text(";"))
    with pytest.raises(InputError, match=r"row 1 has rating '4\.5', expected a decimal comma"):
        events(path, separator=";", decimal=",")


@pytest.mark.parametrize(
    ("content", "name", "settings", "looks"),
    [
        (text(";", ","), "log.csv", {}, "this looks like `separator: ';'` and `decimal: ','`."),
        (
            text(";", ","),
            "log.csv",
            {"separator": ";"},
            "has rating '4,5', expected a number.*this looks like `decimal: ','`.",
        ),
        (text("\t"), "log.csv", {}, r'this looks like `separator: "\\t"`.'),
        (text(), "log.csv", {"separator": "|"}, "this looks like `separator: ','`."),
        (text("::"), "ratings.dat", {}, "is unknown; .*this looks like `separator: '::'`."),
        (
            text().encode("cp1252"),
            "log.csv",
            {},
            "row 1 is not utf-8 text; .*this looks like `encoding: cp1252`.",
        ),
        (
            text().encode("utf-16-le"),
            "log.csv",
            {},
            "has a NUL byte; .*this looks like `encoding: utf-16-le`.",
        ),
        (
            text(header=False),
            "log.csv",
            {},
            "the first row looks like data: give names, one for each of its 4 columns.",
        ),
        ('user_id\titem_id\tsize\nu\ta\t"5" nail\nv\tb\t3\n', "log.tsv", {}, "this looks like `quote: ''`."),
    ],
)
def test_a_complaint_says_what_the_file_looks_like(
    content: bytes | str, name: str, settings: dict[str, Any], looks: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=looks) as caught:
        events(write(tmp_path, content, name), **settings)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (text().replace("4.5", "good"), "has rating 'good', expected a number; [^;]*$"),
        (text().replace("item_id", "thing"), "column 'item_id' is missing, the file has [^;]*; [^;]*$"),
        (text() + "3,c\n", "row 4 has 2 fields, expected 4; [^;]*$"),
    ],
)
def test_a_file_that_is_what_it_seems_gets_no_suggestion(
    content: str, complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=complaint):
        events(write(tmp_path, content))


def test_the_files_of_a_log_may_differ(tmp_path: Path) -> None:
    log = write(tmp_path, text("::", header=False), "ratings.dat")
    items = write(tmp_path, "Zoë;Roses\nb;Hedge\n".encode("latin-1"), "items.csv")
    read = Tabular(
        log,
        items_path=items,
        separator={"log": "::", "items": ";"},
        encoding={"items": "latin-1"},
        names={"log": NAMES, "items": ["item_id", "title"]},
    ).read()
    assert read.events.select(NAMES).rows() == ROWS
    assert dict(read.items.rows()) == {"Zoë": "Roses", "b": "Hedge"}


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ({"separator": ""}, "separator: '', expected"),
        ({"separator": {"item": ";"}}, "there is no file 'item' to set"),
        ({"quote": "''"}, "quote: \"''\", expected one character"),
        ({"separator": ";", "quote": ";"}, "quote: ';', expected one character other"),
        ({"decimal": ";"}, "decimal: ';', expected"),
        ({"encoding": "utf-9"}, "encoding: 'utf-9' is no text encoding"),
        ({"encoding": "base64"}, "encoding: 'base64' is no text encoding"),
        ({"names": ["a", "a"]}, "names: a, a; every column needs a name"),
    ],
)
def test_settings_that_no_file_can_have(setting: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        Tabular("log.csv", **setting)


def test_a_repeated_header_is_no_user(tmp_path: Path) -> None:
    path = write(tmp_path, text() + "\n\ufeff" + text())
    source, rejects = Tabular(path), Rejects()
    frames = [block.events for block in source.blocks(rejects) if block.events is not None]
    assert pl.concat(frames).select(NAMES).rows() == ROWS + ROWS
    assert rejects.first.endswith("row 5 is a repeated header")
    assert (rejects.count, rejects.passed_over) == (1, 1)


def test_a_header_in_another_order_is_the_end(tmp_path: Path) -> None:
    path = write(tmp_path, "user_id,item_id\nu,a\nitem_id,user_id\nb,v\n")
    with pytest.raises(
        InputError, match=r"row 2 is a header with the columns in another order \(item_id, user_id\)"
    ):
        Tabular(path).read(max_bad_rows=100)


def test_a_field_may_be_long(tmp_path: Path) -> None:
    review = "so good " * 50_000
    path = write(tmp_path, f'user_id,item_id,review\nu,a,"{review}\nreally"\n')
    assert Tabular(path).read().events["review"].to_list() == [f"{review}\nreally"]


@pytest.mark.parametrize(("name", "value"), [("_MOST_LINES", 50), ("LONGEST", 5_000)])
def test_an_open_quote_costs_one_row_and_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: int
) -> None:
    monkeypatch.setattr(csv_records, name, value)
    rows = [f"u{row},{row}" for row in range(2_000)]
    path = write(tmp_path, "\n".join(["user_id,item_id", *rows[:1000], '"oops,1', *rows[1000:]]))
    source, rejects = Tabular(path), Rejects(1)
    frames = [block.events for block in source.blocks(rejects) if block.events is not None]
    assert pl.concat(frames).height == 2_000
    assert "row 1001 is no CSV record (a quote opens it and none closes it within" in rejects.first
