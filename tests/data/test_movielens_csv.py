from pathlib import Path

import pytest

from userip_lightning.data.sources.movielens_csv import MovieLensCSV
from userip_lightning.errors import InputError


def release(folder: Path, ratings: str = "1,1,4.5,964982703\n1,3,0.5,964981247\n") -> MovieLensCSV:
    (folder / "ratings.csv").write_text("userId,movieId,rating,timestamp\n" + ratings)
    (folder / "movies.csv").write_text(
        'movieId,title,genres\n1,"American President, The (1995)",Comedy|Drama\n'
        '3,"Nine ""Lives"" (2004)",(no genres listed)\n9,Never rated,Drama\n'
    )
    return MovieLensCSV(str(folder))


def test_the_two_files(tmp_path: Path) -> None:
    read = release(tmp_path).read()
    assert read.events.rows() == [(0, "1", "1", 4.5, 964982703, None), (1, "1", "3", 0.5, 964981247, None)]
    assert read.items.rows() == [
        ("1", "American President, The", "1995", "Comedy Drama"),
        ("3", 'Nine "Lives"', "2004", None),
    ]
    assert read.users.rows() == [("1",)]


def test_a_bad_row_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ratings\.csv: row 1 has rating 0, expected 0.5 to 5"):
        release(tmp_path, "1,1,0,964982703\n").read()
    (tmp_path / "movies.csv").write_text("id,title,genres\n1,x,y\n")
    with pytest.raises(InputError, match=r"movies\.csv: column 'movieId' is missing"):
        MovieLensCSV(str(tmp_path)).read()
