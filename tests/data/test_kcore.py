import polars as pl

from userip_lightning.data.kcore import k_core


def frame(pairs: str) -> pl.DataFrame:
    return pl.DataFrame([tuple(pair) for pair in pairs.split()], schema=["user_id", "item_id"], orient="row")


#: Dropping item c leaves user w with one event, and dropping w leaves item b with one.
CHAIN = frame("ua ux va vx wb wc vb")


def test_a_single_pass_counts_once() -> None:
    assert k_core(CHAIN, 2, "single_pass").rows() == frame("ua ux va vx wb vb").rows()


def test_the_fixed_point_follows_the_chain() -> None:
    kept = k_core(CHAIN, 2, "fixed_point")
    assert kept.rows() == frame("ua ux va vx").rows()
    for side in ("user_id", "item_id"):
        assert kept[side].value_counts()["count"].min() == 2


def test_nothing_to_drop_and_nothing_left() -> None:
    assert k_core(CHAIN, 1, "fixed_point").equals(CHAIN)
    assert k_core(CHAIN, 3, "fixed_point").is_empty()
