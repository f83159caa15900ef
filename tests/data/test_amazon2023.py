import json
from pathlib import Path

import pytest

from userip_lightning.data.sources.amazon2023 import Amazon2023
from userip_lightning.errors import InputError

REVIEW = {
    "rating": 5.0,
    "title": "Such a lovely scent",
    "text": "Not overpowering.",
    "images": [],
    "asin": "B00",
    "parent_asin": "B01",
    "user_id": "AG",
    "timestamp": 1588687728923,
    "verified_purchase": True,
}
ITEM = {
    "main_category": "All Beauty",
    "title": "Spray",
    "average_rating": 4.8,
    "price": None,
    "store": "Howard",
    "categories": [],
    "parent_asin": "B01",
}


def lines(path: Path, *rows: dict[str, object]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_an_item_is_a_parent_and_time_is_cut_to_seconds(tmp_path: Path) -> None:
    read = Amazon2023(lines(tmp_path / "r.jsonl", REVIEW), lines(tmp_path / "m.jsonl", ITEM)).read()
    assert read.events.rows() == [(0, "AG", "B01", 5.0, 1588687728, "Not overpowering.")]
    assert read.items.rows(named=True) == [
        {
            "item_id": "B01",
            "title": "Spray",
            "brand": "Howard",
            "category": "All Beauty",
            "price_level": None,
            "text": "Spray (Howard, All Beauty)",
        }
    ]


def test_a_bad_time_is_named_as_it_stands(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="row 1 has timestamp 'noon', expected milliseconds since 1970"):
        Amazon2023(lines(tmp_path / "r.jsonl", REVIEW | {"timestamp": "noon"})).read()


def test_reviews_of_another_year_are_found_out(tmp_path: Path) -> None:
    path = lines(tmp_path / "r.jsonl", {"reviewerID": "A", "asin": "B", "overall": 5})
    with pytest.raises(InputError, match=r"none of the first 1 rows has a field 'user_id'; get the reviews"):
        Amazon2023(path).read()
