"""Profiles are declared once: every stage is told, older configurations are read, contradictions refused."""

import json
from pathlib import Path

import pytest
import yaml

from tests.cli.refusal import refused
from userip_lightning.bank import FeatureBank
from userip_lightning.catalogue.likelihood_text import Likelihood
from userip_lightning.cli import main
from userip_lightning.default_sizes import DEFAULT_SIZES
from userip_lightning.errors import InputError
from userip_lightning.lm.prompt import DEFAULT_PROMPT
from userip_lightning.pipeline.config import Experiment, experiment_parser, parse_experiment

DATA = {"source": {"class_path": "MovieLens100K", "init_args": {"path": "nowhere"}}}
PRIOR = "userip_lightning.quantize.joint_prior.QuantizePrior"
LIKELIHOOD = f"{Likelihood.__module__}.Likelihood"
#: A source of text whose prompt has profiles of its own, and no sizes for them.
OTHER_WORDS = {
    "class_path": LIKELIHOOD,
    "init_args": {"prompt": {"profiles": [{"name": "taste", "text": "x"}]}},
}
THREE = {"hobby": {"size": 8}, "background": {"size": 3}, "budget": {"size": 5}}
SIZES = {"hobby": 8, "background": 3, "budget": 5}
WORDS = ["This user's hobby is", ", his background is", ", his budget is"]
JOINT = {"profile": {"model": {"schedule": "joint", "prior": PRIOR}}}
#: As earlier versions had it.
OLD = {"catalogue": {"model": {"sizes": {"taste": 12}}}}
_TOLD = {"class_path": PRIOR, "init_args": {"sizes": {"taste": 12}}}
OLD_PRIOR = {"profile": {"model": {"schedule": "joint", "prior": _TOLD}}}


def prompt(**texts: str) -> dict:
    """Profiles in the prompt of the per-user engine, as earlier versions had them."""
    named = [{"name": name, "text": text} for name, text in texts.items()]
    return {"profile": {"model": {"prompt": {"profiles": named}}}}


def parse(*more: dict | str) -> Experiment:
    """The experiment of these settings, each on top of the former."""
    parts = ({"data": DATA}, *more)
    words = [word for one in parts for word in (["-c", json.dumps(one)] if isinstance(one, dict) else [one])]
    return parse_experiment(experiment_parser("fit", ""), words)


def told(experiment: Experiment) -> list:
    """What every stage is told, by its own settings."""
    sections = experiment.sections
    prompt = sections["profile"]["model"]["prompt"]["profiles"]
    return [
        sections["catalogue"]["model"]["sizes"],
        sections["quantize"]["model"]["sizes"],
        dict.fromkeys(one["name"] for one in prompt),
        [one["text"] for one in prompt],
    ]


def test_without_a_word_they_are_the_papers() -> None:
    experiment = parse()
    assert told(experiment)[:2] == [DEFAULT_SIZES] * 2
    prompt = experiment.sections["profile"]["model"]["prompt"]["profiles"]
    assert prompt == [{"name": one.name, "text": one.text} for one in DEFAULT_PROMPT.profiles]
    assert [one["text"] for one in prompt] == WORDS[:2]


@pytest.mark.parametrize(
    "words",
    [
        [{"profiles": THREE}],
        ["--profiles.hobby.size=8", "--profiles.budget.size=5"],
        [{"profiles": {"one": {"size": 2}}}, {"profiles": THREE}],
    ],
)
def test_every_stage_is_told_of_what_is_said_once(words) -> None:
    experiment = parse(*words)
    assert told(experiment) == [SIZES, SIZES, dict.fromkeys(SIZES), WORDS]
    assert list(experiment.settings.profiles) == list(SIZES)


def test_the_first_one_s_words_begin_the_prompt() -> None:
    assert told(parse({"profiles": {"background": {"size": 3}}}))[3] == ["This user's background is"]


