from pathlib import Path

import polars as pl
import pytest

from userip_lightning.data.parsing.columns import ROW
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.sources.amazon_products import PRODUCT_COLUMNS, shape_products


def shaped(fields: dict[str, str | None], others: int = 0) -> dict[str, str | None]:
    """The columns of one product; ``others`` cost 1 to ``others`` dollars."""
    names = ("item_id", "title", "brand", "price", "department", "categories")
    rows = [
        {"item_id": "i", **fields},
        *({"item_id": f"o{n}", "price": str(n)} for n in range(1, others + 1)),
    ]
    frame = pl.DataFrame(
        [[row.get(name) for name in names] for row in rows],
        schema=dict.fromkeys(names, pl.String),
        orient="row",
    ).insert_column(0, pl.Series(ROW, range(len(rows))))
    with Rejects() as rejects:
        items = pl.concat(shape_products([frame[:1], frame[1:]], Path("meta.json"), rejects))
    assert items.columns == ["item_id", *PRODUCT_COLUMNS]
    return items.row(0, named=True)


def test_a_whole_product() -> None:
    fields = {
        "title": "Classic &quot;Ice&quot; Lotion",
        "brand": "Aqua Velva",
        "price": "$8.99",
        "categories": '["Beauty", "Shave", "After Shave", "100% Cotton"]',
    }
    assert shaped(fields, others=6) == {
        "item_id": "i",
        "title": 'Classic "Ice" Lotion',
        "brand": "Aqua Velva",
        "category": "Shave, After Shave",
        "price_level": "premium",
        "text": 'Classic "Ice" Lotion (Aqua Velva, Shave, After Shave, premium)',
    }


@pytest.mark.parametrize(
    ("price", "level"),
    [
        ("1", "budget"),
        ("$1.00 - $99.00", "budget"),
        ("From 5.50", "standard"),
        ("1,299.00", "premium"),
        (".a-box-inner{background-color:#fff}", None),
        ("0", None),
        ("—", None),
        ("", None),
        (None, None),
    ],
)
def test_prices_as_shops_write_them(price: str | None, level: str | None) -> None:
    assert shaped({"title": "T", "price": price}, others=9)["price_level"] == level


@pytest.mark.parametrize(
    ("categories", "expected"),
    [
        ('[["Toys", "Games", "Cards", "Packs"], ["Other"]]', "Games, Cards"),
        ('["Video Games"]', "Video Games"),
        ('["Shop", "A &amp; B"]', "A & B"),
        ('[1, null, "x", ["y"]]', "x"),
        ("[]", "Shop"),
        ("no JSON", "Shop"),
        (None, "Shop"),
    ],
)
def test_categories_of_every_shape(categories: str | None, expected: str) -> None:
    assert shaped({"department": "Shop", "categories": categories})["category"] == expected


def test_placeholders_are_nothing() -> None:
    fields = {"title": "var aPageStart = (new Date()).getTime();", "brand": "Unknown"}
    assert shaped(fields) == {"item_id": "i", **dict.fromkeys(PRODUCT_COLUMNS)}
    assert shaped({"title": "<b></b>", "brand": "x" * 200})["text"] is None
