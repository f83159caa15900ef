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
from userip_lightning.report.row import SCHEMA
from userip_lightning.report.study import write_study

FILES = {"results.parquet", "results.json", "entries.json", "report.md", "report.tex", "report.html"}


def write(folder, entries, root):
    return write_study(folder, entries, root=root, title="Table 2", notes=["One bank."], replicates=30)


@pytest.fixture(scope="module")
def everything(small_study, absent):
    return [*(small_study | absent).values()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("reports") / "table2"


@pytest.fixture(scope="module")
def study(everything, runs_root, folder):
    return write(folder, everything, runs_root)


def test_everything_is_written_and_says_the_same(study, everything, folder):
    assert read_manifest(folder, "study").users == study.blocks[0].users
    assert {path.name for path in folder.iterdir()} == {*FILES, "figures", "manifest.json"}
    records = json.loads((folder / "entries.json").read_text())
    assert [record["method"] for record in records] == [entry.method for entry in everything]
    assert [record["runs"] for record in records] == [list(entry.runs) for entry in everything]
    table = pl.read_parquet(folder / "results.parquet")
    assert table.equals(study.table)
    assert table.columns == list(SCHEMA)
    results = json.loads((folder / "results.json").read_text())
    assert results["blocks"][0]["table"] == table.to_dicts()
    assert results["blocks"][0]["verdicts"][0]["sentence"] == study.blocks[0].verdicts[0].sentence
    assert results["blocks"][0]["over_best"]["baseline"] == study.blocks[0].over_best.baseline


def test_markdown_rows_have_as_many_cells_as_their_header(study, folder):
    text = (folder / "report.md").read_text()
    widths = [
        {len(re.findall(r"(?<!\\)\|", line)) for line in part.splitlines() if line.startswith("|")}
        for part in text.split("\n## ")
    ]
    assert [sorted(width) for width in widths] == [[], [10], [15], []]
    assert "**One bank.**" not in text
    assert "- One bank." in text
    best = study.table.sort("auc", nulls_last=True, descending=True).row(0, named=True)
    assert f"| {best['method']} | **{best['auc']:.4f} ± {best['auc_std']:.4f}** |" in text
    assert "&lt;0.001" in text


def test_latex_is_balanced_and_leaves_no_special_character_bare(study, folder):
    text = (folder / "report.tex").read_text()
    for name in ("table", "tabular"):
        assert text.count(rf"\begin{{{name}}}") == text.count(rf"\end{{{name}}}") == 2
    for part in text.split(r"\begin{table}")[1:]:
        columns = len(re.search(r"\\begin{tabular}{(l?r*)}", part)[1])
        rows = [line for line in part.splitlines() if line.endswith(r"\\") and "multicolumn" not in line]
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {columns}
    assert "KAR, PEPLER: not run. needs Llama-2-7B." in text
    assert r"\paragraph{How to read the tables.} One bank." in text
    assert text.isascii()
    assert not re.search(r"(?<!\\)[%#_](?!$)", text.replace("{!}{%", ""))


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs a LaTeX installation")
def test_latex_compiles_in_a_document_of_its_own(study, folder, tmp_path):
    document = (
        r"\documentclass{article}\usepackage{booktabs,graphicx}\begin{document}\input{report}\end{document}"
    )
    shutil.copy(folder / "report.tex", tmp_path)
    (tmp_path / "main.tex").write_text(document)
    subprocess.run(["pdflatex", "-halt-on-error", "main.tex"], cwd=tmp_path, check=True, timeout=60)


def test_the_same_entries_give_the_same_bytes(study, everything, folder, runs_root, tmp_path):
    first, second = folder, tmp_path / "again"
    write(second, everything, runs_root)
    names = {path.relative_to(first) for path in first.rglob("*") if path.is_file()}
    assert names == {path.relative_to(second) for path in second.rglob("*") if path.is_file()}
    assert [name for name in names if (first / name).read_bytes() != (second / name).read_bytes()] == []


def test_figures_are_drawings_with_the_methods_names(study, folder):
    stem = folder / "figures" / "games-random-ids"
    text = " ".join(ElementTree.parse(stem.with_suffix(".svg")).getroot().itertext())
    assert all(method in text for method in study.table.drop_nulls("auc")["method"])
    assert "KAR" not in text
    assert imread(stem.with_suffix(".png")).std() > 0.05


def test_a_place_with_something_else_in_it_is_left_alone(everything, runs_root, tmp_path):
    notes, other = tmp_path / "notes", tmp_path / "other"
    notes.mkdir()
    (notes / "notes.txt").write_text("keep me")
    shutil.copytree(runs_root / "DCN" / "0", other)  # an artifact of another kind
    for place in (notes, notes / "notes.txt", other):
        with pytest.raises(InputError, match="holds something that is no study"):
            write(place, everything, runs_root)
    assert (notes / "notes.txt").read_text() == "keep me"
    assert (other / "predictions.parquet").is_file()


def test_an_empty_folder_and_an_edited_study_are_replaced(everything, runs_root, tmp_path):
    for _ in range(2):
        write(tmp_path, everything[:1], runs_root)
        assert "biased MF" in (tmp_path / "report.md").read_text()
        (tmp_path / "report.md").write_text("edited")


def test_a_failure_while_writing_keeps_the_report_before(study, everything, folder, runs_root):
    before = (folder / "report.md").read_bytes()
    with pytest.raises(UnicodeEncodeError):  # a lone surrogate cannot be written as UTF-8
        write_study(folder, everything, root=runs_root, title="\ud800", replicates=10)
    assert (folder / "report.md").read_bytes() == before
    assert [path.name for path in folder.parent.iterdir()] == ["table2"]
