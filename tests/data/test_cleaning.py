import polars as pl
import pytest

from userip_lightning.data.parsing.cleaning import clean


def cleaned(text: str | None, latin: bool = False) -> str | None:
    value = clean(pl.Series("title", [text], dtype=pl.String), latin)[0]
    assert value is None or isinstance(value, str)
    return value


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Salt &amp; Pepper", "Salt & Pepper"),
        ("Salt &amp;amp; Pepper", "Salt & Pepper"),
        ("Pr45&quot; lace &#39;white&#x27;", "Pr45\" lace 'white'"),
        ("it <br /> is <b class='x'>so</b> good", "it is so good"),
        ("&lt;b&gt;bold&lt;/b&gt;", "bold"),
        ("<script>var a = 1;</script>Hi<style>p {}</style><!-- no -->!", "Hi !"),
        ("I <3 this, 3 < 4 > 2", "I <3 this, 3 < 4 > 2"),
        ("cut <b", "cut <b"),
        ("a\tb\r\nc\u00a0\u200bd  e\u3000", "a b c d e"),
        ("bell\x07, NUL\x00", "bell , NUL"),
        ("&#9999999999; &#x110000000; x", "x"),
        ("AT&T, R&D; &", "AT&T, R&D; &"),
        ("👩‍🍳 naïve Ünïcode", "👩‍🍳 naïve Ünïcode"),
        ("  ", None),
        ("<br>", None),
        ("", None),
        (None, None),
    ],
)
def test_text_is_left_without_markup(raw: str | None, expected: str | None) -> None:
    assert cleaned(raw) == expected


def test_other_scripts_are_set_aside_on_request() -> None:
    assert cleaned("привет мир") == "привет мир"
    assert cleaned("привет мир", latin=True) is None
    assert cleaned("мир means world", latin=True) == "мир means world"
    assert cleaned("12:45 !", latin=True) == "12:45 !"


def test_a_series_keeps_its_name_its_order_and_its_source() -> None:
    raw = pl.Series("title", ["plain", "a &amp; b", None, "<i>x</i>"])
    once = clean(raw)
    assert once.name == "title"
    assert once.to_list() == ["plain", "a & b", None, "x"]
    assert raw.to_list() == ["plain", "a &amp; b", None, "<i>x</i>"]
    assert clean(once).to_list() == once.to_list()
