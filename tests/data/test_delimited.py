from pathlib import Path

import polars as pl
import pytest

from userip_lightning.data.parsing.columns import ROW
from userip_lightning.data.parsing.delimited import read_table, read_typed
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.errors import InputError


def table(folder: Path, content: str | bytes, separator: str = ",", rejects: Rejects | None = None, **given):
    path = folder / "log.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return pl.concat(read_table(path, "fetch it", rejects or Rejects(), separator, **given))


def test_fields_are_strings_and_empty_ones_are_null(tmp_path: Path) -> None:
    frame = table(tmp_path, "a\tb\n1\t2\n3\t\n", "\t")
    assert frame.columns == [ROW, "a", "b"]
    assert frame.rows() == [(0, "1", "2"), (1, "3", None)]


def test_a_header_may_be_missing_and_separators_may_be_long(tmp_path: Path) -> None:
    text = "1::Heat (1995)::Action\n2::Café::Drama\n".encode("latin-1")
    frame = table(tmp_path, text, "::", names=["id", "title", "genres"], encoding="latin-1")
    assert frame.rows() == [(0, "1", "Heat (1995)", "Action"), (1, "2", "Café", "Drama")]


def test_quoted_fields_may_hold_separators_quotes_and_line_breaks(tmp_path: Path) -> None:
    frame = table(tmp_path, 'a,b\n1,"x, ""y""\nz"\n\n2,w\r\n', quoted=True)
    assert frame.rows() == [(0, "1", 'x, "y"\nz'), (2, "2", "w")]


def test_one_stray_quote_costs_one_row(tmp_path: Path) -> None:
    rejects = Rejects(2)
    frame = table(tmp_path, 'a,b\n1,"x\n2,y\n3,"z" w\n4,v\n', rejects=rejects, quoted=True)
    assert frame.rows() == [(1, "2", "y"), (3, "4", "v")]
    assert rejects.count == 2


@pytest.mark.parametrize("quoted", [True, False])
def test_a_ragged_row_is_named_or_left_out(tmp_path: Path, quoted: bool) -> None:
    text = "a,b\n1,2\n3\n4,5,6\n7,8\n"
    with pytest.raises(InputError, match=r"log\.csv: row 2 has 1 fields, expected 2; mend or delete it"):
        table(tmp_path, text, quoted=quoted)
    assert table(tmp_path, text, rejects=Rejects(2), quoted=quoted).rows() == [(0, "1", "2"), (3, "7", "8")]


@pytest.mark.parametrize("quoted", [True, False])
def test_other_bytes_cost_their_row(tmp_path: Path, quoted: bool) -> None:
    rejects = Rejects(2)
    frame = table(tmp_path, b"a,b\n1,caf\xe9\n2,\0\n3,z\n", rejects=rejects, quoted=quoted)
    assert frame.rows() == [(2, "3", "z")]
    assert rejects.count == 2


@pytest.mark.parametrize("quoted", [True, False])
def test_a_header_alone_is_an_empty_table(tmp_path: Path, quoted: bool) -> None:
    frame = table(tmp_path, "a,b", quoted=quoted)
    assert frame.columns == [ROW, "a", "b"]
    assert frame.is_empty()


@pytest.mark.parametrize("quoted", [True, False])
def test_blank_lines_above_the_header_are_passed_over(tmp_path: Path, quoted: bool) -> None:
    assert table(tmp_path, "\n\na,b\n\n1,2\n", quoted=quoted).rows() == [(1, "1", "2")]


def test_a_header_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    for text, quoted in ((b"a,\xe9\n1,2\n", True), (b"a,\xe9\n1,2\n", False), (b'a,"b\n1,2\n', True)):
        with pytest.raises(InputError, match=r"log\.csv: the header is no"):
            table(tmp_path, text, rejects=Rejects(9), quoted=quoted)


@pytest.mark.parametrize("quoted", [True, False])
def test_a_row_of_empty_fields_is_not_blank(tmp_path: Path, quoted: bool) -> None:
    frame = table(tmp_path, "a,b\n1,2\n,\n3,4\n", quoted=quoted)
    assert frame.rows() == [(0, "1", "2"), (1, None, None), (2, "3", "4")]


@pytest.mark.parametrize("quoted", [True, False])
def test_the_name_of_the_place_is_taken(tmp_path: Path, quoted: bool) -> None:
    with pytest.raises(InputError, match=r"log\.csv: the column name '__row' is taken"):
        table(tmp_path, "a,__row\n1,2\n", quoted=quoted)


@pytest.mark.parametrize("quoted", [True, False])
def test_a_column_name_that_comes_twice_is_refused(tmp_path: Path, quoted: bool) -> None:
    with pytest.raises(InputError, match=r"column 'a' comes twice in the header"):
        table(tmp_path, "a,b,a\n1,2,3\n", quoted=quoted)


def test_types_of_an_atomic_file_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "log.inter"
    path.write_text("user_id:token\titem_id:token\nu\ta\n")
    frame = pl.concat(read_typed(path, "fetch it", Rejects(), ["user_id"]))
    assert frame.rows() == [(0, "u", "a")]
    assert frame.columns == [ROW, "user_id", "item_id"]
    with pytest.raises(InputError, match=r"column 'rating' is missing, the file has user_id, item_id"):
        list(read_typed(path, "fetch it", Rejects(), ["rating"]))