def test_words_of_their_own_are_the_prompts() -> None:
    experiment = parse("--profiles.budget", '{"size": 5, "text": "This user\'s budget is"}')
    assert told(experiment)[3] == [*WORDS[:2], "This user's budget is"]


def test_the_prior_of_the_joint_schedule_is_told_and_one_weight_is_of_all_profiles() -> None:
    weighted = {"profile": {"model": {"prior": {"init_args": {"profile_weights": 0.5}}}}}
    prior = parse(JOINT, weighted, {"profiles": THREE}).sections["profile"]["model"]["prior"]["init_args"]
    assert prior["sizes"] == SIZES
    assert prior["profile_weights"] == dict.fromkeys(SIZES, 0.5)


@pytest.mark.parametrize("joined", [False, True])
def test_the_likelihood_is_told_unless_it_has_sizes_of_its_own(joined: bool) -> None:
    def read(**arguments: object) -> dict:
        source = {"class_path": LIKELIHOOD, "init_args": arguments}
        several = {"class_path": "Joined", "init_args": {"sources": ["BagOfWords", source]}}
        text = several if joined else source
        found = parse({"profiles": THREE, "catalogue": {"data": {"text": text}}})
        own = found.sections["catalogue"]["data"]["text"]["init_args"]
        return own["sources"][1]["init_args"] if joined else own

    assert read()["sizes"] == list(SIZES.values())
    assert [one["text"] for one in read()["prompt"]["profiles"]] == WORDS
    assert read(sizes=[2, 2])["sizes"] == [2, 2]
    assert len(read(sizes=[2, 2])["prompt"]["profiles"]) == 2
    assert Likelihood().sizes == tuple(DEFAULT_SIZES.values())


@pytest.mark.parametrize("more", [{}, JOINT, {"profiles": THREE}, OLD])
def test_what_is_kept_says_it_once_and_gives_the_same_stages(more: dict) -> None:
    experiment = parse(more)
    kept = yaml.safe_load(experiment.merged)
    assert list(kept["profiles"]) == list(experiment.settings.profiles)
    assert "sizes" not in kept["catalogue"]["model"]
    assert "sizes" not in kept["quantize"]["model"]
    assert "profiles" not in kept["profile"]["model"]["prompt"]
    assert parse(kept).sections == experiment.sections
    assert told(parse(kept, {"profiles": THREE}))[0] == SIZES


@pytest.mark.parametrize(
    ("engine", "more", "sizes", "words"),
    [
        ("catalogue", OLD, {"taste": 12}, ["This user's taste is"]),
        (
            "per_user",
            {"quantize": {"model": {"sizes": {"background": 2, "hobby": 9}}}},
            {"hobby": 9, "background": 2},
            WORDS[:2],
        ),
        (
            "per_user",
            {"quantize": {"model": {"sizes": {"a": 2, "b": 3}}}, **prompt(b="B is", a="A is")},
            {"b": 3, "a": 2},
            ["B is", "A is"],
        ),
        ("catalogue", prompt(a="A is"), DEFAULT_SIZES, WORDS[:2]),
    ],
)
def test_configurations_of_earlier_versions_are_read(engine, more, sizes, words) -> None:
    experiment = parse({"engine": engine, **more})
    found = {name: profile.size for name, profile in experiment.settings.profiles.items()}
    assert list(found.items()) == list(sizes.items())
    assert [profile.text for profile in experiment.settings.profiles.values()] == words
    assert told(experiment)[:2] == [sizes, sizes]


