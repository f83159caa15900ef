import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from userip_lightning.data.column_split import ColumnSplit
from userip_lightning.data.labels import RatingThreshold
from userip_lightning.data.preparation import Preparation
from userip_lightning.data.prepared import PreparedData
from userip_lightning.data.sources.nete import Nete
from userip_lightning.errors import InputError

RECORDS = [
    {
        "user": f"u{place % 4}",
        "item": f"i{place % 3}",
        "rating": 1 + place % 5,
        "template": ("room", "clean", f"the room {place} is clean", 1),
        "predicted": "staff",
    }
    for place in range(24)
]
ITEMS = [
    {
        "item": "i0",
        "title": "Film",
        "brand": "Studio",
        "price": "$5",
        "categories": [["Movies & TV", "Drama"]],
    },
    {"item": "i1", "name": "Siam", "categories": "Thai, Food"},
]
SPLITS = {"train": range(16), "validation": range(16, 20), "test": range(20, 24)}


def release(folder: Path, records: Any = RECORDS, splits: dict[str, Any] = SPLITS) -> Path:
    (folder / "2").mkdir(parents=True)
    (folder / "reviews.pickle").write_bytes(pickle.dumps(records))
    (folder / "item.json").write_text(json.dumps(ITEMS))
    for name, rows in splits.items():
        (folder / "2" / f"{name}.index").write_text(" ".join(map(str, rows)))
    return folder


def test_reviews_items_and_splits(tmp_path: Path) -> None:
    read = Nete(str(release(tmp_path / "d")), split=2).read()
    assert read.events.row(17, named=True) == {
        "row_id": 17,
        "user_id": "u1",
        "item_id": "i2",
        "rating": 3.0,
        "timestamp": None,
        "review": "the room 17 is clean",
        "feature": "room",
        "given_split": "val",
    }
    assert read.items["text"].to_list() == ["Film (Studio, Drama, budget)", "Siam (Thai, Food)", None]
    assert "given_split" not in Nete(str(tmp_path / "d")).read().events.columns


def test_items_may_be_lines_or_missing(tmp_path: Path) -> None:
    folder = release(tmp_path / "d")
    listed = Nete(str(folder)).read().items
    (folder / "item.json").write_text("".join(json.dumps(item) + "\n" for item in ITEMS))
    assert Nete(str(folder)).read().items.equals(listed)
    (folder / "item.json").unlink()
    assert Nete(str(folder)).read().items.rows() == [("i0", None), ("i1", None), ("i2", None)]


def test_the_given_split_is_what_the_stages_see(tmp_path: Path) -> None:
    source = Nete(str(release(tmp_path / "d")), split=2)
    preparation = Preparation(source, k_core=1, labels=RatingThreshold(), split=ColumnSplit())
    events = PreparedData.load(preparation.run(tmp_path / "cache", report=lambda _: None)).events
    found = {split[0]: rows["row_id"].to_list() for split, rows in events.group_by("split")}
    assert found == {
        "train": list(SPLITS["train"]),
        "val": list(SPLITS["validation"]),
        "test": list(SPLITS["test"]),
    }


def test_a_row_in_no_split_is_named(tmp_path: Path) -> None:
    source = Nete(str(release(tmp_path / "d", splits=SPLITS | {"test": range(20, 23)})), split=2)
    with pytest.raises(InputError, match="ColumnSplit: row 24 of the source has given_split None, expected"):
        Preparation(source, k_core=1, split=ColumnSplit()).run(tmp_path / "cache")
    with pytest.raises(InputError, match="ColumnSplit: the log has no column 'part', only row_id, user_id"):
        Preparation(source, k_core=1, split=ColumnSplit("part")).run(tmp_path / "cache")


@pytest.mark.parametrize(
    ("test", "complaint"),
    [
        ([20, 99], "there is no review 99, the pickle holds 24"),
        ([-1], "there is no review -1"),
        ([15], "a review is listed twice"),
        ([20, 20], "a review is listed twice"),
        (["x"], "something in it is no whole number"),
        (["9" * 30], "something in it is no whole number"),
    ],
)
def test_a_bad_index_is_refused(tmp_path: Path, test: list[Any], complaint: str) -> None:
    source = Nete(str(release(tmp_path / "d", splits=SPLITS | {"test": test})), split=2)
    with pytest.raises(InputError, match=rf"test\.index: {complaint}"):
        source.read()


@pytest.mark.parametrize(
    ("record", "complaint"),
    [
        ("text", "row 2 is no review with user, item, rating and template"),
        ({"user": ["u"], "item": "i", "rating": 1}, "row 2 is no review"),
        ({"user": "u", "item": "i", "rating": 1, "template": "x"}, "row 2 is no review"),
        ({"user": "u", "item": "i", "rating": 10**5000}, "row 2 is no review"),
        ({"user": "u", "item": "i", "rating": float("inf")}, "row 2 has rating 'inf', expected a number"),
        ({"item": "i", "rating": 1}, "row 2 has an empty user_id"),
        ({"user": float("nan"), "item": "i", "rating": 1}, "row 2 has an empty user_id"),
        ({"user": 1.5, "item": "i", "rating": 1}, "row 2 is no review"),
        ({"user": 2.0**60, "item": "i", "rating": 1}, "row 2 is no review"),
    ],
)
def test_a_bad_record_is_named(tmp_path: Path, record: Any, complaint: str) -> None:
    source = Nete(str(release(tmp_path / "d", [RECORDS[0], record, RECORDS[1]])))
    with pytest.raises(InputError, match=complaint):
        source.read()
    assert source.read(max_bad_rows=1).events["row_id"].to_list() == [0, 2]


def test_what_is_no_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the pickle holds no list of reviews"):
        Nete(str(release(tmp_path / "d", {"user": "u"}))).read()
    with pytest.raises(InputError, match=r"reviews\.pickle: no such file; get the datasets"):
        Nete(str(tmp_path / "none")).read()


def test_an_empty_list_of_items_and_a_key_of_many_digits(tmp_path: Path) -> None:
    folder = release(tmp_path / "d", [RECORDS[0], {"user": [], 10**5000: 1}])
    (folder / "item.json").write_text("[]")
    read = Nete(str(folder)).read(max_bad_rows=1)
    assert read.events["row_id"].to_list() == [0]
    assert read.items["title"].to_list() == [None]
