"""Every table in one run: one page above them, and a table that fails stops none of the others."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.cli.refusal import refused
from userip_lightning.cli import main
from userip_lightning.errors import InputError
from userip_lightning.report.findings import CLAIMS
from userip_lightning.reproduce import every_table
from userip_lightning.reproduce.every_table import names
from userip_lightning.reproduce.tables_without_rows import SPECIAL

#: Folders of reports, which are written anew.
PLACES = ("table", "fig", "all")


@pytest.fixture(scope="module")
def words(study_words, settings, tmp_path_factory):
    """The words of `reproduce all` over one block and one seed."""
    file = tmp_path_factory.mktemp("all") / "tiny.yaml"
    text = "userip_lightning.texts.source.BagOfWords"
    section = {"model": {"starts": 1}, "data": {"text": text}}
    file.write_text(json.dumps({**settings, "catalogue": section, "ctr": {"trainer": {"max_epochs": 1}}}))

    def made(output: Path, *more: str, **changes: object) -> list[str]:
        block = ["--splits", "random", "--fields", "[ids]", "--seeds", "[0]"]
        return study_words("all", output, *block, *more, **{"dataset_files": {"tiny": str(file)}, **changes})

    return made


@pytest.fixture(scope="module")
def everything(words, tmp_path_factory):
    """Output folder after `reproduce all`, in which something stood where table 4 belongs."""
    output = tmp_path_factory.mktemp("everything")
    (output / "study" / "table4").mkdir(parents=True)
    (output / "study" / "table4" / "mine.txt").write_text("not a report")
    assert main(words(output)) == 2
    return output


def artifacts(output: Path) -> dict[str, int]:
    """Every run's manifest, and when it was written."""
    files = (output / "study").glob("*/**/manifest.json")
    runs = [file for file in files if not file.relative_to(output / "study").parts[0].startswith(PLACES)]
    return {str(file.relative_to(output)): file.stat().st_mtime_ns for file in runs}


def overview(output: Path) -> dict:
    return json.loads((output / "study" / "all" / "results.json").read_text())


def test_every_table_is_made_but_the_one_that_cannot_be(everything):
    parts = {part["name"]: part for part in overview(everything)["tables"]}
    assert list(parts) == names()
    assert overview(everything)["waiting"] == []
    broken = parts.pop("table4")
    assert "holds something that is no study" in broken["broken"]
    assert (everything / "study" / "table4" / "mine.txt").read_text() == "not a report"
    for name, part in parts.items():
        assert part["broken"] is None
        assert part["not_run"] is None
        assert part["found"].endswith(".")
        assert part["paper"] == CLAIMS[name].finding
        assert part["seconds"] > 0
        assert (everything / "study" / name / "report.html").is_file()


def test_the_page_leads_to_every_report_that_there_is(everything):
    folder = everything / "study" / "all"
    page = (folder / "report.html").read_text()
    links = re.findall(r'<a href="(\.\.[^"]+)"', page)
    assert links == [f"../{name}/report.html" for name in names() if name != "table4"]
    assert all((folder / link).is_file() for link in links)
    markdown = (folder / "report.md").read_text()
    assert "[table2](../table2/report.html)" in markdown
    for part in overview(everything)["tables"]:
        assert (part["found"] or part["broken"]).replace("<", "&lt;") in markdown


def test_the_same_command_again_keeps_all_and_makes_what_was_missing(everything, words, tmp_path, capsys):
    shutil.copytree(everything, tmp_path / "again")
    (tmp_path / "again" / "study" / "table4" / "mine.txt").unlink()
    assert len(artifacts(everything)) > 10
    capsys.readouterr()
    assert main(words(tmp_path / "again")) == 0
    assert f"table1, 1 of {len(names())} tables and figures" in capsys.readouterr().err
    assert artifacts(tmp_path / "again") == artifacts(everything)
    before, after = overview(everything)["tables"], overview(tmp_path / "again")["tables"]
    assert all(new["seconds"] > old["seconds"] for old, new in zip(before, after, strict=True))
    assert [part["name"] for part in after if part["broken"]] == []


def test_the_overview_is_there_while_later_tables_run(words, tmp_path, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(SPECIAL, "table2", SPECIAL["table1"]._replace(make=interrupted))
    assert main(words(tmp_path)) != 0
    found = overview(tmp_path)
    assert [part["name"] for part in found["tables"]] == ["table1"]
    assert found["waiting"] == [name for name in names() if name != "table1"]


def test_a_second_run_keeps_what_an_earlier_one_made_until_it_comes_to_it(
    everything, words, tmp_path, monkeypatch
):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    shutil.copytree(everything / "study" / "all", tmp_path / "study" / "all")
    before = {part["name"]: part for part in overview(tmp_path)["tables"]}
    monkeypatch.setattr(every_table, "reproduce", interrupted)
    assert main(words(tmp_path)) != 0
    found = overview(tmp_path)
    assert found["earlier"] == [before[name] for name in names() if name != "table1"]
    markdown = (tmp_path / "study" / "all" / "report.md").read_text()
    assert f"from an earlier run: {before['table3']['found']}".replace("<", "&lt;") in markdown
    assert f"1 of {len(names())} tables and figures, {len(names()) - 1} from an earlier run" in markdown
    with monkeypatch.context() as other_code:
        other_code.setattr(every_table, "code_hash", lambda _: "other")
        assert main(words(tmp_path)) != 0
    assert overview(tmp_path)["earlier"] == []
    shutil.copytree(everything / "study" / "all", tmp_path / "study" / "all", dirs_exist_ok=True)
    assert main(words(tmp_path, sweep=[5])) != 0  # other settings
    assert overview(tmp_path)["earlier"] == []
    assert overview(tmp_path)["tables"][0]["seconds"] != before["table1"]["seconds"]  # of its own run


def test_figures_have_codes_of_the_catalogue_engine_whatever_the_study_has(everything):
    report = (everything / "study" / "fig5" / "report.md").read_text()
    assert "codes come from the catalogue engine" in report
    assert "stage 1 ran with" in (everything / "study" / "table2" / "report.md").read_text()


def test_a_study_of_the_catalogue_engine_says_why_it_has_no_table_3(words, tmp_path):
    assert main(words(tmp_path, engine="catalogue", sweep=[3])) == 0
    (part,) = (part for part in overview(tmp_path)["tables"] if part["name"] == "table3")
    assert part["broken"] is None
    assert "continuous profiles" in part["not_run"]


def test_methods_belong_to_single_tables(words, tmp_path, capsys):
    assert main(words(tmp_path, "--methods", "DCN")) == 2
    assert "--methods: `all` makes whole tables" in capsys.readouterr().err


def test_a_bad_file_is_refused_before_anything_runs(words, settings, tmp_path, capsys):
    file = tmp_path / "bad.yaml"
    file.write_text(json.dumps({**settings, "ctr": {"model": {"unheard_of": 1}}}))
    said = refused(words(tmp_path / "out", dataset_files={"tiny": str(file)}), capsys)
    assert "unheard_of" in said
    baselines = {"KAR": {"method": "kar", "adaptor": {"unheard_of": 1}}}
    assert "unheard_of" in refused(words(tmp_path / "out", baselines=baselines), capsys)
    assert not (tmp_path / "out").exists()


def test_a_table_that_cannot_be_made_counts_as_one_row(words, tmp_path, capsys, monkeypatch):
    def broken(*_: object) -> None:
        raise InputError("Broken on purpose.")

    monkeypatch.setattr(every_table, "make", broken)
    assert main(words(tmp_path)) == 2
    count = len(names())
    assert f"{count} of {count} rows failed" in capsys.readouterr().err
