import re

from userip_lightning.report.drawing import ACCENT, CONTROL, INK, MUTED, REFERENCE, RULE
from userip_lightning.report.page import Panel, Picture, page
from userip_lightning.report.page_style import STYLE
from userip_lightning.report.sheet import Cell, Rows, Sheet

SHEET = Sheet(
    "a <b> block",
    "400 rows",
    ("method", "AUC", ""),
    (Rows("Networks", ((Cell("D&N"), Cell("0.7000 ± 0.0100", 1), Cell("▲")),)),),
    ("No gain.",),
    ("KAR: not run. No model.",),
)


def test_everything_that_is_said_is_on_the_page_and_escaped():
    text = page("Title", [Panel(SHEET, (Picture("caption", "<svg></svg>"),))], ["read me"])
    assert "<h2>a &lt;b&gt; block</h2>" in text
    assert "<td>D&amp;N</td><td><b>0.7000</b><small> ± 0.0100</small></td>" in text
    assert '<td class="up">▲</td>' in text
    for line in ("400 rows", "No gain.", "KAR: not run. No model.", "read me", "<figcaption>caption"):
        assert line in text
    assert "<nav>" not in text
    assert 'href="#s2"' in page("Title", [Panel(SHEET)] * 3, [])


def test_code_usage_shows_bars_and_perplexity():
    text = page("Title", [], [], usage={"hobby": [30, 10, 0], "nobody": [0, 0]})
    assert [float(w) for w in re.findall(r"--width: ([\d.]+)%", text)] == [100, 33.3, 0, 0, 0]
    assert "3 codes, perplexity 1.75" in text  # exp(-(3/4 ln 3/4 + 1/4 ln 1/4))
    assert "<dd>unused</dd>" in text


def test_the_theme_has_every_colour_of_the_figures():
    light = STYLE.split("@media")[0]
    for name, colour in {
        "ink": INK,
        "muted": MUTED,
        "rule": RULE,
        "accent": ACCENT,
        "control": CONTROL,
        "reference": REFERENCE,
    }.items():
        assert f"--{name}: {colour};" in light
