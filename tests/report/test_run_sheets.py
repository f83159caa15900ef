import html
import re

import pytest

from userip_lightning.cli.shown import show_report
from userip_lightning.report.comparison import compare
from userip_lightning.report.held_out import HeldOut
from userip_lightning.report.legend import RUN_LEGEND
from userip_lightning.report.markdown import sheets_markdown
from userip_lightning.report.page import Panel, page
from userip_lightning.report.run_sheets import STAGE_1, Unknown, compose
from userip_lightning.report.statistics.bootstrap import Interval

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


def rows(sheet):
    """Text of every cell."""
    return [[cell.text for cell in row] for group in sheet.groups for row in group.rows]


def test_terminal_markdown_and_page_show_the_same_cells(comparison, capsys):
    sheets = compose(comparison, HELD_OUT, {"svd_kmeans": "no interactions"})
    show_report(sheets)
    drawn = page("demo", [Panel(sheet) for sheet in sheets], ()).partition("<body>")[2]
    shown = (
        capsys.readouterr().out,
        sheets_markdown("demo", sheets),
        html.unescape(re.sub(r"<[^>]*>", "", drawn)),
    )
    for text in shown:
        for sheet in sheets:
            assert all(cell in text for row in rows(sheet) for cell in row)
            assert all(line in text for line in (*sheet.verdicts, *sheet.below))


def test_every_column_that_is_no_word_is_explained_and_so_is_every_control(comparison):
    told = " ".join(RUN_LEGEND)
    for word in ("AUC impr.", "Logloss impr.", "Norm. entropy", "ECE", "Holm", "svd kmeans", "count mixture"):
        assert word in told


def test_the_variant_table_holds_the_figures(comparison):
    sheet = compose(comparison, HELD_OUT, {})[0]
    row = comparison.variants.row(1, named=True)
    assert rows(sheet)[1][:2] == ["codes", f"{row['auc']:.4f} ± {row['auc_std']:.4f}"]
    assert rows(sheet)[1][3] == f"{row['calibrated_logloss']:.4f} ± {row['calibrated_logloss_std']:.4f}"
    assert rows(sheet)[0][4] == "–"
    assert "400 rows" in sheet.title
    assert "2 seeds" in sheet.title


def test_the_contrasts_hold_every_difference(comparison):
    sheet = compose(comparison, HELD_OUT, {})[1]
    found = comparison.contrasts.row(0, named=True)
    shown = dict(zip(sheet.header, rows(sheet)[0], strict=True))
    for column, metric in (
        ("ΔAUC [95 %]", "auc"),
        ("ΔLogloss [95 %]", "logloss"),
        ("ΔLogloss, calibrated [95 %]", "calibrated_logloss"),
    ):
        values = [found[f"delta_{metric}{end}"] for end in ("", "_low", "_high")]
        assert shown[column] == "{:+.4f} [{:+.4f}, {:+.4f}]".format(*values)


def test_the_lines_carry_verdict_base_rate_and_stage_1(comparison):
    sheet = compose(comparison, HELD_OUT, {})[0]
    lines = sheet.verdicts + sheet.below
    assert lines[0] == comparison.verdict
    assert "2 seeds, each with its own codes (stage 2)" in lines[1]
    assert "stage 1 ran with one seed" in lines[1]
    assert f"{comparison.base_rate_logloss:.4f}" in lines[2]
    assert "own z is better than another user's by +0.063 [+0.047, +0.079]" in lines[3]


def test_the_intervals_say_how_many_seeds_of_stage_1_they_cover(comparison):
    assert "stage 1 ran with 2 of them" in compose(comparison, HELD_OUT, {}, profile_seeds=3)[0].below[0]


def test_judged_users_of_whom_nothing_is_known_are_counted_where_there_are_any(comparison):
    (line,) = (line for line in compose(comparison, None, {}, Unknown(7, 30))[0].below if "no event" in line)
    assert line.startswith(f"7 of the {comparison.users} judged users have no event to learn from")
    assert "Their 30 of 400 rows" in line
    assert not any("no event" in line for line in compose(comparison, None, {}, Unknown(0, 0))[0].below)


def test_what_was_not_run_says_why_and_shows_no_figure(comparison):
    sheet = compose(comparison, None, {"svd_kmeans": "too few users", STAGE_1: "no text"})[0]
    assert rows(sheet)[-1] == ["svd kmeans", "not run (too few users)", *["–"] * 7]
    assert sheet.below[-1] == "Stage 1, held-out nats per token: not run (no text)."


def test_nothing_run_is_still_a_report():
    sheets = compose(None, None, {"codes": "stage quantize was not asked for"})
    assert "| codes | not run (stage quantize was not asked for) |" in sheets_markdown("demo", sheets)


def test_markdown_rows_have_as_many_cells_as_their_header(comparison):
    text = sheets_markdown("demo", compose(comparison, HELD_OUT, {}))
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in lines} == {10, 6}
