"""What a table of items or users lacks: the cause comes first, settings say what becomes of the events."""

import json
from pathlib import Path

import pytest

from userip_lightning.data.preparation import Preparation
from userip_lightning.data.sources.histories import Histories
from userip_lightning.data.sources.tabular import Tabular
from userip_lightning.data.statistics import STATS
from userip_lightning.data.tools.card import CARD
from userip_lightning.data.tools.validation import validate
from userip_lightning.errors import InputError

LOG = "user_id,item_id,rating\n" + "".join(
    f"u{u},i{i},{(7 * u + 3 * i) % 5 + 1}\n" for u in range(30) for i in range(8) if (u + i) % 3
)
ITEMS = "item_id,title\n" + "".join(f"i{i},Thing {i}\n" for i in range(8))


def source(folder: Path, items: str = ITEMS, **settings: str) -> Tabular:
    (folder / "log.csv").write_text(LOG)
    (folder / "items.csv").write_text(items)
    return Tabular(str(folder / "log.csv"), items_path=str(folder / "items.csv"), **settings)


def test_the_row_that_cannot_be_read_is_told_and_not_its_consequence(tmp_path: Path) -> None:
    broken = ITEMS.replace("i3,Thing 3", "i3,Thing 3,more")
    with pytest.raises(InputError, match=r"items\.csv: row 4 has 3 fields, expected 2"):
        source(tmp_path, broken).read()
    read = source(tmp_path, broken).read(max_bad_rows=1)
    assert dict(read.items.rows())["i3"] is None
    assert read.items.height == 8


def test_more_missing_than_unusable_is_refused_with_both(tmp_path: Path) -> None:
    broken = ITEMS.replace("i3,Thing 3", "i3,Thing 3,more").replace("i5,Thing 5\n", "")
    with pytest.raises(
        InputError,
        match=r"items\.csv: 1 rows cannot be used, the first: row 4 has 3 fields, expected 2\. .*log\.csv: "
        r"item_id 'i3' is missing from its table .*items\.csv \(and so are 1 more\); add the rows, or set "
        r"missing_items to no_text",
    ):
        source(tmp_path, broken).read(max_bad_rows=5)


def test_items_without_a_row_are_kept_or_dropped_and_counted(tmp_path: Path) -> None:
    few = "".join(ITEMS.splitlines(keepends=True)[:7])  # without i6 and i7
    whole = source(tmp_path).read().events.height
    kept = source(tmp_path, few, missing_items="no_text").read()
    assert kept.events.height == whole
    assert dict(kept.items.rows())["i7"] is None
    dropped = source(tmp_path, few, missing_items="drop").read()
    assert set(dropped.events["item_id"]) == {f"i{n}" for n in range(6)}
    assert dropped.events.height == kept.events.filter(~kept.events["item_id"].is_in(["i6", "i7"])).height


@pytest.mark.parametrize(("choice", "interactions"), [("no_text", 160), ("drop", 120)])
def test_statistics_and_card_tell_what_became_of_them(tmp_path: Path, choice: str, interactions: int) -> None:
    few = "".join(ITEMS.splitlines(keepends=True)[:7])
    log = source(tmp_path, few, missing_items=choice)
    folder = Preparation(log, k_core=1).run(tmp_path / "cache")
    stats = json.loads((folder / STATS).read_text())
    assert stats["missing_rows"] == {"items": 2, "users": 0}
    assert stats["interactions"] == interactions
    assert ("with a row in every table" in [step["step"] for step in stats["steps"]]) == (choice == "drop")
    assert "Ids of items without a row in their table: 2" in (folder / CARD).read_text()


def test_users_have_the_same_setting(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("user_id,age\nu0,7\n")
    log = source(tmp_path)
    given = {"items_path": str(log.items_path), "users_path": str(tmp_path / "users.csv")}
    with pytest.raises(InputError, match=r"user_id 'u1' is missing from its table .* set missing_users to"):
        Tabular(str(log.path), **given).read()
    assert set(Tabular(str(log.path), missing_users="drop", **given).read().events["user_id"]) == {"u0"}


def test_validation_lists_rows_and_tables_at_once(tmp_path: Path) -> None:
    broken = (
        ITEMS.replace("i3,Thing 3", "i3,Thing 3,more").replace("i5,Thing 5\n", "") + "i0,Other\ni1,Other\n"
    )
    log = source(tmp_path, broken)
    (tmp_path / "log.csv").write_text(LOG + "u9,,3\n,i1,3\n,i2,3\n")
    found = validate(Preparation(log), tmp_path)
    text = "\n".join(found.lines)
    assert "4 rows cannot be used\n  items.csv: row 4 has 3 fields, expected 2\n" in text
    assert "log.csv: row 161 has an empty item_id" in text
    assert "log.csv: row 162 has an empty user_id; 2 such rows, also 163" in text
    assert "item_id 'i3' is missing from its table" in text
    assert "item_id 'i0' comes twice with different contents" in text
    assert (found.bad_rows, found.faults) == (4, 2)


def test_the_two_files_may_call_an_id_differently(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("reviewerID,asin\nu,a\nv,b\n")
    (tmp_path / "items.csv").write_text("product_id,asin,name\na,x,Roses\nb,y,Hedge\n")
    (tmp_path / "users.csv").write_text("id,age\nu,7\nv,8\n")
    given = {
        "columns": {"user_id": "reviewerID", "item_id": "asin"},
        "items_path": str(tmp_path / "items.csv"),
        "users_path": str(tmp_path / "users.csv"),
    }
    names = {"items_columns": {"item_id": "product_id", "title": "name"}, "users_columns": {"user_id": "id"}}
    read = Tabular(str(tmp_path / "log.csv"), **given, **names).read()
    assert read.items.rows() == [("a", "x", "Roses"), ("b", "y", "Hedge")]
    assert read.users.rows() == [("u", "7"), ("v", "8")]
    wrong = {**names, "items_columns": {"item_id": "product_id", "title": "name", "brand": "maker"}}
    with pytest.raises(
        InputError, match=r"items\.csv: items_columns maps 'brand' to 'maker', which no file has"
    ):
        Tabular(str(tmp_path / "log.csv"), **given, **wrong).read()
    with pytest.raises(InputError, match="set users_path"):
        Tabular(str(tmp_path / "log.csv"), users_columns={"user_id": "id"})


def test_histories_have_the_setting_for_items(tmp_path: Path) -> None:
    (tmp_path / "log.tsv").write_text("user_id:token\titem_id_list:token_seq\titem_id:token\nu\t1 9\t2\n")
    (tmp_path / "items.tsv").write_text("item_id:token\ttitle:token_seq\n1\tRoses\n2\tHedge\n")
    paths = str(tmp_path / "log.tsv"), str(tmp_path / "items.tsv")
    with pytest.raises(InputError, match=r"item_id '9' is missing from its table .* set missing_items"):
        Histories(*paths).read()
    assert Histories(*paths, missing_items="drop").read().events["item_id"].to_list() == ["1", "2"]
