import json
import re
import shutil
import subprocess
from xml.etree import ElementTree

import polars as pl
import pytest
from matplotlib.image import imread

from userip_lightning.artifact import read_manifest
from userip_lightning.errors import InputError
from userip_lightning.report.block import SCHEMA
from userip_lightning.report.entries import read_entries
from userip_lightning.report.study import write_study

FILES = {"results.parquet", "results.json", "entries.json", "report.md", "report.tex", "report.html"}


@pytest.fixture
def study(entries, absent, tmp_path):
    everything = [*(entries | absent).values()]
    return write_study(
        tmp_path / "table2", everything, root=tmp_path, title="Table 2", notes=["One bank."], replicates=30
    )


def test_everything_is_written_and_says_the_same(study, entries, absent, tmp_path):
    folder = tmp_path / "table2"
    assert read_manifest(folder, "study").users == study.blocks[0].users
    assert {path.name for path in folder.iterdir()} == {*FILES, "figures", "manifest.json"}
    assert read_entries(folder) == tuple((entries | absent).values())
    table = pl.read_parquet(folder / "results.parquet")
    assert table.equals(study.table)
    assert table.columns == list(SCHEMA)
    results = json.loads((folder / "results.json").read_text())
    assert results["blocks"][0]["table"] == table.to_dicts()
    assert results["blocks"][0]["verdicts"][0]["sentence"] == study.blocks[0].verdicts[0].sentence


def test_markdown_rows_have_as_many_cells_as_their_header(study, tmp_path):
    text = (tmp_path / "table2" / "report.md").read_text()
    widths = [
        {len(re.findall(r"(?<!\\)\|", line)) for line in part.splitlines() if line.startswith("|")}
        for part in text.split("\n## ")
    ]
    assert [sorted(width) for width in widths] == [[], [10], [14], []]
    assert "**One bank.**" not in text
    assert "- One bank." in text
    best = study.table.sort("auc", nulls_last=True, descending=True).row(0, named=True)
    assert f"| {best['method']} | **{best['auc']:.4f} ± {best['auc_std']:.4f}** |" in text
    assert "&lt;0.001" in text


def test_latex_is_balanced_and_leaves_no_special_character_bare(study, tmp_path):
    text = (tmp_path / "table2" / "report.tex").read_text()
    for name in ("table", "tabular"):
        assert text.count(rf"\begin{{{name}}}") == text.count(rf"\end{{{name}}}") == 2
    for part in text.split(r"\begin{table}")[1:]:
        columns = len(re.search(r"\\begin{tabular}{(l?r*)}", part)[1])
        rows = [line for line in part.splitlines() if line.endswith(r"\\") and "multicolumn" not in line]
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {columns}
    assert text.isascii()
    assert not re.search(r"(?<!\\)[%#_](?!$)", text.replace("{!}{%", ""))


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs a LaTeX installation")
def test_latex_compiles_in_a_document_of_its_own(study, tmp_path):
    folder = tmp_path / "table2"
    document = (
        r"\documentclass{article}\usepackage{booktabs,graphicx}\begin{document}\input{report}\end{document}"
    )
    (folder / "main.tex").write_text(document)
    subprocess.run(["pdflatex", "-halt-on-error", "main.tex"], cwd=folder, check=True, timeout=60)


def test_the_same_entries_give_the_same_bytes(study, entries, absent, tmp_path):
    first, second = tmp_path / "table2", tmp_path / "again"
    everything = [*(entries | absent).values()]
    write_study(second, everything, root=tmp_path, title="Table 2", notes=["One bank."], replicates=30)
    names = {path.relative_to(first) for path in first.rglob("*") if path.is_file()}
    assert names == {path.relative_to(second) for path in second.rglob("*") if path.is_file()}
    assert [name for name in names if (first / name).read_bytes() != (second / name).read_bytes()] == []


def test_figures_are_drawings_with_the_methods_names(study, tmp_path):
    stem = tmp_path / "table2" / "figures" / "games-random-ids"
    text = " ".join(ElementTree.parse(stem.with_suffix(".svg")).getroot().itertext())
    assert all(method in text for method in study.table.drop_nulls("auc")["method"])
    assert "KAR" not in text
    assert imread(stem.with_suffix(".png")).std() > 0.05


def test_a_folder_with_something_else_in_it_is_left_alone(entries, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "notes.txt").write_text("keep me")
    with pytest.raises(InputError, match="holds something that is no study"):
        write_study(folder, [*entries.values()], root=tmp_path)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_a_failure_while_writing_keeps_the_report_before(study, entries, tmp_path):
    before = (tmp_path / "table2" / "report.md").read_bytes()
    with pytest.raises(UnicodeEncodeError):  # a lone surrogate cannot be written as UTF-8
        write_study(tmp_path / "table2", [*entries.values()], root=tmp_path, title="\ud800", replicates=10)
    assert (tmp_path / "table2" / "report.md").read_bytes() == before
    assert [path.name for path in tmp_path.glob(".*")] == []
