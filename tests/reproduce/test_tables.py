"""Which rows each table has, and what the command line leaves of them."""

from dataclasses import replace

import pytest

from userip_lightning.errors import InputError
from userip_lightning.report.entries import Entry, check_entries
from userip_lightning.report.paper import WITHOUT_CODES
from userip_lightning.reproduce.baseline_settings import Baseline
from userip_lightning.reproduce.choice import Choice, chosen_rows
from userip_lightning.reproduce.settings import Study, Tuning, check
from userip_lightning.reproduce.tables import POPULARITY, Block, rows_of

NET = {"class_path": "own.Net"}
STUDY = Study(
    dataset_files={"a": [], "b": []},
    split_rules={"random": "own.Random", "temporal": "own.Temporal"},
    networks={"PNN": NET, "DCN": NET},
    references={"biased MF": NET},
    not_run={"KAR": "Why."},
    controls=["shuffled", "svd_kmeans"],
    sweep=[3, 9],
)
BLOCK = Block("a", "random", "ids")
REFERENCES = [POPULARITY, "biased MF"]
CONTROLS = ["DCN + shuffled", "DCN + svd kmeans"]


@pytest.mark.parametrize(
    ("table", "methods"),
    [
        ("table2", [*REFERENCES, "PNN", "UserIP-PNN", "DCN", "UserIP-DCN", *CONTROLS, "KAR"]),
        ("table3", [*REFERENCES, "DCN", "UserIP-DCN", WITHOUT_CODES, *CONTROLS]),
        ("table4", [*REFERENCES, "DCN", "UserIP-DCN", "PNN", "UserIP-PNN", *CONTROLS]),
        ("fig5", ["DCN", "UserIP-DCN, hobby 3", "UserIP-DCN, hobby 9"]),
        ("fig6", ["DCN", "UserIP-DCN, background 3", "UserIP-DCN, background 9"]),
    ],
)
def test_a_table_has_these_rows_and_each_is_compared_with_one_of_them(table, methods):
    rows = rows_of(table, STUDY, BLOCK)
    assert [row.method for row in rows] == methods
    run = ("ctr/x",)
    check_entries([Entry(*row[:4], row.group, row.network, row.against, run) for row in rows], table)


def test_only_codes_and_controls_read_a_bank():
    reads = {row.method: row.reads for row in rows_of("table3", STUDY, BLOCK)}
    assert [reads[method] for method in ("DCN", "UserIP-DCN", WITHOUT_CODES)] == ["none", "codes", "z"]
    assert [reads[method] for method in CONTROLS] == ["shuffled", "svd_kmeans"]


def test_controls_of_the_other_engine_are_passed_over():
    study = replace(STUDY, controls=["shuffled", "permuted_z", "permuted_text"])
    for engine, own in (("per_user", "DCN + permuted z"), ("catalogue", "DCN + permuted text")):
        rows = rows_of("table2", replace(study, engine=engine), BLOCK)
        assert [row.method for row in rows if row.group == "control"] == ["DCN + shuffled", own]


def test_further_codes_have_a_row_beside_those_of_the_control_network():
    study = replace(STUDY, further_codes={"UserIP-gpt2": [], "UserIP-Llama2": []})
    rows = [row for row in rows_of("table2", study, BLOCK) if row.group == "userip"]
    assert [(row.method, row.network, row.against, row.codes) for row in rows] == [
        ("UserIP-PNN", "PNN", "PNN", None),
        ("UserIP-DCN", "DCN", "DCN", None),
        ("UserIP-gpt2", "DCN", "DCN", "UserIP-gpt2"),
        ("UserIP-Llama2", "DCN", "DCN", "UserIP-Llama2"),
    ]


def test_the_catalogue_engine_has_no_continuous_profiles():
    with pytest.raises(InputError, match="engine: table3 is about continuous profiles"):
        rows_of("table3", replace(STUDY, engine="catalogue"), BLOCK)


def test_blocks_are_datasets_times_splits_times_fields():
    blocks = {row[:3] for row in chosen_rows("fig5", STUDY, Choice())}
    assert len(blocks) == 8
    assert {row[:3] for row in chosen_rows("fig5", STUDY, Choice(["b"], ["random"]))} == {
        ("b", "random", "ids"),
        ("b", "random", "rich"),
    }


def test_a_network_is_chosen_with_all_its_rows_and_a_row_alone():
    chosen = [row.method for row in chosen_rows("table2", STUDY, Choice(["a"], ["random"], ["DCN", "KAR"]))]
    assert chosen == ["DCN", "UserIP-DCN", *CONTROLS, "KAR"] * 2
    (row, _) = chosen_rows("table2", STUDY, Choice(["a"], ["random"], ["UserIP-PNN"]))
    assert (row.method, row.against) == ("UserIP-PNN", None)  # PNN alone was left out


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (Choice(datasets=["c"]), "--datasets: 'c' is not in this study; it has a, b."),
        (Choice(splits=["cold"]), "--splits: 'cold' is not in this study; it has random, temporal."),
        (Choice(methods=["DNC"]), "--methods: 'DNC' is not in this study; it has item popularity, "),
    ],
)
def test_an_unknown_name_is_refused_with_those_that_there_are(choice, said):
    with pytest.raises(InputError) as error:
        chosen_rows("table2", STUDY, choice)
    assert str(error.value).startswith(said)


@pytest.mark.parametrize("label", ["DCN", "UserIP-PNN", "biased MF", "item popularity", "KAR"])
def test_two_rows_of_one_label_are_refused(label):
    baselines = {label: Baseline("pepler", None, None, {})}
    with pytest.raises(InputError, match=f"'{label}' names two rows of a table"):
        chosen_rows("table2", STUDY, Choice(), baselines)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"study": "runs/mine"}, "study: 'runs/mine' is no folder name"),
        ({"seeds": [0, 0]}, "seeds: [0, 0] given"),
        ({"fields": []}, "fields: [] given"),
        ({"control_network": "FM"}, "control_network: 'FM' is not among the networks (PNN, DCN)"),
        ({"tuning": Tuning(lr=(0.0, 0.1))}, "tuning.lr: [0.0, 0.1] given"),
        ({"tuning": Tuning(l2=(0.1, 0.01))}, "tuning.l2: [0.1, 0.01] given"),
        ({"workers": -1}, "tuning.trials and workers count something"),
    ],
)
def test_a_study_that_cannot_be_run_is_refused(changes, said):
    check(STUDY)
    with pytest.raises(InputError) as error:
        check(replace(STUDY, **changes))
    assert str(error.value).startswith(said)
