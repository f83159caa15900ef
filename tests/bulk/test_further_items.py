"""Further items in bulk inference by the catalogue engine's table."""

import polars as pl
import pytest

from tests.catalogue.seen_and_unseen import UNSEEN, fitted, unseen_log
from userip_lightning.bulk.catalogue_engine import Tabled
from userip_lightning.bulk.request import Request
from userip_lightning.bulk.run import infer
from userip_lightning.data.labels import Implicit
from userip_lightning.errors import InputError
from userip_lightning.serving import Profiler

NEW = pl.DataFrame({"item_id": ["x1", "x2"], "title": [UNSEEN["n1"], UNSEEN["n2"]]})
KNOWN = pl.DataFrame({"item_id": ["a1"], "title": ["farm life calm"]})  # of the other taste


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tabled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("USERIP_CACHE", str(folder / "cache"))
        return fitted(unseen_log(folder, explicit=False), folder).export(folder / "bank")


def inferred(bank, folder, log, items=None):
    events, further = folder / "events.parquet", folder / "items.parquet"
    log.write_parquet(events)
    if items is not None:
        items.write_parquet(further)
    request = Request(events, None if items is None else further, folder / "codes", 1, 4096)
    summary = infer(Tabled(Implicit(), bank), request, lambda _: None)
    return summary, pl.read_parquet(folder / "codes" / "codes" / "*.parquet").sort("user_id")


def test_further_items_count_by_their_texts_and_those_of_the_log_stay_as_they_are(bank, tmp_path):
    log = pl.DataFrame(
        {"user_id": ["u", "u", "v", "v", "w"], "item_id": ["x1", "a1", "x2", "x2", "nobody knows"]}
    )
    summary, codes = inferred(bank, tmp_path, log, pl.concat([NEW, KNOWN]))
    assert (summary["events"], summary["events_shown"]) == (5, 4)
    profiler = Profiler.load(bank)
    profiler.add_items(NEW)
    assert codes.equals(profiler.codes(log))
    before = Profiler.load(bank).codes(log)
    assert codes["known_behaviours"].to_list() == [2, 2, 0]
    assert before["known_behaviours"].to_list() == [1, 0, 0]
    assert codes.drop("known_behaviours").rows() != before.drop("known_behaviours").rows()


def test_a_log_of_further_items_alone_is_no_foreign_one(bank, tmp_path):
    log = pl.DataFrame({"user_id": ["u"], "item_id": ["x1"]})
    with pytest.raises(InputError, match="none of the items is in the table"):
        inferred(bank, tmp_path, log)
    assert inferred(bank, tmp_path, log, NEW)[1]["known_behaviours"].to_list() == [1]


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (NEW.rename({"title": "name"}), r"items\.parquet: new items: .* no column 'title'"),
        (NEW.rename({"item_id": "id"}), r"items\.parquet: new items: column 'item_id' is missing"),
        (NEW.with_columns(item_id=pl.lit(" ")), r"items\.parquet: new items: row 1 has item_id ' '"),
        (NEW.with_columns(item_id=pl.lit("x")), "'x' comes twice with different texts"),
    ],
)
def test_items_that_cannot_be_used_are_refused_before_anything_is_written(bank, tmp_path, items, message):
    with pytest.raises(InputError, match=message):
        inferred(bank, tmp_path, pl.DataFrame({"user_id": ["u"], "item_id": ["x1"]}), items)
    assert not (tmp_path / "codes").exists()


def test_items_that_are_no_parquet_file_are_refused(bank, tmp_path):
    events = tmp_path / "events.parquet"
    pl.DataFrame({"user_id": ["u"], "item_id": ["x1"]}).write_parquet(events)
    with pytest.raises(InputError, match="no Parquet file of items"):
        infer(Tabled(Implicit(), bank), Request(events, tmp_path / "none", tmp_path, 1, 10), lambda _: None)
