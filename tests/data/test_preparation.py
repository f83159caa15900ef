import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from jsonargparse import ArgumentParser

from tests.data.make_tiny import TINY
from userip_lightning.artifact import read_manifest
from userip_lightning.data import event_file, stored_log
from userip_lightning.data.labels import GivenLabel, Implicit, Labels, RatingThreshold
from userip_lightning.data.parsing import csv_records
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.preparation import Preparation
from userip_lightning.data.prepared import PreparedData
from userip_lightning.data.sources.histories import Histories
from userip_lightning.data.sources.movielens import MovieLens100K
from userip_lightning.data.sources.source import Source
from userip_lightning.data.sources.synthesize import Planted
from userip_lightning.data.sources.tabular import Tabular
from userip_lightning.data.splits import ColdUsers, RandomSplit, Split, TemporalSplit
from userip_lightning.errors import InputError

FILMS = MovieLens100K(str(TINY / "ml-100k"))
GAMES = Histories(str(TINY / "histories" / "histories.tsv.gz"), str(TINY / "histories" / "items.tsv.gz"))
OWN = Tabular(
    str(TINY / "csv" / "events.csv"),
    {"user_id": "person", "item_id": "thing", "rating": "stars", "timestamp": "when"},
    str(TINY / "csv" / "items.csv"),
    str(TINY / "csv" / "users.csv"),
)


def quiet(_: str) -> None:
    """For runs whose report is not under test."""


@pytest.mark.parametrize(
    ("source", "labels"), [(FILMS, RatingThreshold()), (OWN, GivenLabel("liked")), (GAMES, Implicit())]
)
@pytest.mark.parametrize("split", [RandomSplit(), ColdUsers(support=4)])
def test_the_artifact_keeps_its_contract(
    tmp_path: Path, source: Source, labels: Labels, split: Split
) -> None:
    path = Preparation(source, labels=labels, split=split).run(tmp_path, quiet)
    data = PreparedData.load(path)
    assert list(data.events.schema.items()) == [
        ("row_id", pl.Int64),
        ("user_id", pl.String),
        ("item_id", pl.String),
        ("rating", pl.Float32),
        ("timestamp", pl.Int64),
        ("review", pl.String),
        ("user", pl.Int32),
        ("item", pl.Int32),
        ("label", pl.Int8),
        ("split", pl.String),
        ("logged", pl.Boolean),
    ]
    assert data.events["row_id"].is_sorted()
    assert data.users["user_id"].is_sorted()
    assert data.users["user"].to_list() == list(range(data.n_users))
    assert data.items["item"].to_list() == list(range(data.n_items))
    assert data.users["user_id"].gather(data.events["user"]).equals(data.events["user_id"])
    assert data.items["item_id"].gather(data.events["item"]).equals(data.events["item_id"])
    assert data.manifest.config_hash == data.data_hash == path.name.removeprefix("prepared-")
    assert data.manifest.users == data.n_users == 40


def test_row_ids_are_places_in_the_source(tmp_path: Path) -> None:
    events = PreparedData.load(Preparation(FILMS).run(tmp_path, quiet)).events
    raw = FILMS.read().events
    same = events.join(raw, on="row_id", suffix="_raw")
    assert same.height == events.height
    assert same["item_id"].equals(same["item_id_raw"].alias("item_id"))


def test_a_second_run_finds_the_first(tmp_path: Path) -> None:
    said: list[str] = []
    path = Preparation(FILMS).run(tmp_path, said.append)
    written = (path / "manifest.json").stat().st_mtime_ns
    assert Preparation(FILMS).run(tmp_path, said.append) == path
    assert (path / "manifest.json").stat().st_mtime_ns == written
    assert "560 interactions of 40 users with 40 items" in said[0]
    assert said[0].endswith(path.name)  # nothing was left out
    assert "nothing to do" in said[1]


def test_a_damaged_artifact_is_made_again(tmp_path: Path) -> None:
    path = Preparation(FILMS).run(tmp_path, quiet)
    whole = (path / "events.parquet").read_bytes()
    (path / "events.parquet").write_bytes(whole[:-20])
    with pytest.raises(InputError, match=r"events\.parquet"):
        PreparedData.load(path)
    Preparation(FILMS).run(tmp_path, quiet)
    assert (path / "events.parquet").read_bytes() == whole


