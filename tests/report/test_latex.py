import re

from userip_lightning.report.latex import study_latex
from userip_lightning.report.sheet import Cell, Rows, Sheet

HOSTILE = r"\input{/etc/passwd} & 100 % of $x_1^2$ ~ #1 {"


def written(text):
    sheet = Sheet(text, text, (text, "AUC"), (Rows(text, ((Cell(text), Cell("0.7", 1)),)),), (text,), (text,))
    return study_latex([sheet], [text])


def test_names_run_no_command_and_end_no_cell():
    text = written(HOSTILE)
    escaped = (
        r"\textbackslash{}input\{/etc/passwd\} \& 100 \% of \$x\_1\textasciicircum{}2\$ "
        r"\textasciitilde{} \#1 \{"
    )
    assert text.count(escaped) == 8  # title, caption, verdict, header, group, cell, below, notes
    assert r"\input" not in text


def test_a_row_that_begins_with_a_bracket_or_a_star_is_no_argument_of_what_stands_before():
    for mark in "[*":
        rows = [line for line in written(f"{mark}2pt] name").splitlines() if line.endswith(r"0.7} \\")]
        assert rows == [rf"{{}}{mark}2pt] name & \textbf{{0.7}} \\"]


def test_lines_and_control_characters_of_a_name_become_spaces():
    text = written("two\n\nlines\x00\x07\ttab")
    assert "two lines tab" in text
    assert "\n\n" not in text.split(r"\end{table}")[0]
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", text)
