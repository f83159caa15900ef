"""A population's codes: who gets which, and that nothing but a user's own behaviours decides."""

import json
import re

import polars as pl
import pytest

from tests.bulk.inferring import run, written
from userip_lightning.bulk.part_store import PartStore
from userip_lightning.bulk.per_user_engine import Prompted
from userip_lightning.errors import InputError
from userip_lightning.lock import LOCK


@pytest.fixture(scope="module")
def codes(trained: Prompted, events: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """All users in one part."""
    folder = tmp_path_factory.mktemp("whole")
    events.write_parquet(folder / "events.parquet")
    return run(trained, folder / "events.parquet", folder / "codes", part_users=4096)


def test_everybody_gets_a_code_of_every_profile(codes, bank, events):
    assert codes.columns == ["user_id", "hobby", "background", "known_behaviours"]
    assert codes["user_id"].to_list() == bank.users["user_id"].to_list()
    assert codes["hobby"].is_between(0, 3).all()
    assert codes["background"].is_between(0, 2).all()
    known = events.group_by("user_id").len().sort("user_id")
    assert codes["known_behaviours"].to_list() == known["len"].to_list()


def test_neither_parts_nor_other_users_nor_the_order_of_rows_change_a_users_codes(
    codes, trained, events, tmp_path
):
    some = codes["user_id"][:13]
    events.filter(pl.col("user_id").is_in(some.implode())).reverse().write_parquet(tmp_path / "some.parquet")
    found = run(trained, tmp_path / "some.parquet", tmp_path / "codes", part_users=4)
    assert found.equals(codes.head(13))
    assert len(list((tmp_path / "codes" / "codes").iterdir())) > 1


def test_a_run_that_was_stopped_goes_on_and_ends_as_one_that_was_not(
    codes, trained, population, tmp_path, monkeypatch
):
    write = PartStore.write

    def stop(store, part, found):
        write(store, part, found)
        if part == 1:
            raise KeyboardInterrupt

    output = tmp_path / "codes"
    with monkeypatch.context() as patched:
        patched.setattr(PartStore, "write", stop)
        with pytest.raises(KeyboardInterrupt):
            run(trained, population, output)
    before = {file: file.stat().st_mtime_ns for file in (output / "codes").iterdir()}
    assert [file.name for file in sorted(before)] == ["00000.parquet", "00001.parquet"]
    said: list[str] = []
    assert run(trained, population, output, report=said.append).equals(codes)
    assert any(sentence.startswith("going on: 2 of ") for sentence in said)
    assert {file: file.stat().st_mtime_ns for file in before} == before
    assert sorted(file.name for file in output.iterdir()) == [LOCK, "codes", "identity.json", "summary.json"]
    said.clear()
    assert run(trained, population, output, report=said.append).equals(codes)
    assert said == [f"{output}: nothing changed, kept"]


def test_another_population_does_not_go_on_in_the_same_folder(trained, events, population, tmp_path):
    run(trained, population, tmp_path / "codes")
    events.head(100).write_parquet(tmp_path / "other.parquet")
    with pytest.raises(InputError, match="with another events"):
        run(trained, tmp_path / "other.parquet", tmp_path / "codes")


def test_ratings_become_labels_as_in_the_experiment(codes, trained, events, tmp_path):
    events.drop("label").write_parquet(tmp_path / "rated.parquet")
    assert run(trained, tmp_path / "rated.parquet", tmp_path / "codes").equals(codes)


def test_a_user_of_unknown_items_has_the_reserved_codes_until_they_have_a_text(
    codes, trained, events, population, tmp_path
):
    stranger = pl.DataFrame({"user_id": ["stranger"] * 2, "item_id": ["new", "newer"], "label": [1, 0]})
    both = pl.concat([events.select(stranger.columns), stranger], how="vertical_relaxed")
    (tmp_path / "both").mkdir()
    both.write_parquet(tmp_path / "both" / "events.parquet")
    found = run(trained, tmp_path / "both", tmp_path / "unknown")
    assert found.filter(user_id="stranger").row(0) == ("stranger", 4, 3, 0)
    assert found.filter(pl.col("user_id") != "stranger").equals(codes)
    summary = json.loads((tmp_path / "unknown" / "summary.json").read_text())
    assert summary["users_without_known_behaviour"] == 1
    assert summary["events"] - summary["events_shown"] == 2
    pl.DataFrame({"item_id": ["new", "newer"], "title": ["Dune", None]}).write_parquet(
        tmp_path / "items.parquet"
    )
    found = run(trained, tmp_path / "both", tmp_path / "known", items=tmp_path / "items.parquet")
    _, hobby, background, behaviours = found.filter(user_id="stranger").row(0)
    assert hobby < 4
    assert background < 3
    assert behaviours == 1
    assert found.filter(pl.col("user_id") != "stranger").equals(codes)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda e: e.drop("item_id"), "column 'item_id' is missing"),
        (lambda e: e.drop("label", "rating"), "column 'rating' is missing"),
        (
            lambda e: e.with_columns(label=pl.lit(2)),
            r"row 1 has no usable label or rating, and 447 more rows",
        ),
        (lambda e: e.with_columns(user_id=pl.lit("")), r"row 1 has no usable user_id"),
        (lambda e: e.with_columns(user_id=pl.lit("a\0")), r"row 1 has no usable user_id"),
        (lambda e: e.head(0), "no rows"),
    ],
)
def test_events_that_cannot_be_used_are_refused_before_anything_is_written(
    trained, events, tmp_path, spoil, sentence
):
    spoil(events).write_parquet(tmp_path / "bad.parquet")
    with pytest.raises(InputError, match=sentence):
        run(trained, tmp_path / "bad.parquet", tmp_path / "codes")
    assert not (tmp_path / "codes").exists()


def test_a_file_that_is_no_parquet_is_refused(trained, tmp_path):
    (tmp_path / "events.parquet").write_text("user_id,item_id")
    with pytest.raises(
        InputError, match=re.escape(f"{tmp_path / 'events.parquet'}: not a readable Parquet file")
    ):
        run(trained, tmp_path / "events.parquet", tmp_path / "codes")


def test_a_bank_of_another_prompt_is_refused(trained, population, tmp_path):
    other = trained.recipe._replace(prompt=type(trained.recipe.prompt)(soft_tokens=2, liked=" He likes:"))
    with pytest.raises(InputError, match="belong to another prompt"):
        run(trained._replace(recipe=other), population, tmp_path / "codes")


def test_no_part_is_lost_when_all_users_are_one(trained, events, tmp_path):
    one = events.filter(user_id=events["user_id"][0])
    one.write_parquet(tmp_path / "one.parquet")
    assert run(trained, tmp_path / "one.parquet", tmp_path / "codes").height == 1
    assert written(tmp_path / "codes")["known_behaviours"].to_list() == [one.height]
