"""Keys: what changes an artifact's name, and what does not."""

from dataclasses import replace
from pathlib import Path

import pytest

from userip_lightning.pipeline.config import Experiment
from userip_lightning.pipeline.plan import Place, Plan, Source, baseline_job, ctr_job, make_plan
from userip_lightning.pipeline.settings import Selection, Settings
from userip_lightning.pipeline.stages import CTR

SECTIONS = {
    name: {"model": {}, "data": {}, "trainer": {"max_epochs": 1}} for name in ("profile", "quantize", "ctr")
}
SETTINGS = Settings(experiment="e", engine="per_user", seeds=[0, 1], controls=["shuffled", "permuted_z"])


def plan(settings: Settings = SETTINGS, data_hash: str = "d", **sections: dict) -> Plan:
    experiment = Experiment(settings, (), {}, {**SECTIONS, **sections}, "")
    return make_plan(experiment, Path("prepared"), data_hash)


def keys(made: Plan) -> tuple[set[str], ...]:
    return (
        {job.key for job in made.profiles},
        {job.key for job in made.quantize},
        {bank.key for bank in made.controls},
        {job.key for job in made.retrained},
        {job.key for job in made.ctr},
    )


def test_every_variant_is_run_with_every_seed_and_its_own_folder():
    made = plan()
    assert {job.label for job in made.ctr} == {
        f"ctr/{variant}/seed{seed}"
        for variant in ("none", "codes", "shuffled", "permuted_z")
        for seed in (0, 1)
    }
    assert len({job.target for job in made.ctr}) == 8


def test_each_variant_reads_its_own_bank():
    made = plan()
    banks = {job.label: job.filled["data.bank"] for job in made.ctr}
    assert banks["ctr/none/seed0"] is None
    for seed in (0, 1):
        assert banks[f"ctr/codes/seed{seed}"] == str(made.quantize[seed].target)
        assert banks[f"ctr/shuffled/seed{seed}"] == str(made.controls[seed].target)
        assert made.controls[seed].codes == made.quantize[seed].target
        assert banks[f"ctr/permuted_z/seed{seed}"] == str(made.retrained[seed].target)
    assert len(set(banks.values())) == 7


def test_codes_are_trained_anew_for_every_seed_and_profiles_for_every_profile_seed():
    made = plan(replace(SETTINGS, seeds=[5, 6, 7], profile_seeds=[1, 2]))
    assert [job.seed for job in made.profiles] == [1, 2]
    assert [job.filled["model.seed"] for job in made.quantize] == [5, 6, 7]
    profiles = [str(job.target) for job in made.profiles]
    assert [job.filled["data.profiles"] for job in made.quantize] == [*profiles, profiles[0]]


def test_other_code_changes_every_key(monkeypatch):
    before = keys(plan())
    monkeypatch.setattr("userip_lightning.pipeline.plan.code_hash", lambda modules: "other")
    assert all(not ours & theirs for ours, theirs in zip(before, keys(plan()), strict=True))


def test_a_plan_is_a_function_of_the_configuration():
    assert keys(plan()) == keys(plan())


@pytest.mark.parametrize(
    ("stage", "changed"), [("profile", (1, 1, 1)), ("quantize", (0, 1, 1)), ("ctr", (0, 0, 1))]
)
def test_a_changed_stage_changes_itself_and_what_is_below(stage, changed):
    before = plan()
    after = plan(**{stage: {"model": {}, "data": {}, "trainer": {"max_epochs": 2}}})
    same = [
        before.profiles[0].key == after.profiles[0].key,
        before.quantize[0].key == after.quantize[0].key,
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
    assert all(not ours & theirs for ours, theirs in zip(before, after, strict=True))


def test_selection_belongs_to_the_ctr_stage():
    before, after = plan(), plan(replace(SETTINGS, selection=Selection("val/logloss")))
    assert before.quantize[0].key == after.quantize[0].key
    assert not {job.key for job in before.ctr} & {job.key for job in after.ctr}


def test_neither_the_output_folder_nor_the_number_of_seeds_changes_a_key():
    before = {job.label: job.key for job in plan().ctr}
    after = {job.label: job.key for job in plan(replace(SETTINGS, output="x", seeds=[0, 1, 2])).ctr}
    assert before.items() <= after.items()


def test_knowledge_is_part_of_the_key_of_who_reads_it():
    experiment, place = Experiment(SETTINGS, (), {}, SECTIONS, ""), Place(Path("e"), Path("prepared"), "d")
    read = (None, Source("a", Path("a")), Source("b", Path("b")))
    jobs = [ctr_job(experiment, place, "knowledge", 0, knowledge=source) for source in read]
    assert len({job.key for job in jobs}) == 3
    assert [job.filled["data.knowledge"] for job in jobs] == [None, "a", "b"]


def test_item_text_belongs_to_every_variant_and_to_its_key():
    data = {"item_text": {"class_path": "userip_lightning.texts.source.BagOfWords"}}
    before, after = plan(), plan(ctr={**SECTIONS["ctr"], "data": data})
    assert {job.variant for job in after.ctr} == {"none", "codes", "shuffled", "permuted_z"}
    assert all(job.section["data"] == data for job in after.ctr)
    assert before.ctr[0].key != after.ctr[0].key
    assert [keys(one)[:3] for one in (before, after)] == [keys(before)[:3]] * 2


def test_a_baselines_key_has_all_that_decides_it():
    def key(data="d", seed=0, selection=SETTINGS.selection, **section):
        settings = replace(SETTINGS, selection=selection)
        experiment, place = Experiment(settings, (), {}, {}, ""), Place(Path("e"), Path("prepared"), data)
        return baseline_job(experiment, place, CTR, section, "label", seed).key

    others = {key("other"), key(seed=1), key(selection=Selection("val/logloss")), key(model={"rank": 1})}
    assert key() == key()
    assert len({key(), *others}) == 5
