import shutil
from pathlib import Path

import pytest

from tests.data.make_tiny import TINY
from userip_lightning.data.sources.movielens import MovieLens100K
from userip_lightning.errors import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY / "ml-100k", tmp_path / "ml-100k"))


def test_both_layouts_read_alike() -> None:
    original, wheel = (MovieLens100K(str(TINY / name)).read() for name in ("ml-100k", "ml-100k-wheel"))
    assert original.events.equals(wheel.events)
    assert original.items.equals(wheel.items)
    assert original.users.equals(wheel.users)
    assert original.events.row(0) == (0, "1", "8", 4.0, 1601255024, None)
    assert original.items.row(0) == ("1", "Sunlit Roses", "1971", "Documentary")
    assert original.users.row(0) == ("1", "18", "F", "student")
    assert original.items.filter(genres="Action Thriller").height == 10


def test_latin_1_years_and_placeholders(folder: Path) -> None:
    flags = "|".join("0" * 19)
    rows = [
        f"1|Misérables, Les (1995)|01-Jan-1995|||{flags}",
        f"2|The Great Giving (1995) (V)|01-Jan-1995|||{flags}",
        f"3|2001: A Space Odyssey (1968)||||{flags}",
        f"4|unknown||||1|{flags[2:]}",
    ]
    (folder / "u.item").write_bytes("\n".join(rows).encode("latin-1"))
    (folder / "u.data").write_text("1\t1\t5\t9\n1\t2\t5\t9\n1\t3\t5\t9\n1\t4\t5\t9\n")
    items = MovieLens100K(str(folder)).read().items
    assert items["title"].to_list() == ["Misérables, Les", "The Great Giving", "2001: A Space Odyssey", None]
    assert items["year"].to_list() == ["1995", "1995", "1968", None]
    assert items["genres"].to_list() == [None] * 4


@pytest.mark.parametrize("name", ["u.data", "u.item", "u.user"])
def test_a_missing_file_says_where_to_get_it(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(InputError, match=rf"{name}: no such file; run `userip assets fetch`.*grouplens"):
        MovieLens100K(str(folder)).read()
    with pytest.raises(InputError, match=rf"{name}: no such file"):
        MovieLens100K(str(folder)).identity()


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("1\t1\t6\t9", "row 1 has rating 6, expected 1 to 5"),
        ("1\t1\tgood\t9", "row 1 has rating 'good', expected a number"),
        ("1\t1\t\t9", "row 1 has an empty rating"),
        ("\t1\t3\t9", "row 1 has an empty user_id"),
        ("1\t1\t3\tnoon", "row 1 has timestamp 'noon', expected seconds since 1970"),
        ("1 1 3 9", "row 1 has 1 fields, expected 4"),
        ("1\t999\t3\t9", "item_id '999' is missing from its table"),
        ("999\t1\t3\t9", "user_id '999' is missing from its table"),
    ],
)
def test_a_bad_row_is_named(folder: Path, row: str, complaint: str) -> None:
    (folder / "u.data").write_text(row + "\n")
    with pytest.raises(InputError, match=complaint):
        MovieLens100K(str(folder)).read()


def test_a_wheel_file_with_other_columns_is_refused(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(TINY / "ml-100k-wheel", tmp_path / "wheel"))
    (folder / "ml-100k.inter").write_text("user_id:token\titem_id:token\n1\t1\n")
    with pytest.raises(InputError, match=r"ml-100k\.inter: column 'rating' is missing"):
        MovieLens100K(str(folder)).read()


def test_identity_follows_contents_not_paths(folder: Path) -> None:
    assert MovieLens100K(str(folder)).identity() == MovieLens100K(str(TINY / "ml-100k")).identity()
    with (folder / "u.data").open("a") as file:
        file.write("1\t1\t5\t9\n")
    assert MovieLens100K(str(folder)).identity() != MovieLens100K(str(TINY / "ml-100k")).identity()
