"""A study's case: which settings the stages of a sweep run with."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from userip_lightning.cli.reproduce import parse_study
from userip_lightning.pipeline.plan import Place
from userip_lightning.reproduce.case import Case, read_experiment, read_further

FULL = Path(__file__).parent.parent.parent / "configs" / "reproduce" / "full.yaml"


@pytest.fixture(scope="module")
def study():
    return parse_study(["fig5", "--config", str(FULL)]).study


@pytest.fixture(autouse=True)
def items(tmp_path):
    """What is known of the items: whether they have words decides on a control."""
    pl.DataFrame({"item_id": ["a", "b"], "title": ["Emma", "Persuasion"]}).write_parquet(
        tmp_path / "items.parquet"
    )


@pytest.mark.parametrize("dataset", ["clothing", "movies", "games", "yelp"])
def test_the_papers_data_sets_run_with_the_papers_settings(study, dataset):
    model = read_experiment(study, dataset, "random").sections["profile"]["model"]
    assert model["schedule"] == "joint"
    assert model["prompt"]["disliked"] is None
    assert model["prompt"]["item"] == " {text}"


def test_codebooks_of_a_prior_grow_with_those_of_stage_two(study, tmp_path):
    case = Case(read_experiment(study, "games", "random"), Place(tmp_path, tmp_path, "hash"))
    plain, grown = case.plan(()), case.plan((("hobby", 9),))
    assert [job.section["model"]["sizes"] for job in (plain.quantize[0], grown.quantize[0])] == [
        {"hobby": 4, "background": 3},
        {"hobby": 9, "background": 3},
    ]
    priors = [plan.profiles[0].section["model"]["prior"]["init_args"]["sizes"] for plan in (plain, grown)]
    assert priors == [{"hobby": 4, "background": 3}, {"hobby": 9, "background": 3}]


def test_without_a_prior_profiles_are_shared_by_all_sizes(study, tmp_path):
    case = Case(read_experiment(study, "ml100k", "random"), Place(tmp_path, tmp_path, "hash"))
    assert case.plan((("hobby", 9),)).profiles[0].key == case.plan(()).profiles[0].key


def test_codebooks_of_the_catalogue_engine_grow(study, tmp_path):
    catalogue = replace(study, engine="catalogue", controls=["shuffled"])
    case = Case(read_experiment(catalogue, "games", "random"), Place(tmp_path, tmp_path, "hash"))
    plan = case.plan((("hobby", 9),))
    assert plan.profiles == ()
    assert plan.quantize[0].stage.name == "catalogue"
    assert plan.quantize[0].section["model"]["sizes"] == {"hobby": 9, "background": 3}


def test_further_codes_have_their_language_model_and_all_else_of_the_data_set(study, tmp_path):
    own = read_experiment(study, "games", "random")
    case = Case(own, Place(tmp_path, tmp_path, "h"), {"g": read_further(study, "games", own, "UserIP-gpt2")})
    plain, further = case.plan(()).profiles[0], case.plan((), "g").profiles[0]
    assert plain.section["model"]["lm"]["name"] == "meta-llama/Llama-2-7b-hf"
    assert further.section["model"]["lm"]["name"] == "openai-community/gpt2"
    assert {**further.section["model"], "lm": None} == {**plain.section["model"], "lm": None}
    assert case.further["g"].data == own.data
    assert case.further["g"].sections["ctr"] == own.sections["ctr"]
