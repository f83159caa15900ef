"""`userip data sniff`: what it writes reads the log."""

import gzip
import json
from pathlib import Path

import polars as pl
import pytest
import yaml

from tests.cli.refusal import refused
from tests.data.make_tiny import TINY
from userip_lightning.cli import main


def rows(separator: str = ",", decimal: str = ".", time: str = "{}") -> list[str]:
    found = []
    for user in range(20):
        for item in range(12):
            rating = f"{1 + (user + item) % 5}.5" if (user + item) % 5 < 4 else "5.0"
            when = time.format(1_600_000_000 + 60 * (12 * user + item))
            found.append(separator.join([f"U{user}", f"B{item:02d}", rating.replace(".", decimal), when]))
    return found


def log(folder: Path, name: str, header: str, *lines: str, encoding: str = "utf-8") -> Path:
    text = "\n".join([header, *lines] if header else lines) + "\n"
    data = text.encode(encoding)
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return folder / name


def drafted(file: Path, capsys: pytest.CaptureFixture[str]) -> tuple[dict, str]:
    """The configuration, with which `userip data stats` reads the log, and its text."""
    capsys.readouterr()
    assert main(["data", "sniff", str(file)]) == 0
    text = capsys.readouterr().out
    target = file.with_name("drafted.yaml")
    assert main(["data", "sniff", str(file), "--to", str(target)]) == 0
    assert target.read_text() == text
    capsys.readouterr()
    assert main(["data", "stats", "--config", str(target)]) == 0
    return yaml.safe_load(text)["data"]["source"]["init_args"], text


@pytest.mark.parametrize(
    ("name", "header", "separator", "decimal", "encoding", "settings"),
    [
        ("log.csv", "user_id,item_id,rating,timestamp", ",", ".", "utf-8", {}),
        ("log.csv.gz", "customer,product,stars,when", ",", ".", "utf-8-sig", {}),
        ("log.csv", "Kunde;product_id;score;time", ";", ",", "utf-8", {"separator": ";", "decimal": ","}),
        ("log.tsv", "user\tItem Id\trating\tts", "\t", ".", "utf-16", {}),
        ("log.txt", "", "::", ".", "utf-8", {"separator": "::"}),
        ("ratings.csv", "", ",", ".", "utf-8", {}),
        ("log.csv", "Zoë,asin,rating,timestamp", ",", ".", "cp1252", {"encoding": "cp1252"}),
    ],
)
def test_what_it_writes_reads_the_log(
    name: str,
    header: str,
    separator: str,
    decimal: str,
    encoding: str,
    settings: dict,
    tmp_path,
    cache,
    capsys,
) -> None:
    file = log(tmp_path, name, header, *rows(separator, decimal), encoding=encoding)
    found, _ = drafted(file, capsys)
    assert found["path"] == str(file)
    assert {
        key: value for key, value in found.items() if key in ("separator", "decimal", "encoding")
    } == settings
    if header:
        names = dict(zip(("user_id", "item_id", "rating", "timestamp"), header.split(separator), strict=True))
        assert {**names, **found.get("columns", {})} == names
        assert found.get("columns", {}) == {ours: theirs for ours, theirs in names.items() if ours != theirs}
    else:
        assert found["names"] == ["user_id", "item_id", "rating", "timestamp"]


def test_parquet_and_json_lines_need_the_columns_alone(tmp_path, cache, capsys) -> None:
    frame = pl.DataFrame(
        {
            "reviewerID": [f"u{n % 20}" for n in range(240)],
            "asin": [f"i{n // 20}" for n in range(240)],
            "liked": [0, 1, 1] * 80,
        }
    )
    lists = frame.with_columns(seen=pl.concat_list("liked", "liked"), where=pl.struct(country="liked"))
    lists.write_parquet(tmp_path / "log [1].parquet")
    frame.write_ndjson(tmp_path / "log.jsonl")
    for name in ("log [1].parquet", "log.jsonl"):
        found, text = drafted(tmp_path / name, capsys)
        assert found["columns"] == {"user_id": "reviewerID", "item_id": "asin"}
        assert "GivenLabel" in text
        unread = '# not read, for a row has no single value in it: "seen", "where"'
        assert (unread in text) == name.endswith(".parquet")
        (tmp_path / "drafted.yaml").unlink()


