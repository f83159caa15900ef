"""What a report says of all of its rows."""

from dataclasses import replace

import pytest

from userip_lightning.reproduce.baseline_settings import Baseline
from userip_lightning.reproduce.reporting import write_report
from userip_lightning.reproduce.row import Row
from userip_lightning.reproduce.row_task import Outcome
from userip_lightning.reproduce.settings import Study, Tuning

NET = {"class_path": "own.Net"}
BASELINE = Baseline("pepler", None, None, {})
STUDY = Study(
    dataset_files={"a": []},
    split_rules={"random": "own.R"},
    networks={"DCN": NET},
    baselines={"PEPLER": {"method": "pepler"}},
)


@pytest.mark.parametrize(
    ("trials", "rows", "said"),
    [
        (3, [("PEPLER", "none", BASELINE)], True),
        (3, [("KAR", "knowledge", BASELINE)], False),  # its network is tuned as all are
        (3, [("DCN", "none", None)], False),
        (1, [("PEPLER", "none", BASELINE)], False),  # nothing was
    ],
)
def test_baselines_that_were_not_tuned_are_named_where_they_are(tmp_path, trials, rows, said):
    study = replace(STUDY, output=str(tmp_path), tuning=Tuning(trials=trials))
    ended = [
        (Row("a", "random", "ids", name, "llm", reads=reads, baseline=baseline), Outcome(not_run="Why."), {})
        for name, reads, baseline in rows
    ]
    folder = write_report("table3", study, ended, {}).folder
    assert ("themselves were not tuned" in (folder / "report.md").read_text(encoding="utf-8")) is said
