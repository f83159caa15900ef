"""The example notebook runs from a clean kernel, on the tiny experiment in place of the demo's data."""

import json
import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parent.parent / "docs" / "demo.ipynb"


@pytest.fixture(scope="module")
def executed(catalogue_config: Path, tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    (fitting,) = [cell for cell in notebook.cells if cell.source.startswith("CONFIG, OUTPUT = ")]
    first, *rest = fitting.source.splitlines()
    assert first.split("  #")[0] == 'CONFIG, OUTPUT = "../configs/demo.yaml", "../runs"'
    tiny = str(catalogue_config), str(tmp_path_factory.mktemp("notebook_runs"))
    fitting.source = "\n".join([f"CONFIG, OUTPUT = {tiny!r}", *rest])
    environment = {**os.environ, "PYTHONPATH": str(NOTEBOOK.parent.parent)}
    client = NotebookClient(notebook, timeout=280, resources={"metadata": {"path": str(NOTEBOOK.parent)}})
    return client.execute(env=environment)


def outputs(notebook: nbformat.NotebookNode, start: str) -> str:
    (cell,) = [cell for cell in notebook.cells if cell.source.startswith(start)]
    return json.dumps(cell.outputs)


def test_every_cell_ran_and_none_failed(executed):
    cells = [cell for cell in executed.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not any(output.output_type == "error" for cell in cells for output in cell.outputs)


def test_it_shows_the_table_the_page_and_the_codes(executed):
    assert "count_mixture" in outputs(executed, "print(run.verdict)")
    assert "<iframe title=" in outputs(executed, "told  #")
    assert "log-odds" in outputs(executed, "somebody = ")
    assert "array([[" in outputs(executed, "run.bank.lookup")


def test_the_notebook_is_kept_without_a_machine_s_paths():
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert "/root" not in text
    assert "/home" not in text
    assert "/tmp" not in text