@pytest.mark.parametrize(
    ("form", "sure"),
    [
        ("{day:02d}.09.2020 17:{minute:02d}", "%d.%m.%Y %H:%M"),
        ("{day}.9.2020", "%d.%m.%Y"),
        ("{day}/09/2020", "%d/%m/%Y"),
        ("09/{day}/2020 05:{minute:02d} PM", "%m/%d/%Y %I:%M %p"),
    ],
)
@pytest.mark.parametrize("last", [28, 12])
def test_dates_that_do_not_begin_with_the_year(
    form: str, sure: str, last: int, tmp_path, cache, capsys
) -> None:
    lines = [
        f"{line.rsplit(',', 1)[0]},{form.format(day=1 + n % last, minute=n % 60)}"
        for n, line in enumerate(rows())
    ]
    found, text = drafted(log(tmp_path, "log.csv", "user,item,rating,Datum", *lines), capsys)
    assert found["columns"]["timestamp"] == "Datum"
    said = next(line for line in text.splitlines() if "timestamp_format" in line)
    assert ("unsure: these dates do not tell" in said) == (last == 12)
    if last == 28:
        assert found["timestamp_format"] == sure


def test_an_object_is_no_id_and_jq_makes_one_of_it(tmp_path, capsys) -> None:
    file = tmp_path / "log.jsonl"
    row = {
        "item": {"sku": "i1", "name": "Roses"},
        "user": {"country": "DE", "id": "u1"},
        "stars": 5,
        "device": "x",
        "tags": [1],
    }
    file.write_text(2 * f"{json.dumps(row)}\n")
    assert main(["data", "sniff", str(file)]) == 0
    text = capsys.readouterr().out
    assert set(yaml.safe_load(text)["data"]["source"]["init_args"]["columns"]) == {"rating"}
    assert '# user_id is missing: "user" is an object (country, id), not one value' in text
    assert '# "tags" is a list, not one value' in text
    assert "jq -c '.item = .item.sku | .user = .user.id' FILE.jsonl > NEW.jsonl" in text
    given = ["--data.source=Tabular", f"--data.source.path={file}"]
    given.append("--data.source.columns={user_id: user, item_id: item}")
    said = refused(["data", "prepare", *given], capsys)
    assert "has an object as item, expected one value (jq -c '.item = .item.sku' writes one)" in said


def test_what_is_unsure_is_said(tmp_path, cache, capsys) -> None:
    lines = [f"p{n % 30},q{7 * n % 40}" for n in range(120)]
    _, text = drafted(log(tmp_path, "log.csv", "left,right", *lines), capsys)
    assert "unsure: user_id is" in text
    assert "unsure: whether the first row is a header" in text
    assert "Implicit" in text


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("log.csv", b"", "the file is empty"),
        ("log.jsonl", b"\n", "the file is empty"),
        ("log.csv", b"user_id,item_id,rating\n\n", "there is a header and no row"),
        (
            "log.xlsx",
            b"PK\x03\x04...",
            "the file is an Excel workbook; save its sheet as CSV, and give that file.",
        ),
        ("log.csv", b"PK\x03\x04...", "the file is a zip archive; add .zip to its name."),
        ("log.csv.gz", gzip.compress(b"u,i\n1,2\n")[:-9], "fetch the file again."),
        ("log.csv.gz", gzip.compress(b"u,i\n1,2\n")[:12], "fetch the file again."),
    ],
    ids=["empty", "blank", "header", "xlsx", "zip", "truncated", "cut"],
)
def test_a_file_without_rows_of_text_is_told(
    name: str, content: bytes, complaint: str, tmp_path, capsys
) -> None:
    (tmp_path / name).write_bytes(content)
    said = refused(["data", "sniff", str(tmp_path / name)], capsys)
    assert complaint in said
    assert said.endswith(complaint) or not complaint.endswith(".")


def test_a_workbook_is_told_by_the_reader_too(tmp_path, cache, capsys) -> None:
    (tmp_path / "log.xlsx").write_bytes(b"PK\x03\x04...")
    given = ["--data.source=Tabular", f"--data.source.path={tmp_path / 'log.xlsx'}"]
    assert "an Excel workbook" in refused(["data", "head", *given], capsys)


def test_the_folder_of_the_draft_is_made(tmp_path) -> None:
    target = tmp_path / "new" / "folder" / "draft.yaml"
    assert main(["data", "sniff", str(TINY / "csv" / "events.csv"), "--to", str(target)]) == 0
    assert yaml.safe_load(target.read_text())["experiment"] == "mine"


def test_what_is_no_log_is_refused(tmp_path, capsys) -> None:
    (tmp_path / "prose.txt").write_text("Once upon a time\nthere was\na file of words, and no table.\n")
    assert "have no separator" in refused(["data", "sniff", str(tmp_path / "prose.txt")], capsys)
    assert "no such file" in refused(["data", "sniff", str(tmp_path / "absent.csv")], capsys)
    (tmp_path / "there.yaml").touch()
    events = str(TINY / "csv" / "events.csv")
    assert "is there already" in refused(
        ["data", "sniff", events, "--to", str(tmp_path / "there.yaml")], capsys
    )
