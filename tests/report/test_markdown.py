"""Sheets as Markdown."""

from userip_lightning.report.markdown import study_markdown
from userip_lightning.report.sheet import Cell, Rows, Sheet
from userip_lightning.reproduce.case_study.sheets import PAPER, Person, person_sheet


def written(sheet: Sheet) -> list[str]:
    return study_markdown("t", [sheet], ["note"]).splitlines()


def test_every_group_has_its_heading_above_its_rows():
    groups = (
        Rows("log / random, hobby", ((Cell("one"), Cell("1")),)),
        Rows("log / cold_users, <hobby|", ((Cell("one"), Cell("2")),)),
    )
    lines = written(Sheet("s", "", ("words", "score"), groups, (), ()))
    table = [line for line in lines if line.startswith("|")]
    assert table[2:] == [
        "| **log / random, hobby** |  |",
        "| one | 1 |",
        "| **log / cold_users, &lt;hobby\\|** |  |",
        "| one | 2 |",
    ]


def test_a_group_without_a_heading_has_no_row_for_it():
    lines = written(Sheet("s", "", ("words", "score"), (Rows("", ((Cell("one"), Cell("1")),)),), (), ()))
    assert [line for line in lines if line.startswith("|")][2:] == ["| one | 1 |"]


def test_words_of_the_paper_stand_below_its_name():
    lines = written(person_sheet("log", [Person("7", {"hobby": ["heat"]}, ["heat"], ["Heat (1995)"])]))
    place = lines.index("| **The paper (Games)** |  |  |  |  |")
    assert lines[place + 1].startswith("| 255 | hobby |")
    assert len(lines[place + 1 :]) > len(PAPER)
    assert lines[place - 1].startswith("| 7 | hobby | heat |")


def test_figures_end_on_the_right_and_sentences_begin_on_the_left():
    row = (
        Cell("one"),
        Cell("1"),
        Cell("A sentence that is longer than one line of a table would ever be."),
        Cell("2"),
    )
    lines = written(Sheet("s", "", ("words", "score", "found", "more"), (Rows("", (row,)),), (), ()))
    assert "| --- | ---: | --- | ---: |" in lines
