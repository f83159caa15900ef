from pathlib import Path

import pytest

from userip_lightning.data.sources.movielens_1m import MovieLens1M
from userip_lightning.errors import InputError


def release(folder: Path, ratings: str = "1::2::5::978300760\n2::1::3::978302109\n") -> MovieLens1M:
    films = "1::Misérables, Les (1995)::Drama|Musical\n2::Star Wars: Episode IV (1977)::Sci-Fi\n"
    (folder / "ratings.dat").write_text(ratings)
    (folder / "movies.dat").write_bytes(films.encode("latin-1"))
    (folder / "users.dat").write_text("1::F::1::10::48067\n2::M::56::99::70072\n")
    return MovieLens1M(str(folder))


def test_the_three_files(tmp_path: Path) -> None:
    read = release(tmp_path).read()
    assert read.events.rows() == [
        (0, "1", "2", 5.0, 978300760, None),
        (1, "2", "1", 3.0, 978302109, None),
    ]
    assert read.items.rows() == [
        ("1", "Misérables, Les", "1995", "Drama Musical"),
        ("2", "Star Wars: Episode IV", "1977", "Sci-Fi"),
    ]
    assert read.users.rows() == [("1", "under 18", "F", "K-12 student"), ("2", "56+", "M", None)]


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("1::2::5", "row 1 has 3 fields, expected 4"),
        ("1::2::::978300760", "row 1 has an empty rating"),
        ("1::2::6::978300760", "row 1 has rating 6, expected 1 to 5"),
        ("1::9::5::978300760", "item_id '9' is missing from its table"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        release(tmp_path, row + "\n").read()
