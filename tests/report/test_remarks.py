"""Rows judged on a part, as they are shown: marked, not ranked, and told in a line below the table."""

import html
import json
from xml.etree import ElementTree

import polars as pl
import pytest

from userip_lightning.report.figures import block_figure, size_figures
from userip_lightning.report.judge import judge_study
from userip_lightning.report.sheet import block_sheet
from userip_lightning.report.study import write_study
from userip_lightning.report.summary import summary_sheet

NOTE = "Trained on 256 rows & <nothing> else"


def judge(entries, root):
    return judge_study([*entries], root, replicates=30).blocks[0]


def shown(sheet):
    """Label to column to cell."""
    rows = [row for group in sheet.groups for row in group.rows]
    return {row[0].text: dict(zip(sheet.header, row, strict=True)) for row in rows}


@pytest.fixture
def block(rella, entries, absent, tmp_path):
    """A block with a part that beats all, and a whole row with a note."""
    noted = entries["PNN"]._replace(note="Half its epochs were run.")
    return judge([*(entries | absent | {"PNN": noted}).values(), rella(4, NOTE)[0]], tmp_path)


def test_a_part_that_beats_all_is_marked_and_not_ranked(block, rella, entries, tmp_path):
    cells = shown(block_sheet(block))
    figures = block.table.drop_nulls("auc")
    assert figures.sort("auc")["method"].to_list()[-2:] == ["UserIP-DCN", "ReLLa"]
    assert figures.sort("logloss")["method"].to_list()[:2] == ["ReLLa", "UserIP-DCN"]
    assert "ReLLa" not in cells
    assert [cells["ReLLa †"][metric].rank for metric in ("AUC", "Logloss")] == [0, 0]
    assert [cells["UserIP-DCN"][metric].rank for metric in ("AUC", "Logloss")] == [1, 1]
    assert cells["ReLLa †"][""].text == ""  # better, but with four seeds
    five = judge([entries["DCN"], rella(5)[0]], tmp_path)
    assert shown(block_sheet(five))["ReLLa †"][""].text == "▲"
    gap = block.table["auc"][-1] - 0.7322
    assert cells["ReLLa †"]["paper AUC (ours −)"].text == f"0.7322 ({gap:+.4f})"


def test_a_line_per_noted_row_has_the_figures_of_the_data(block):
    sheet = block_sheet(block)
    found = block.table.row(-1, named=True)
    assert sheet.remarks == (
        "PNN: Half its epochs were run.",
        f"ReLLa †: {NOTE}. Judged on 150 of 400 rows with 4 of 5 seeds; DCN on the same rows and seeds: "
        f"AUC {found['against_auc']:.4f}, Logloss {found['against_logloss']:.4f}.",
    )
    assert sheet.below == (*sheet.remarks, *sheet.absent)
    assert sheet.caption.startswith("Judged on 400 rows of ")


def test_a_baseline_on_all_rows_names_its_counterpart(entries, write, tmp_path):
    for seed in range(5):
        write("KAR", seed, 0.3)
    kar = entries["PNN"]._replace(
        method="KAR", group="llm", against="DCN", runs=tuple(f"KAR/{s}" for s in range(5))
    )
    assert block_sheet(judge([entries["DCN"], kar], tmp_path)).remarks == ("KAR: Compared with DCN.",)


def test_a_row_that_predicts_worse_than_the_click_rate_says_so(entries, write, tmp_path):
    for seed in range(5):
        write("inverted", seed, -0.5)
    inverted = entries["PNN"]._replace(method="inverted", runs=tuple(f"inverted/{s}" for s in range(5)))
    block = judge([entries["DCN"], inverted], tmp_path)
    rate = block.base_rate_logloss
    assert block.table["logloss"].to_list()[0] < rate < block.table["logloss"].to_list()[1]
    assert block_sheet(block).remarks == (
        f"inverted: Its Logloss before and after calibration ({block.table['logloss'][1]:.4f}, "
        f"{block.table['calibrated_logloss'][1]:.4f}) is above that of the click rate alone ({rate:.4f}).",
    )


def test_a_row_that_is_only_too_sure_of_itself_has_its_calibrated_logloss_beside(entries, write, tmp_path):
    for seed in range(5):
        write("sure", seed, 24.0)
    sure = entries["PNN"]._replace(method="sure", runs=tuple(f"sure/{s}" for s in range(5)))
    block = judge([entries["DCN"], sure], tmp_path)
    rate, raw, calibrated = (
        block.table[column][1] for column in ("base_rate_logloss", "logloss", "calibrated_logloss")
    )
    assert calibrated < rate < raw
    assert block_sheet(block).remarks == (
        f"sure: Its Logloss before calibration ({raw:.4f}, {calibrated:.4f}) is above that of the click rate "
        f"alone ({rate:.4f}).",
    )


def test_a_row_whose_calibrated_logloss_alone_is_above_the_click_rate_says_so(entries, write, log, tmp_path):
    val = pl.col("split") == "val"
    moved = log.with_columns(truth=pl.when(val).then(-pl.col("truth")).otherwise(pl.col("truth") * 0.3))
    for seed in range(5):  # wrong on validation rows, which take its slope away, and right on judged ones
        write("moved", seed, 0.5, rows=moved)
    entry = entries["PNN"]._replace(method="moved", runs=tuple(f"moved/{s}" for s in range(5)))
    block = judge([entries["DCN"], entry], tmp_path)
    raw, calibrated = (f"{block.table[column][1]:.4f}" for column in ("logloss", "calibrated_logloss"))
    assert block_sheet(block).remarks == (
        f"moved: Its Logloss after calibration ({raw}, {calibrated}) is above that of the click rate alone "
        f"({block.base_rate_logloss:.4f}).",
    )