def test_every_setting_and_the_content_change_the_hash_but_the_path_does_not(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(TINY / "ml-100k", tmp_path / "copy"))
    copy = MovieLens100K(str(folder))
    base = Preparation(FILMS).identity()
    assert Preparation(copy).identity() == base
    others = [
        Preparation(FILMS, k_core=5),
        Preparation(FILMS, k_core_mode="single_pass"),
        Preparation(FILMS, labels=RatingThreshold(3.5)),
        Preparation(FILMS, split=TemporalSplit()),
        Preparation(FILMS, max_users=20),
        Preparation(FILMS, train_users=20),
        Preparation(FILMS, duplicates="drop"),
        Preparation(FILMS, max_bad_rows=1),
        Preparation(FILMS, seed=1),
    ]
    with (folder / "u.data").open("a") as file:
        file.write("1\t1\t5\t9\n")
    found = [json.dumps(p.identity()) for p in (*others, Preparation(copy), Preparation(FILMS))]
    assert len(set(found)) == len(found)


def test_duplicates_are_refused_or_go_and_are_counted(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(TINY / "ml-100k", tmp_path / "copy"))
    lines = (folder / "u.data").read_text().splitlines()
    with (folder / "u.data").open("a") as file:
        file.write(f"{lines[2]}\n{lines[0]}\n")
    source = MovieLens100K(str(folder))
    with pytest.raises(
        InputError,
        match=r"row 561 \(user '1', item '4'\) repeats row 3, one of 2 duplicates.*data\.duplicates=drop",
    ):
        Preparation(source).run(tmp_path, quiet)
    path = Preparation(source, duplicates="drop").run(tmp_path, quiet)
    steps = json.loads((path / "stats.json").read_text())["steps"]
    assert [step["interactions"] for step in steps] == [562, 560, 560]
    events = PreparedData.load(path).events
    assert events["row_id"].to_list() == list(range(560))


def test_two_reviews_of_one_event_are_one_event_even_without_ratings(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("user_id,item_id,review\na,x,good\na,y,good\na,x,bad\n")
    with pytest.raises(InputError, match=r"log\.csv: row 3 \(user 'a', item 'x'\) repeats row 1"):
        Preparation(Tabular(str(log))).run(tmp_path, quiet)


def test_users_can_be_fewer_and_the_core_holds_for_those(tmp_path: Path) -> None:
    data = PreparedData.load(Preparation(FILMS, k_core=3, max_users=15).run(tmp_path, quiet))
    assert data.n_users == 15
    assert data.events["item"].value_counts()["count"].min() >= 3
    other = PreparedData.load(Preparation(FILMS, k_core=3, max_users=15, seed=1).run(tmp_path, quiet))
    assert set(data.users["user_id"]) != set(other.users["user_id"])
    with pytest.raises(InputError, match="max_users is 0, expected 1 or more"):
        Preparation(FILMS, max_users=0).run(tmp_path, quiet)


def test_an_item_without_title_is_kept_and_counted(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(TINY / "ml-100k", tmp_path / "copy"))
    lines = (folder / "u.item").read_text().splitlines()
    fields = lines[0].split("|")
    (folder / "u.item").write_text("\n".join(["|".join([fields[0], " ", *fields[2:]]), *lines[1:]]))
    path = Preparation(MovieLens100K(str(folder))).run(tmp_path, quiet)
    assert json.loads((path / "stats.json").read_text())["missing_titles"] == 1
    assert PreparedData.load(path).items.filter(item_id="1")["title"].to_list() == [None]


@pytest.mark.parametrize(("source", "labels"), [(OWN, GivenLabel("liked")), (OWN, Implicit())])
def test_blocks_and_parts_do_not_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: Source, labels: Labels
) -> None:
    whole = PreparedData.load(Preparation(source, labels=labels).run(tmp_path / "whole", quiet))
    monkeypatch.setattr(csv_records, "_RECORDS", 50)
    monkeypatch.setattr(stored_log, "_PART_BYTES", 1)
    monkeypatch.setattr(event_file, "_ROWS", 100)
    blocks = [block for block in source.blocks(Rejects()) if block.events is not None]
    assert len(blocks) > 10
    parts = PreparedData.load(Preparation(source, labels=labels).run(tmp_path / "parts", quiet))
    for name in ("events", "items", "users"):
        assert getattr(parts, name).equals(getattr(whole, name))


