import html
import re

import pytest
from rich.console import Console

from userip_lightning.report.comparison import compare
from userip_lightning.report.held_out import HeldOut
from userip_lightning.report.statistics.bootstrap import Interval
from userip_lightning.report.table import STAGE_1, compose, to_html, to_markdown, to_rich

HELD_OUT = HeldOut(
    users=32,
    own=Interval(3.57, 3.4, 3.7),
    other=Interval(3.63, 3.5, 3.8),
    none=Interval(3.75, 3.6, 3.9),
    own_over_other=Interval(0.063, 0.047, 0.079),
    own_over_none=Interval(0.18, 0.15, 0.21),
)


@pytest.fixture
def comparison(write):
    strength = {"none": 0.2, "codes": 1.2, "shuffled": 0.2}
    runs = {name: [write(name, seed, signal) for seed in range(2)] for name, signal in strength.items()}
    return compare(runs, replicates=50)


def test_terminal_markdown_and_page_show_the_same_cells(comparison):
    report = compose(comparison, HELD_OUT, {"svd_kmeans": "no interactions"})
    console = Console(width=200, record=True, file=None, quiet=False)
    with console.capture() as capture:
        console.print(to_rich(report))
    page = re.sub(r"<[^>]*>", "", to_html("demo", report).partition("<body>")[2])
    for shown in (capture.get(), to_markdown(report), html.unescape(page)):
        for table in report.tables:
            assert all(cell in shown for row in table.rows for cell in row)
        assert all(line in shown for line in report.lines)


def test_the_variant_table_holds_the_figures(comparison):
    table = compose(comparison, HELD_OUT, {}).tables[0]
    row = comparison.variants.row(1, named=True)
    assert table.rows[1][:2] == ("codes", f"{row['auc']:.4f} ± {row['auc_std']:.4f}")
    assert table.rows[1][3] == f"{row['calibrated_logloss']:.4f}"
    assert table.rows[0][4] == "–"
    assert "400 rows" in table.title
    assert "2 seeds" in table.title


def test_the_lines_carry_verdict_base_rate_and_stage_1(comparison):
    lines = compose(comparison, HELD_OUT, {}).lines
    assert lines[0] == comparison.verdict
    assert "2 seeds, each with its own codes (stage 2)" in lines[1]
    assert "stage 1 ran with one seed" in lines[1]
    assert f"{comparison.base_rate_logloss:.4f}" in lines[2]
    assert "own z is better than another user's by +0.063 [+0.047, +0.079]" in lines[3]


def test_the_intervals_say_how_many_seeds_of_stage_1_they_cover(comparison):
    assert "stage 1 ran with 2 of them" in compose(comparison, HELD_OUT, {}, profile_seeds=3).lines[1]


def test_what_was_not_run_says_why_and_shows_no_figure(comparison):
    report = compose(comparison, None, {"svd_kmeans": "too few users", STAGE_1: "no text"})
    assert report.tables[0].rows[-1] == (
        "svd kmeans",
        "not run (too few users)",
        *["–"] * 7,
    )
    assert report.lines[-1] == "Stage 1, held-out nats per token: not run (no text)."


def test_nothing_run_is_still_a_report():
    report = compose(None, None, {"codes": "stage quantize was not asked for"})
    assert "| codes | not run (stage quantize was not asked for) |" in to_markdown(report)


def test_markdown_rows_have_as_many_cells_as_their_header(comparison):
    lines = [
        line for line in to_markdown(compose(comparison, HELD_OUT, {})).splitlines() if line.startswith("|")
    ]
    assert {line.count("|") for line in lines} == {10, 6}
