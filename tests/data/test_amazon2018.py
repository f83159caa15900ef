import gzip
import json
from pathlib import Path

import pytest

from userip_lightning.data.sources.amazon2018 import Amazon2018
from userip_lightning.errors import InputError

REVIEWS = [
    {
        "reviewerID": "A1",
        "asin": "B1",
        "overall": 5.0,
        "unixReviewTime": 1472688000,
        "reviewText": "As said.",
    },
    {"reviewerID": "A2", "asin": "B1", "overall": 1.0, "unixReviewTime": 1384387200},
    {"reviewerID": "A1", "asin": "B2", "overall": 3.0, "unixReviewTime": 1376784000, "reviewText": "Да, да"},
]
STYLES = [None, {"Size:": " 7.0 oz", "Flavor:": " Classic Ice Blue"}, {"Color:": " Red"}]
PRODUCTS = [
    {
        "asin": "B1",
        "title": "Lotion",
        "category": [],
        "main_cat": "All Beauty",
        "brand": "",
        "price": "$5.99",
    },
    {"asin": "B1", "title": "Lotion, again", "category": [], "main_cat": "All Beauty"},
]


def lines(path: Path, rows: list[dict[str, object]]) -> str:
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    return str(path)


def styled() -> list[dict[str, object]]:
    return [row | ({"style": style} if style else {}) for row, style in zip(REVIEWS, STYLES, strict=True)]


def test_metadata_tells_the_item(tmp_path: Path) -> None:
    source = Amazon2018(lines(tmp_path / "r.json.gz", styled()), lines(tmp_path / "m.json.gz", PRODUCTS))
    read = source.read()
    assert read.events.columns == ["row_id", "user_id", "item_id", "rating", "timestamp", "review"]
    assert read.events["review"].to_list() == ["As said.", None, "Да, да"]
    assert read.items.rows(named=True)[0] == {
        "item_id": "B1",
        "title": "Lotion",
        "brand": None,
        "category": "All Beauty",
        "price_level": "budget",
        "text": "Lotion (All Beauty, budget)",
    }


def test_without_metadata_the_first_style_does(tmp_path: Path) -> None:
    items = Amazon2018(lines(tmp_path / "r.json.gz", styled())).read().items
    assert items.rows() == [
        ("B1", None, "Size: 7.0 oz, Flavor: Classic Ice Blue"),
        ("B2", None, "Color: Red"),
    ]


def test_other_scripts_may_stay_out(tmp_path: Path) -> None:
    read = Amazon2018(lines(tmp_path / "r.json.gz", styled()), latin_only=True).read()
    assert read.events["review"].to_list() == ["As said.", None, None]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"overall": 6}, "row 2 has rating 6, expected 1 to 5"),
        ({"overall": "good"}, "row 2 has rating 'good', expected a number"),
        ({"overall": [5]}, "row 2 has a list as overall, expected one value"),
        ({"reviewerID": ""}, "row 2 has an empty user_id"),
        ({"reviewerID": None}, "row 2 has an empty user_id"),
        ({"unixReviewTime": -5}, "row 2 has timestamp '-5', expected seconds since 1970"),
        (
            {"unixReviewTime": 1472688000000},
            "row 2 has timestamp '1472688000000', which looks like milliseconds",
        ),
        ({"reviewText": "a\x00b"}, "row 2 has a NUL character in review"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, change: dict[str, object], complaint: str) -> None:
    rows = [REVIEWS[0], REVIEWS[1] | change, REVIEWS[2]]
    source = Amazon2018(lines(tmp_path / "r.json.gz", rows))
    with pytest.raises(InputError, match=complaint):
        source.read()
    assert source.read(max_bad_rows=1).events["row_id"].to_list() == [0, 2]


def test_a_truncated_archive_is_refused_whatever_is_allowed(tmp_path: Path) -> None:
    path = Path(lines(tmp_path / "r.json.gz", REVIEWS * 100))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(
        InputError, match=r"r\.json\.gz: the gzip file is truncated or damaged after line \d+"
    ):
        Amazon2018(str(path)).read(max_bad_rows=1000)
