"""`userip data`: every command on the tiny log, and what it says of a bad one."""

from pathlib import Path

import pytest

from tests.data.make_tiny import TINY
from userip_lightning.cli import main

FILMS = [
    "--data.source=userip_lightning.data.sources.movielens.MovieLens100K",
    f"--data.source.path={TINY / 'ml-100k'}",
]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USERIP_CACHE", str(tmp_path / "cache"))


def own_log(folder: Path, *rows: str) -> list[str]:
    path = folder / "log.csv"
    path.write_text("\n".join(["user_id,item_id,title,rating", *rows]))
    return ["--data.source=userip_lightning.data.sources.tabular.Tabular", f"--data.source.path={path}"]


def test_prepare_says_where_and_stats_stand_beside_the_papers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "prepare", *FILMS]) == 0
    folder = Path(capsys.readouterr().out.splitlines()[-1])
    card = (folder / "card.md").read_text()
    assert "| 4-core, fixed_point | 560 | 40 | 40 |" in card
    assert "| paper, Yelp | 1,293,247 | 27,147 | 20,266 | 99.76 |" in card
    assert main(["data", "stats", *FILMS]) == 0
    out = capsys.readouterr().out
    assert "nothing to do" in out
    assert [line.split("┆")[0].strip("│ ") for line in out.splitlines() if "paper" in line] == [
        *("paper, Clothing", "paper, Movies", "paper, Games", "paper, Yelp")
    ]


def test_head_shows_events_with_titles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = own_log(tmp_path, "u,a,Roses,5", "u,b,Tulips,x", "v,c,Hedge,4", "w,d,Trowel,3")
    assert main(["data", "head", "--rows=2", *log]) == 0
    out = capsys.readouterr().out
    assert "Roses" in out
    assert "Hedge" in out
    assert "Trowel" not in out
    assert "1 rows on the way there cannot be used" in out


def test_validate_lists_everything_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = own_log(tmp_path, "u,a,Roses,5", "u,b,Tulips,x", "U,c,,4", ",d,Trowel,3", "u,a,Roses,5")
    assert main(["data", "validate", *log]) == 2
    told = capsys.readouterr()
    assert told.out.splitlines() == [
        "3 events of 2 users with 2 items",
        "2 rows cannot be used",
        "  log.csv: row 2 has rating 'x', expected a number",
        "  log.csv: row 4 has an empty user_id",
        "1 events repeat an earlier one: row 5 is the first and repeats row 1",
        "2 user ids differ from another only in case, width or blanks: 'U' and 'u'",
        "0 events have no rating",
        "3 events have no timestamp",
        "3 events have no review",
        "1 items have no title",
        f"{tmp_path / 'log.csv'}: no user and item have 4 interactions each; lower k_core or give more data.",
    ]
    assert (
        "mend what is listed, and set data.max_bad_rows=2 and data.duplicates=drop to leave such rows out"
        in told.err
    )
    assert list((tmp_path / "cache").iterdir()) == []


def grid(ratings: str) -> list[str]:
    """Ten users with ten items each, whose ratings are these in turn."""
    return [f"u{n // 10},i{n % 10},Thing,{ratings[n % len(ratings)].strip()}" for n in range(100)]


def test_validate_says_that_the_data_can_be_prepared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = grid("15324")
    log = own_log(tmp_path, *rows, "u1,i1,Thing,x", rows[0])
    assert main(["data", "validate", *log]) == 2
    assert (
        "mend what is listed, or set data.max_bad_rows=1 and data.duplicates=drop" in capsys.readouterr().err
    )
    assert main(["data", "validate", "--data.max_bad_rows=1", "--data.duplicates=drop", *log]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "100 events of 10 users with 10 items would be kept",
        "these data can be prepared",
    ]
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize(
    ("ratings", "words", "complaint"),
    [
        ("4", [], "the train split has only positive rows"),
        ("154 ", [], "RatingThreshold: row 4 of the source has no rating"),
        ("15324", ["--data.k_core=11"], "lower k_core or give more data."),
        ("15324", ["--data.labels=GivenLabel", "--data.labels.column=liked"], "no column 'liked'"),
    ],
)
def test_validate_finds_what_prepare_refuses(
    ratings: str, words: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = [*own_log(tmp_path, *grid(ratings)), *words]
    assert main(["data", "validate", *log]) == 2
    told = capsys.readouterr()
    assert complaint in told.out.splitlines()[-1]
    assert told.err.endswith("these data would be refused; mend what is listed.\n")
    assert main(["data", "prepare", *log]) == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("form", ["fuxictr", "recbole"])
def test_export_for_other_libraries(tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["data", "export", f"--format={form}", f"--to={tmp_path / 'films'}", *FILMS]
    assert main([*words, "--attributes=genres,gender"]) == 0
    assert len(list((tmp_path / "films").iterdir())) >= 4
    assert main([*words, "--attributes=mood"]) == 2
    assert "there is no attribute 'mood'" in capsys.readouterr().err


def test_a_split_goes_out_and_comes_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "split.csv"
    assert main(["data", "export", "--format=splits", f"--to={file}", *FILMS]) == 0
    assert main(["data", "export", "--format=splits", f"--to={file}", "--attributes=genres", *FILMS]) == 2
    given = ["--data.split=userip_lightning.data.tools.split_file.GivenSplit", f"--data.split.path={file}"]
    assert main(["data", "prepare", *FILMS, *given]) == 0
    assert "560 interactions" in capsys.readouterr().out


def test_synthesize_writes_what_can_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["data", "synthesize", f"--to={tmp_path / 'log'}", "--users=20", "--rows_per_user=8"]
    assert main(words) == 0
    events = ["--data.source=userip_lightning.data.sources.tabular.Tabular"]
    events += [f"--data.source.path={tmp_path / 'log' / 'events.csv'}"]
    assert main(["data", "validate", "--data.k_core=1", *events]) == 0
    assert "160 events of 20 users" in capsys.readouterr().out
    assert main(words) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["data", "synthesize", "--help"]) == 0


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["nope"], "no command 'nope'; there are prepare, stats, validate, head, export, sniff, synthesize."),
        (["export", *FILMS], "say --format (fuxictr, recbole, splits) and --to PATH"),
        (["export", "--format=x", *FILMS], "invalid choice: 'x'"),
        (["head", "--rows=0", *FILMS], "--rows is 0, expected 1 or more"),
        (["head", "--rows=ten", *FILMS], "invalid int value: 'ten'"),
        (["synthesize", "--users=3"], "to: missing; --help says what it is"),
        (["stats", "--rows=3", *FILMS], "rows: no such setting"),
    ],
)
def test_wrong_words_are_one_sentence(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", *words]) == 2
    told = capsys.readouterr().err
    assert complaint in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("command", ["prepare", "stats", "validate", "head", "export"])
def test_help_lists_the_settings(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", command, "--help"]) == 0
    told = capsys.readouterr().out
    assert told.count("usage:") == 1
    assert "--data.max_bad_rows" in told
    assert ("--rows ROWS" in told, "--format" in told) == (command == "head", command == "export")


def test_validate_lists_bytes_that_are_no_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = own_log(tmp_path, "u,a,Roses,5", "u,b,Tulips,4")
    (tmp_path / "log.csv").write_bytes((tmp_path / "log.csv").read_bytes() + b"\nv,a,Ros\xe9,3\n")
    assert main(["data", "validate", *log]) == 2
    assert "  log.csv: row 3 is not utf-8 text" in capsys.readouterr().out.splitlines()
