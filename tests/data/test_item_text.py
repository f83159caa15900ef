import polars as pl

from userip_lightning.data.item_text import price_levels, with_text


def test_missing_parts_are_left_out() -> None:
    items = pl.DataFrame(
        {
            "title": ["Pen", "Pen", "Pen", None, None],
            "brand": ["Bic", None, None, "Bic", None],
            "price_level": ["budget", "budget", None, None, None],
        },
        schema_overrides={"price_level": pl.String},
    )
    text = with_text(items, ("brand", "price_level"))["text"].to_list()
    assert text == ["Pen (Bic, budget)", "Pen (budget)", "Pen", "Bic", None]


def test_levels_are_terciles_of_the_known_prices() -> None:
    prices = pl.Series("price", [1.0, 2.0, 3.0, 4.0, 5.0, 600.0, None])
    assert price_levels(prices, prices.drop_nulls()).to_list() == [
        *("budget", "budget", "standard", "standard", "premium", "premium"),
        None,
    ]


def test_one_price_is_no_reason_for_a_premium() -> None:
    prices = pl.Series("price", [2.0, 2.0, None])
    assert price_levels(prices, prices.drop_nulls()).to_list() == ["budget", "budget", None]
    assert price_levels(pl.Series("price", [None], dtype=pl.Float64), prices[:0]).to_list() == [None]
