import json
from pathlib import Path

import pytest

from userip_lightning.data.sources.yelp import Yelp
from userip_lightning.errors import InputError

REVIEWS = [
    {"user_id": "u1", "business_id": "b1", "stars": 5.0, "useful": 1, "date": "2012-01-03 15:28:18",
     "text": "Great.\n\nAgain!"},
    {"user_id": "u2", "business_id": "b2", "stars": 1, "date": "2012-01-03", "text": "No"},
]  # fmt: skip  # a field a line would hide the records
BUSINESSES = [
    {"business_id": "b1", "name": "Siam &amp; Co", "city": "Tampa", "stars": 4.5, "review_count": 9,
     "attributes": {"RestaurantsPriceRange2": "3", "Ambience": "{'casual': True}"},
     "categories": "Thai, Restaurants, Bars, Food"},
    {"business_id": "b2", "name": "Dune", "attributes": None, "categories": None},
]  # fmt: skip  # a field a line would hide the records
USERS = [
    {"user_id": "u1", "name": "Ann", "yelping_since": "2009-05-01 10:00:00", "average_stars": 4.1},
    {"user_id": "u3", "yelping_since": "2011-05-01 10:00:00"},
]


def lines(path: Path, rows: list[dict[str, object]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str, str]:
    tables = {"review.json": REVIEWS, "business.json": BUSINESSES, "user.json": USERS}
    first, second, third = (lines(tmp_path / name, rows) for name, rows in tables.items())
    return first, second, third


def test_the_three_files(files: tuple[str, str, str]) -> None:
    read = Yelp(*files).read()
    assert read.events.rows() == [
        (0, "u1", "b1", 5.0, 1325604498, "Great. Again!"),
        (1, "u2", "b2", 1.0, 1325548800, "No"),
    ]
    assert read.items.rows(named=True) == [
        {
            "item_id": "b1",
            "title": "Siam & Co",
            "category": "Thai, Restaurants, Bars, Food",
            "price_level": "pricey",
            "city": "Tampa",
            "text": "Siam & Co (Thai, Restaurants, Bars, pricey)",
        },
        {
            "item_id": "b2",
            "title": "Dune",
            "category": None,
            "price_level": None,
            "city": None,
            "text": "Dune",
        },
    ]
    assert read.users.rows() == [("u1", "2009"), ("u2", None)]


@pytest.mark.parametrize(
    ("value", "level"),
    [
        ({"RestaurantsPriceRange2": "1"}, "inexpensive"),
        ({"RestaurantsPriceRange2": 4}, "ultra high-end"),
        ({"RestaurantsPriceRange2": "u'2'"}, "moderate"),
        ({"RestaurantsPriceRange2": "None"}, None),
        ({"RestaurantsPriceRange2": "5"}, None),
        ({}, None),
        ("broken", None),
    ],
)
def test_levels_of_every_spelling(tmp_path: Path, value: object, level: str | None) -> None:
    business = lines(tmp_path / "b.json", [BUSINESSES[0] | {"attributes": value}])
    read = Yelp(lines(tmp_path / "r.json", REVIEWS[:1]), business).read()
    assert read.items["price_level"].to_list() == [level]


def test_reviews_alone_are_enough(files: tuple[str, str, str]) -> None:
    read = Yelp(files[0]).read()
    assert read.items.rows() == [("b1", None), ("b2", None)]
    assert read.users.rows() == [("u1",), ("u2",)]


def test_a_bad_date_is_named_as_it_stands(tmp_path: Path) -> None:
    path = lines(tmp_path / "r.json", [REVIEWS[0] | {"date": "2012-13-45"}])
    with pytest.raises(InputError, match="row 1 has timestamp '2012-13-45', expected"):
        Yelp(path).read()


def test_the_wrong_file_is_found_out(files: tuple[str, str, str]) -> None:
    with pytest.raises(InputError, match=r"business\.json: none of the first 2 rows has a field 'user_id'"):
        Yelp(files[1]).read()
    with pytest.raises(InputError, match=r"user\.json: none of the first 2 rows has a field 'business_id'"):
        Yelp(files[0], files[2]).read()