def test_the_other_engines_sizes_are_passed_over_in_these() -> None:
    spelled = {"quantize": {"model": {"sizes": DEFAULT_SIZES}}, "catalogue": {"model": {"sizes": SIZES}}}
    assert told(parse(spelled))[:2] == [SIZES, SIZES]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"profiles": {}}, "profiles: none given; name one or more"),
        ({"profiles": {"hobby": {"size": 0}}}, "profiles.hobby: it has 0 codes; give it a size of 1 or more"),
        ({"profiles": {"hobby": {"size": -1}}}, "profiles.hobby: it has -1 codes; give it a size"),
        ({"profiles": {"taste": {"text": "x"}}}, "profiles.taste: it has 0 codes; give it a size"),
        ({"profiles": {"hobby": {"size": 4, "text": " "}}}, "profiles.hobby.text: no words given"),
        (
            {"profiles": {name: {"size": 2, "text": "It is"} for name in "ab"}},
            "profiles: a and b have one text, 'It is', so a language model cannot tell them apart",
        ),
        (
            {"profiles": THREE, **OLD},
            "catalogue.model.sizes: {'taste': 12} given, but profiles makes it {'hobby': 8, 'background': 3, "
            "'budget': 5}; delete catalogue.model.sizes, and say it once, in profiles",
        ),
        (
            {"profiles": THREE, "quantize": {"model": {"sizes": DEFAULT_SIZES}}, **OLD},
            "delete quantize.model.sizes and catalogue.model.sizes, and say it once",
        ),
        (
            {"profiles": THREE, **prompt(hobby="x")},
            "profile.model.prompt.profiles: [{'name': 'hobby', 'text': 'x'}] given, but profiles makes it",
        ),
        (
            {"engine": "per_user", "quantize": {"model": {"sizes": SIZES}}, **OLD_PRIOR},
            "profile.model.prior.init_args.sizes: {'taste': 12} given, but quantize.model.sizes makes it",
        ),
        ("--quantize.model.sizes.hobby=8", "profiles have the sizes; write --profiles.hobby.size NUMBER."),
        ({"engine": "per_user", **prompt(budget="His budget is")}, "profiles.budget: it has 0 codes;"),
        (
            {"profiles": THREE, "catalogue": {"data": {"text": OTHER_WORDS}}},
            "catalogue.data.text: a prompt with the profiles [{'name': 'taste', 'text': 'x'}], but the",
        ),
    ],
)
def test_bad_input_is_one_sentence(more, said) -> None:
    with pytest.raises(InputError) as error:
        parse(more)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('{"hobby": {"siz": 4}}', "siz: no such setting"),
        ('{"hobby": 4}', "profiles: 4 given, the settings of a Profile by their names expected"),
        ('{"hobby": {"size": "many"}}', "size"),
        ('{"hobby": {"size": 0}}', "profiles.hobby: it has 0 codes"),
    ],
)
def test_what_the_section_does_not_know_is_refused(given, said, catalogue_config, capsys) -> None:
    sentence = refused(["fit", "--config", str(catalogue_config), "--profiles", given], capsys)
    assert said in sentence
    assert len(sentence) < 300


@pytest.mark.parametrize(
    ("words", "sizes"),
    [
        (["--profiles.hobby.size", "8"], {"hobby": 8, "background": 3}),
        (
            ["--profiles.budget", '{"size": 5, "text": "This user\'s budget is"}'],
            {"hobby": 4, "background": 3, "budget": 5},
        ),
    ],
)
@pytest.mark.parametrize(("engine", "stage"), [("catalogue", "catalogue"), ("per_user", "quantize")])
def test_codes_have_the_profiles_that_were_declared(
    engine: str, stage: str, words, sizes, config: Path, catalogue_config: Path, tmp_path: Path
) -> None:
    file = catalogue_config if engine == "catalogue" else config
    words = ["--config", str(file), "--output", str(tmp_path), "--experiment", "e", "--seeds", "[0]", *words]
    if engine == "per_user":
        words += ["--quantize.model.allow_unused", "true", "--profile.trainer.max_epochs", "1"]
    assert main(["fit", *words, "--stages", f"prepare,profile,{stage}"]) == 0
    (folder,) = (tmp_path / "e" / stage).iterdir()
    bank = FeatureBank.open(folder)
    assert dict(zip(bank.names, bank.sizes, strict=True)) == sizes
