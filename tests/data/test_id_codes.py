import numpy as np
import polars as pl

from userip_lightning.data.id_codes import IdCodes


def test_codes_are_places_in_the_sorted_ids_whatever_the_blocks() -> None:
    rng = np.random.default_rng(0)
    ids = pl.Series([f"é{number}" if number % 3 else f"Z{number}" for number in rng.integers(0, 400, 3000)])
    codes = IdCodes()
    for start in range(0, 3000, 700):
        codes.add(ids[start : start + 700])
    found, names = codes.finish()
    assert names.to_list() == ids.unique().sort().to_list()
    assert names.gather(found).to_list() == ids.to_list()


def test_two_columns_do_not_mix_and_none_is_empty() -> None:
    first, second = IdCodes(), IdCodes()
    first.add(pl.Series(["b", "a"]))
    second.add(pl.Series(["c"]))
    first.add(pl.Series(["c"]))
    assert [side.finish()[0].tolist() for side in (first, second)] == [[1, 0, 2], [0]]
    codes, names = IdCodes().finish()
    assert codes.size == names.len() == 0
