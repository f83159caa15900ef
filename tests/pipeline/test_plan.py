"""Keys: what changes an artifact's name, and what does not."""

from dataclasses import replace
from pathlib import Path

import pytest

from userip_lightning.pipeline.config import Experiment
from userip_lightning.pipeline.plan import Plan, make_plan
from userip_lightning.pipeline.settings import Selection, Settings

SECTIONS = {
    name: {"model": {}, "data": {}, "trainer": {"max_epochs": 1}} for name in ("profile", "quantize", "ctr")
}
SETTINGS = Settings(experiment="e", seeds=[0, 1], controls=["shuffled"])


def plan(settings: Settings = SETTINGS, data_hash: str = "d", **sections: dict) -> Plan:
    experiment = Experiment(settings, (), {}, {**SECTIONS, **sections}, "")
    return make_plan(experiment, Path("prepared"), data_hash)


def keys(made: Plan) -> tuple[str, str, set[str], set[str]]:
    return (
        made.profile.key,
        made.quantize.key,
        {bank.key for bank in made.controls},
        {job.key for job in made.ctr},
    )


def test_every_variant_is_run_with_every_seed_and_its_own_folder():
    made = plan()
    assert {job.label for job in made.ctr} == {
        f"ctr/{variant}/seed{seed}" for variant in ("none", "codes", "shuffled") for seed in (0, 1)
    }
    assert len({job.target for job in made.ctr}) == 6


def test_each_variant_reads_its_own_bank():
    made = plan()
    banks = {job.label: job.filled["data.bank"] for job in made.ctr}
    assert banks["ctr/none/seed0"] is None
    assert banks["ctr/codes/seed0"] == banks["ctr/codes/seed1"] == str(made.quantize.target)
    shuffled = {str(bank.target) for bank in made.controls}
    assert {banks["ctr/shuffled/seed0"], banks["ctr/shuffled/seed1"]} == shuffled


def test_a_plan_is_a_function_of_the_configuration():
    assert keys(plan()) == keys(plan())


@pytest.mark.parametrize(
    ("stage", "changed"), [("profile", (1, 1, 1)), ("quantize", (0, 1, 1)), ("ctr", (0, 0, 1))]
)
def test_a_changed_stage_changes_itself_and_what_is_below(stage, changed):
    before = plan()
    after = plan(**{stage: {"model": {}, "data": {}, "trainer": {"max_epochs": 2}}})
    same = [
        before.profile.key == after.profile.key,
        before.quantize.key == after.quantize.key,
        before.ctr[1].key == after.ctr[1].key,
    ]
    assert [not equal for equal in same] == [bool(flag) for flag in changed]


def test_other_profiles_leave_the_model_without_codes_alone():
    after = plan(profile={"model": {"start": "random"}, "data": {}, "trainer": {}})
    before = {job.label: job.key for job in plan().ctr}
    same = {job.label for job in after.ctr if before[job.label] == job.key}
    assert same == {"ctr/none/seed0", "ctr/none/seed1"}


def test_other_data_changes_everything():
    before, after = keys(plan()), keys(plan(data_hash="other"))
    assert before[0] != after[0]
    assert before[1] != after[1]
    assert not before[2] & after[2]
    assert not before[3] & after[3]


def test_selection_belongs_to_the_ctr_stage():
    before, after = plan(), plan(replace(SETTINGS, selection=Selection("val/logloss")))
    assert before.quantize.key == after.quantize.key
    assert not {job.key for job in before.ctr} & {job.key for job in after.ctr}


def test_neither_the_output_folder_nor_the_number_of_seeds_changes_a_key():
    before = {job.label: job.key for job in plan().ctr}
    after = {job.label: job.key for job in plan(replace(SETTINGS, output="x", seeds=[0, 1, 2])).ctr}
    assert before.items() <= after.items()
