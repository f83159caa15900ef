"""The sentence that says that what profiles or texts hold does not reach the CTR model."""

import pytest

from userip_lightning.pipeline.settings import Settings
from userip_lightning.report.comparison import compare
from userip_lightning.report.input_control import reach
from userip_lightning.report.judge import judge_study
from userip_lightning.report.legend import LEGEND
from userip_lightning.report.run_sheets import compose
from userip_lightning.report.sheet import block_sheet

LOGLOSS = {
    "delta_calibrated_logloss": -0.01,
    "delta_calibrated_logloss_low": -0.02,
    "delta_calibrated_logloss_high": 0.001,
}
AS_GOOD = {"delta_auc": 0.01, "delta_auc_low": -0.001, "delta_auc_high": 0.02, **LOGLOSS}
WORSE = {"delta_auc": 0.01, "delta_auc_low": 0.002, "delta_auc_high": 0.02, **LOGLOSS}


def test_each_control_that_is_as_good_is_named_with_its_interval():
    assert reach({"permuted_z": AS_GOOD, "noise_z": WORSE}, 5) == (
        "Codes of other users' profiles (own against them: ΔAUC +0.0100 [-0.0010, +0.0200]): nothing "
        "shows that what a profile holds reaches the CTR model."
    )
    both = reach({"noise_z": AS_GOOD, "permuted_z": AS_GOOD}, 5)
    assert both.startswith("Codes of other users' profiles (")
    assert " and codes of noise in place of profiles (" in both
    assert reach({"permuted_text": AS_GOOD}, 5).endswith(
        "nothing shows that what an item's text says reaches the CTR model."
    )


def test_a_difference_too_small_to_count_is_none():
    assert reach({"noise_z": {**WORSE, "delta_auc": 0.0002, "delta_auc_low": 0.0001}}, 5)


def test_few_seeds_show_nothing():
    assert reach({"permuted_z": AS_GOOD}, 4).endswith(
        ": with fewer than 5 seeds, nothing shows that what a profile holds reaches the CTR model."
    )


def test_an_interval_that_ends_at_zero_reaches_it():
    assert reach({"noise_z": {**AS_GOOD, "delta_auc_low": 0.0}}, 5)


def test_nothing_is_said_where_codes_are_better_or_the_controls_are_others():
    assert reach({"permuted_z": WORSE, "noise_z": WORSE, "shuffled": AS_GOOD}, 5) == ""
    assert reach({}, 5) == ""


@pytest.mark.parametrize(("signal", "said"), [(1.2, True), (0.2, False)])
def test_the_report_of_a_run_says_it_below_its_verdict(write, signal, said):
    strength = {"none": 0.2, "codes": 1.2, "permuted_z": signal}
    runs = {name: [write(name, seed, value) for seed in range(5)] for name, value in strength.items()}
    lines = compose(compare(runs, replicates=50), None, {})[0].below
    assert lines[0].startswith("Codes of other users' profiles (own against them: ΔAUC ") == said


@pytest.mark.parametrize(("signal", "said"), [(1.2, True), (0.2, False)])
def test_a_study_says_it_below_the_table_of_the_block(entries, write, tmp_path, signal, said):
    for seed in range(5):
        write("other", seed, signal)
    control = entries["DCN + shuffled"]._replace(
        method="DCN + permuted z", runs=tuple(f"other/{seed}" for seed in range(5)), control="permuted_z"
    )
    block = judge_study([*entries.values(), control], tmp_path, replicates=50).blocks[0]
    remarks = [line for line in block_sheet(block).remarks if "reaches the CTR model" in line]
    assert [line.partition(": ")[0] for line in remarks] == (["UserIP-DCN"] if said else [])


def test_the_legend_explains_every_control():
    explained = " ".join(LEGEND).lower()
    for control in Settings.__dataclass_fields__["controls"].default_factory():
        assert control.replace("_", " ") in explained
