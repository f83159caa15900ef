import gzip
from pathlib import Path

import pytest

from userip_lightning.data.sources.amazon2014 import Amazon2014
from userip_lightning.errors import InputError

REVIEWS = """\
{"reviewerID": "A1", "asin": "0001", "helpful": [0, 0], "reviewText": "It&#39;s<br />fine", "overall": 5.0, \
"summary": "good", "unixReviewTime": 1393545600}
{"reviewerID": "A2", "asin": "0001", "overall": "4", "unixReviewTime": 1363392000}
{"reviewerID": "A1", "asin": "0002", "reviewText": "", "overall": 1.0, "unixReviewTime": 0}
"""
METADATA = """\
{'asin': '0001', 'title': "Dr. Seuss' Puzzle", 'price': 37.12, 'related': {'also_bought': ['9']}, 'brand': \
'Dr. Seuss', 'categories': [['Toys', 'Puzzles', 'Jigsaw Puzzles'], ['Books']]}
{'asin': '0003', 'categories': [['Toys']], 'title': 'Never reviewed', 'price': 1.0}
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    reviews, metadata = tmp_path / "reviews.json", tmp_path / "meta.json.gz"
    reviews.write_text(REVIEWS)
    metadata.write_bytes(gzip.compress(METADATA.encode()))
    return reviews, metadata


def test_reviews_and_python_literals(files: tuple[Path, Path]) -> None:
    read = Amazon2014(*map(str, files)).read()
    assert read.events.rows() == [
        (0, "A1", "0001", 5.0, 1393545600, "It's fine"),
        (1, "A2", "0001", 4.0, 1363392000, None),
        (2, "A1", "0002", 1.0, 0, None),
    ]
    assert read.items.rows() == [
        (
            "0001",
            "Dr. Seuss' Puzzle",
            "Dr. Seuss",
            "Puzzles, Jigsaw Puzzles",
            "premium",
            "Dr. Seuss' Puzzle (Dr. Seuss, Puzzles, Jigsaw Puzzles, premium)",
        ),
        ("0002", None, None, None, None, None),
    ]


def test_without_metadata_items_have_no_title(files: tuple[Path, Path]) -> None:
    assert Amazon2014(str(files[0])).read().items.rows() == [("0001", None), ("0002", None)]


def test_swapped_files_are_found_out(files: tuple[Path, Path]) -> None:
    with pytest.raises(InputError, match=r"meta\.json\.gz: row 1 is no JSON"):
        Amazon2014(str(files[1])).read()
    with pytest.raises(
        InputError, match=r"reviews\.json: none of the first 3 rows has a field 'title'; get the"
    ):
        Amazon2014(str(files[0]), str(files[0])).read()


def test_identity_follows_contents_and_settings(files: tuple[Path, Path]) -> None:
    source = Amazon2014(*map(str, files))
    assert source.identity() == Amazon2014(*map(str, files)).identity()
    assert source.identity() != Amazon2014(str(files[0])).identity()
    assert source.identity() != Amazon2014(*map(str, files), latin_only=True).identity()
    with pytest.raises(InputError, match="no such file; get the reviews"):
        Amazon2014(str(files[0]) + "x").identity()