def test_bad_rows_are_left_out_counted_and_listed(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(TINY / "ml-100k", tmp_path / "copy"))
    with (folder / "u.data").open("a") as file:
        file.write("1\t2\t9\t100\n1\t2\n")
    source = MovieLens100K(str(folder))
    with pytest.raises(InputError, match=r"u\.data: row 562 has 2 fields, expected 4; mend or delete it"):
        Preparation(source).run(tmp_path / "cache", quiet)
    with pytest.raises(InputError, match=r"one more than the 1 that data\.max_bad_rows allows"):
        Preparation(source, max_bad_rows=1).run(tmp_path / "cache", quiet)
    assert list((tmp_path / "cache").iterdir()) == []
    path = Preparation(source, max_bad_rows=2).run(tmp_path / "cache", quiet)
    assert json.loads((path / "stats.json").read_text())["rejected"] == {"u.data": 2}
    assert pl.read_ndjson(path / "rejected.jsonl").sort("row")["row"].to_list() == [561, 562]
    assert "Rows that could not be used: 2; u.data: 2" in (path / "card.md").read_text()
    assert PreparedData.load(path).events.height == 560


def test_ids_that_are_probably_one_are_told(tmp_path: Path) -> None:
    rows = [
        f"{user},{item},{stars}"
        for user in ("ann", "Ann", "ａｎｎ", "bob")
        for item, stars in zip("opqrstuvwx", [1, 5] * 5, strict=True)
    ]
    (tmp_path / "log.csv").write_text("\n".join(["user_id,item_id,rating", *rows]))
    path = Preparation(
        Tabular(str(tmp_path / "log.csv")), k_core=1, seed=1, split=RandomSplit((2, 1, 1))
    ).run(tmp_path, quiet)
    found = json.loads((path / "stats.json").read_text())["alike_ids"]
    assert found == {
        "users": {"count": 3, "examples": [["Ann", "ann"]]},
        "items": {"count": 0, "examples": []},
    }
    assert "differ only in case, width or blanks: 3 ('Ann' and 'ann')" in (path / "card.md").read_text()


def test_what_cannot_be_prepared_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"ml-100k: no user and item have 30 interactions each; lower k_core"
    ):
        Preparation(FILMS, k_core=30).run(tmp_path, quiet)
    with pytest.raises(InputError, match=r"the train split has only negative rows, both classes are needed"):
        Preparation(FILMS, labels=RatingThreshold(5)).run(tmp_path, quiet)
    with pytest.raises(InputError, match=r"row 1 of the source has no rating"):
        Preparation(GAMES).run(tmp_path, quiet)
    with pytest.raises(
        InputError, match=r"GivenLabel: the log has no column 'liked', only row_id, user_id, .*review"
    ):
        Preparation(FILMS, labels=GivenLabel("liked")).run(tmp_path, quiet)
    with pytest.raises(
        InputError, match="GivenLabel: 'logged' is the name of a column that preparation makes"
    ):
        Preparation(FILMS, labels=GivenLabel("logged")).run(tmp_path, quiet)
    with pytest.raises(InputError, match="positions in a history"):
        Preparation(GAMES, labels=Implicit(), split=TemporalSplit()).run(tmp_path, quiet)
    assert list(tmp_path.iterdir()) == []


def test_the_manifest_lists_every_file(tmp_path: Path) -> None:
    manifest = read_manifest(Preparation(FILMS).run(tmp_path, quiet), "prepared")
    assert set(manifest.files) == {
        *("events.parquet", "items.parquet", "users.parquet", "stats.json", "card.md")
    }


def test_a_yaml_section_builds_it() -> None:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(Preparation, "data")
    section = {
        "source": {
            "class_path": "userip_lightning.data.sources.synthesize.Planted",
            "init_args": {
                "users": 30,
                "titles": {
                    "class_path": "userip_lightning.data.sources.movielens.MovieLens100K",
                    "init_args": {"path": str(TINY / "ml-100k")},
                },
            },
        },
        "labels": {"class_path": "userip_lightning.data.labels.Implicit", "init_args": {"negatives": 2}},
        "split": {"class_path": "userip_lightning.data.splits.ColdUsers", "init_args": {"fraction": 0.3}},
    }
    built = parser.instantiate(parser.parse_object({"data": section})).data
    assert isinstance(built, Preparation)
    assert isinstance(built.source, Planted)
    assert built.source.titles is not None
    assert built.source.titles.identity() == FILMS.identity()
    assert built.labels == Implicit(negatives=2)
    assert built.split == ColdUsers(fraction=0.3)
    defaults = parser.instantiate(parser.parse_object({"data": {"source": section["source"]}})).data
    assert defaults.identity() == Preparation(built.source).identity()
