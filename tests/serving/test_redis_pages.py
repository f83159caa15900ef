import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.serving.banks import ODD
from userip_lightning.serving.redis_store.pages import find, numbers, page_of, read_page, write_pages

ids = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), unique=True, max_size=60)


@given(ids, ids)
def test_every_user_is_found_with_his_codes_and_nobody_else(users: list[str], strangers: list[str]) -> None:
    frame = pl.DataFrame({"user_id": pl.Series(users, dtype=pl.String), "hobby": range(len(users))})
    pages = [text.encode() for text in write_pages(frame)]
    for code, user in enumerate(users):
        assert find(pages[page_of(user, len(pages))], user) == str(code).encode()
    for stranger in set(strangers) - set(users):
        assert find(pages[page_of(stranger, len(pages))], stranger) is None
    found = {user: codes for page in pages for user, codes in read_page(page, 1).items()}
    assert found == {user: [code] for code, user in enumerate(users)}


def test_a_page_is_json_that_any_language_reads() -> None:
    frame = pl.DataFrame({"user_id": ODD, "a": range(len(ODD)), "b": 7})
    (page,) = write_pages(frame)
    assert json.loads(page) == {user: [code, 7] for code, user in enumerate(ODD)}


def test_ids_made_to_look_like_an_entry_are_strangers() -> None:
    (page,) = write_pages(pl.DataFrame({"user_id": ["foo,", ":[9],", "x"], "a": [1, 2, 3]}))
    for made in (":[1],", '":[1],', 'o,":[1],\n"x', 'foo,":[1],\n"x', "oo,", ""):
        assert find(page.encode(), made) is None
    assert find(page.encode(), ":[9],") == b"2"


def test_an_id_that_is_no_text_is_nobody() -> None:
    (page,) = write_pages(pl.DataFrame({"user_id": ["a"], "a": [1]}))
    assert find(page.encode(), "\udcff") is None
    assert page_of("\udcff", 1) == 0


def test_an_empty_bank_has_a_page_and_a_bank_without_profiles_has_users() -> None:
    assert write_pages(pl.DataFrame({"user_id": pl.Series([], dtype=pl.String)})) == ["{\n}"]
    (page,) = write_pages(pl.DataFrame({"user_id": ["u"]}))
    assert read_page(page.encode(), 0) == {"u": []}


@pytest.mark.parametrize(("codes", "profiles"), [([], 2), ([b"", b""], 0)])
def test_numbers_of_nothing_have_their_shape(codes: list[bytes], profiles: int) -> None:
    assert numbers(codes, profiles).shape == (len(codes), profiles)


def test_numbers_are_rows() -> None:
    assert np.array_equal(numbers([b"1,22", b"3,4"], 2), [[1, 22], [3, 4]])
