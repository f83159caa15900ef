"""A study's case: which settings the stages of a sweep run with."""

from pathlib import Path

import pytest

from userip_lightning.cli.reproduce import parse_study
from userip_lightning.pipeline.plan import Place
from userip_lightning.reproduce.case import Case, read_experiment

FULL = Path(__file__).parent.parent.parent / "configs" / "reproduce" / "full.yaml"


@pytest.fixture(scope="module")
def study():
    return parse_study(["fig5", "--config", str(FULL)]).study


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
