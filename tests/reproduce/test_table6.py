"""Table 6: the trained networks of table 2 answer requests, and say what they said when they were judged."""

import json
import shutil

import polars as pl
import pytest

from userip_lightning.cli import main
from userip_lightning.cli.reproduce import parse_study
from userip_lightning.ctr.export import MODEL
from userip_lightning.reproduce.choice import Choice
from userip_lightning.reproduce.networks import read_networks
from userip_lightning.reproduce.progress import StudyDisplay
from userip_lightning.reproduce.request_server import load_server
from userip_lightning.reproduce.run import run_rows
from userip_lightning.reproduce.table6 import PAPER, method_rows


@pytest.fixture(scope="module")
def words(study_words, tiny_llama, tiny_encoder, tmp_path_factory):
    """The words of `reproduce table6` with KAR; and the folder below."""
    output = tmp_path_factory.mktemp("table6")
    kar = {
        "method": "kar",
        "knowledge": {
            "lm": {"name": str(tiny_llama)},
            "encoder": {"name": str(tiny_encoder)},
            "generation": {"max_new_tokens": 4},
        },
        "adaptor": {"width": 4, "expert_hidden": [8]},
    }
    changes = {"baselines": {"KAR": kar}, "baseline_splits": ["cold_users"], "not_run": {}}
    return study_words("table6", output, "--fields", "[ids]", **changes), output


@pytest.fixture(scope="module")
def table6(words):
    """The report's rows by what they read."""
    command, output = words
    assert main(command) == 0
    rows = json.loads((output / "study" / "table6" / "results.json").read_text())["rows"]
    return {row["reads"]: row for row in rows}


def test_a_network_alone_with_codes_and_with_kar_are_timed_beside_the_paper(words, table6):
    assert list(table6) == ["none", "codes", "knowledge"]
    assert [row["method"] for row in table6.values()] == ["DCN", "UserIP-DCN", "KAR"]
    assert {row["split"] for row in table6.values()} == {"cold_users"}  # where the baselines run
    for row in table6.values():
        assert len(row["auc"]) == 2
        assert row["times"]["low"] <= row["times"]["median"] <= row["times"]["high"]
    assert table6["none"]["times"]["ratio"] == 1
    assert table6["codes"]["times"]["ratio"] < 3
    assert "different users and" in (words[1] / "study" / "table6" / "report.md").read_text()
    report = (words[1] / "study" / "table6" / "report.md").read_text()
    for seconds, auc in PAPER.values():
        assert f"| {seconds:.2f} |" in report
        assert f"{auc:.4f}" in report


@pytest.fixture(scope="module")
def served(words, table6):
    """What the rows read to the server and the judged scores of the first seed."""
    command, output = words
    study = read_networks(parse_study(command[1:]).study)
    rows = method_rows(study, Choice())
    ran = run_rows(rows, study, StudyDisplay())
    return {
        row.reads: (
            load_server(ran.tasks[row.label].job(0, outcome.chosen)),
            pl.read_parquet(output / "study" / outcome.runs[0] / "predictions.parquet"),
            ran.tasks[row.label].place.prepared,
        )
        for row, outcome, _ in ran.ended
    }


@pytest.mark.parametrize("reads", ["none", "codes", "knowledge"])
def test_a_server_says_what_the_network_said_of_every_judged_row(reads, served):
    server, judged, prepared = served[reads]
    events = pl.read_parquet(prepared / "events.parquet").select("row_id", "item")
    items = pl.read_parquet(prepared / "items.parquet").select("item", "item_id")
    rows = judged.join(events, on="row_id").join(items, on="item").sort("row_id")
    scores = server(rows["user_id"].to_list(), rows["item_id"].to_list())
    assert scores == pytest.approx(rows["score"].to_list(), abs=1e-6)


@pytest.mark.parametrize("reads", ["none", "codes", "knowledge"])
def test_whom_nobody_knows_gets_one_and_the_same_score(reads, served):
    server, _, _ = served[reads]
    known, *unknown = server(["1", "nobody", "no one"], ["1", "nothing", "nil"])
    assert unknown[0] == unknown[1] != known


def test_without_kar_the_others_are_timed(study_words, tmp_path):
    words = ["--splits", "random", "--fields", "[ids]", "--seeds", "[0]"]
    assert main(study_words("table6", tmp_path, *words)) == 0
    rows = json.loads((tmp_path / "study" / "table6" / "results.json").read_text())["rows"]
    assert [row["method"] for row in rows] == ["DCN", "UserIP-DCN"]


def test_a_damaged_network_alone_loses_its_row_and_the_ratios(words, table6, tmp_path, capsys):
    command, output = words
    shutil.copytree(output, tmp_path / "damaged")
    study = read_networks(parse_study(command[1:]).study)
    rows = method_rows(study, Choice())
    ran = run_rows(rows, study, StudyDisplay())
    alone = next(outcome for row, outcome, _ in ran.ended if row.reads == "none")
    (tmp_path / "damaged" / "study" / alone.runs[0] / MODEL).write_bytes(b"no network")
    assert main([*command, "--output", str(tmp_path / "damaged")]) == 2
    assert "1 of 3 rows failed" in capsys.readouterr().err
    found = json.loads((tmp_path / "damaged" / "study" / "table6" / "results.json").read_text())["rows"]
    first, *others = found
    assert (first["reads"], first["times"]) == ("none", None)
    assert first["failed"]
    assert all(row["times"]["median"] > 0 and row["times"]["ratio"] is None for row in others)