def test_a_row_that_cannot_be_compared_says_so(rella, entries, tmp_path):
    larger = entries["PNN"]._replace(against="ReLLa")
    remarks = block_sheet(judge([entries["DCN"], larger, rella(1)[0]], tmp_path)).remarks
    assert remarks[0] == "PNN: Not compared with ReLLa, which was not judged on all of its rows and seeds."


def test_a_failed_part_has_its_reason_and_no_mark(rella, entries, tmp_path):
    lost = rella(1, NOTE)[0]._replace(failed="the model is not there")
    sheet = block_sheet(judge([entries["DCN"], lost], tmp_path))
    assert (sheet.remarks, sheet.absent) == ((), ("ReLLa: failed. the model is not there.",))
    assert shown(sheet)["ReLLa"]["AUC"].text == "failed"


def test_a_block_of_parts_says_that_each_has_its_own_rows(rella, write, log, tmp_path):
    entry = rella(2)[0]._replace(against=None)
    others = log.filter((pl.col("split") == "val") | (pl.col("row_id") > 600))
    write("PEPLER", 0, 0.6, rows=others)
    pepler = entry._replace(method="PEPLER", runs=("PEPLER/0",), against="ReLLa")
    sheet = block_sheet(judge([entry, pepler], tmp_path))
    tested = others.filter(pl.col("split") == "test").height
    assert sheet.caption == "Judged on parts of the rows or seeds, as said below."
    assert sheet.remarks == (
        "ReLLa †: Judged on 150 rows with 2 seeds.",
        f"PEPLER †: Judged on {tested} rows with 1 seed. "
        "Not compared with ReLLa, which was not judged on all of its rows and seeds.",
    )
    alike = block_sheet(judge([entry, entry._replace(method="ReLLa 2")], tmp_path))
    assert alike.caption.startswith("Judged on 150 rows of ")


def test_a_part_is_the_best_of_nothing(entries, write, log, tmp_path):
    kept = log.filter((pl.col("split") == "val") | (pl.col("row_id") > 600))
    for method in ("great MF", "great DCN"):
        write(method, 0, 3.0, rows=kept)
    mf = entries["biased MF"]._replace(method="great MF", runs=("great MF/0",), part=True)
    dcn = entries["DCN"]._replace(method="great DCN", runs=("great DCN/0",), part=True)
    block = judge([mf, dcn, *entries.values()], tmp_path)
    assert block_sheet(block).verdicts[-1].startswith("The best reference, biased MF at ")
    assert block_sheet(block).verdicts[-1].endswith(" of 2 networks.")
    row = summary_sheet([block]).groups[0].rows[0]
    assert row[-1].text.startswith("biased MF ")
    assert row[-2].text.startswith("PNN ")


def test_a_part_is_drawn_with_its_mark_and_on_no_line_over_sizes(block, entries, write, tmp_path):
    labels = [text.get_text() for text in block_figure(block).axes[0].get_yticklabels()]
    assert "ReLLa †" in labels
    assert len(labels) == block.table["auc"].count()
    for seed in range(5):
        write("sized", seed, 0.9)
    runs = tuple(f"sized/{seed}" for seed in range(5))
    coded = [
        entries["UserIP-DCN"]._replace(method=f"of {size}", sizes={"hobby": size}, runs=runs)
        for size in (3, 9, 27)
    ]
    coded[2] = coded[2]._replace(part=True, runs=runs[:1])
    figures = size_figures(judge([entries["DCN"], *coded], tmp_path))
    assert figures["hobby"].axes[0].lines[0].get_xdata().tolist() == [3, 9]


def test_every_format_carries_the_mark_and_the_line(rella, entries, tmp_path):
    folder = tmp_path / "report"
    part, _ = rella(1, NOTE)
    study = write_study(folder, [*entries.values(), part], root=tmp_path, replicates=30)
    (line,) = block_sheet(study.blocks[0]).remarks
    assert f"- {line.replace('<', '&lt;')}" in (folder / "report.md").read_text()
    assert "| ReLLa † |" in (folder / "report.md").read_text()
    assert f"<li>{html.escape(line)}</li>" in (folder / "report.html").read_text()
    assert "<td>ReLLa †</td>" in (folder / "report.html").read_text()
    latex = (folder / "report.tex").read_text()
    said = line.replace("†", r"\dag{}").replace("&", r"\&").replace("<nothing>", "$<$nothing$>$")
    assert rf"\par\smallskip{{\footnotesize {said}}}" in latex
    assert r"ReLLa \dag{} & " in latex
    assert latex.isascii()
    drawn = ElementTree.parse(folder / "figures" / "games-random-ids.svg").getroot()
    assert "ReLLa †" in " ".join(drawn.itertext())
    row = pl.read_parquet(folder / "results.parquet").row(-1, named=True)
    assert (row["note"], row["part"], row["rows"]) == (NOTE, True, 150)
    assert f"AUC {row['against_auc']:.4f}, Logloss {row['against_logloss']:.4f}." in line
    results = json.loads((folder / "results.json").read_text())["blocks"][0]["table"]
    assert results[-1] == row
    assert (results[0]["note"], results[0]["part"], results[0]["against_auc"]) == (None, False, None)
