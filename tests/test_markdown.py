"""Anybody's text in Markdown, as a reader of CommonMark with tables sees it."""

import pytest

from userip_lightning.markdown import cell, code, line
from userip_lightning.report.markdown import study_markdown
from userip_lightning.report.sheet import Cell, Rows, Sheet

EVIL = "<script>alert(1)</script> | [x](javascript:alert(1)) ![i](http://t/p.png) **b** `c` &lt;\n# h"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Alien (1979)", "Alien (1979)"),
        ("snake_case", "snake_case"),
        ("_emphasis_ and *more*", "\\_emphasis\\_ and \\*more\\*"),
        ("a|b", "a\\|b"),
        ("a\\|b", "a\\\\\\|b"),
        ("<b>", "&lt;b>"),
        ("&lt;b&#62;", "&amp;lt;b&amp;#62;"),
        ("R&B; rock & roll", "R&amp;B; rock & roll"),
        ("[x](y)", "[x]\\(y)"),
        ("-0.1 [-0.2, +0.3]", "-0.1 [-0.2, +0.3]"),
        ("a\nb\r\nc\u2028d", "a b c d"),
        ("$5 ~~no~~", "\\$5 \\~\\~no\\~\\~"),
    ],
)
def test_a_cell(text: str, shown: str) -> None:
    assert cell(text) == shown


def test_a_sentence_keeps_our_code_and_no_html() -> None:
    assert line("`userip fit` of <img src=x> [a](b)") == "`userip fit` of &lt;img src=x> [a]\\(b)"
    assert code("a`b\nc") == "`a'b c`"


def test_a_report_of_evil_names_has_no_markup_of_theirs() -> None:
    sheet = Sheet(
        EVIL, EVIL, ("method", EVIL), (Rows(EVIL, ((Cell(EVIL), Cell(EVIL, 1)),)),), (EVIL,), (EVIL,)
    )
    text = study_markdown(EVIL, [sheet], [EVIL])
    assert "<script" not in text
    assert "](" not in text
    table = [row for row in text.splitlines() if row.startswith("|")]
    assert all(row.replace("\\|", "").count("|") == 3 for row in table)
    assert len([row for row in text.splitlines() if row.startswith("#")]) == 3
