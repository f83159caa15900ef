"""What `userip fit` accepts, how later words win over earlier ones, and what it refuses."""

import argparse

import pytest
import yaml

from userip_lightning.errors import InputError
from userip_lightning.pipeline.config import Experiment, experiment_parser, parse_experiment

SOURCE = {
    "class_path": "userip_lightning.data.sources.movielens.MovieLens100K",
    "init_args": {"path": "nowhere"},
}
BASE = {
    "experiment": "base",
    "data": {"source": SOURCE},
    "ctr": {"model": {"optimizer": {"class_path": "torch.optim.Adam", "init_args": {"lr": 0.05}}}},
}


@pytest.fixture
def parse(tmp_path):
    """Parse :data:`BASE` and whatever comes on top: dicts become further YAML files, strings are words."""

    def run(*more: dict | str) -> Experiment:
        words = []
        for position, part in enumerate((BASE, *more)):
            if isinstance(part, dict):
                file = tmp_path / f"{position}.yaml"
                file.write_text(yaml.safe_dump(part))
                words += ["--config", str(file)]
            else:
                words.append(part)
        return parse_experiment(experiment_parser("fit", ""), words)

    return run


def test_later_files_are_merged_key_by_key(parse):
    experiment = parse({"ctr": {"model": {"l2": 0.5}}, "seeds": [7]})
    assert experiment.settings.seeds == [7]
    assert experiment.settings.experiment == "base"
    assert experiment.sections["ctr"]["model"]["l2"] == 0.5
    assert experiment.sections["ctr"]["model"]["optimizer"]["init_args"]["lr"] == 0.05


def test_another_class_does_not_inherit_the_arguments_of_the_former(parse):
    optimizer = parse({"ctr": {"model": {"optimizer": "torch.optim.SGD"}}}).sections["ctr"]["model"][
        "optimizer"
    ]
    assert optimizer["class_path"] == "torch.optim.SGD"
    assert "betas" not in optimizer["init_args"]


def test_dotted_words_win(parse):
    experiment = parse("--ctr.model.optimizer.lr=0.3", "--profile.trainer.max_epochs=3", "--seed=5")
    assert experiment.sections["ctr"]["model"]["optimizer"]["init_args"]["lr"] == 0.3
    assert experiment.sections["profile"]["trainer"]["max_epochs"] == 3
    assert experiment.settings.seed == 5


def test_a_nested_file_is_found_beside_the_file_that_names_it(parse, tmp_path):
    (tmp_path / "nets").mkdir()
    net = {"class_path": "userip_lightning.ctr.networks.dcn.DCN", "init_args": {"dropout": 0.75}}
    (tmp_path / "nets" / "dcn.yaml").write_text(yaml.safe_dump(net))
    experiment = parse({"ctr": {"model": {"net": "nets/dcn.yaml"}}})
    assert experiment.sections["ctr"]["model"]["net"]["init_args"]["dropout"] == 0.75


def test_the_merged_configuration_gives_the_same_experiment_again(parse, tmp_path):
    experiment = parse("--output=elsewhere", "--seeds=[3]")
    file = tmp_path / "merged.yaml"
    file.write_text(experiment.merged)
    again = parse_experiment(experiment_parser("fit", ""), ["--config", str(file)])
    assert again.sections == experiment.sections
    assert again.data == experiment.data
    assert again.settings.seeds == [3]
    assert "elsewhere" not in experiment.merged


def test_stages_keep_their_order(parse):
    assert parse("--stages=report,catalogue").stages == ("catalogue", "report")


def test_the_catalogue_engine_makes_the_codes_unless_the_papers_is_asked_for(parse):
    assert parse().stages == ("prepare", "catalogue", "ctr", "report")
    assert parse("--engine=per_user").stages == ("prepare", "profile", "quantize", "ctr", "report")


def test_sizes_are_the_papers_and_others_replace_them(parse):
    plain = parse().sections
    assert plain["catalogue"]["model"]["sizes"] == {"hobby": 4, "background": 3}
    assert plain["quantize"]["model"]["sizes"] == {"hobby": 4, "background": 3}
    for more in ({"profiles": {"taste": {"size": 12}}}, {"catalogue": {"model": {"sizes": {"taste": 12}}}}):
        sections = parse(more).sections
        assert sections["catalogue"]["model"]["sizes"] == {"taste": 12}
        assert sections["quantize"]["model"]["sizes"] == {"taste": 12}


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"ctr": {"model": {"lr": 1}}}, "ctr.model.lr"),
        ({"profil": {"trainer": {"max_epochs": 1}}}, "profil"),
        ({"ctr": {"data": {"prepared": "x"}}}, "ctr.data.prepared"),
        ("--ctr.trainer.loger=1", "ctr.trainer.loger"),
        ("--see=1", "see"),
        ("--ctr.model.l2=much", "ctr.model.l2"),
        ("--wandb.mode=sometimes", "wandb.mode"),
        ("--controls=[magic]", "controls"),
        ("--config=missing.yaml", "missing.yaml"),
    ],
)
def test_what_cannot_be_configured_is_refused_by_name(parse, more, named):
    with pytest.raises(argparse.ArgumentError, match=named):
        parse(more)


@pytest.mark.parametrize(
    ("word", "named"),
    [
        ("--stages=profile,codes", "--stages"),
        ("--stages=", "--stages"),
        ("--seeds=[]", "seeds"),
        ("--seeds=[1,1]", "seeds"),
        ("--experiment=a/b", "experiment"),
    ],
)
def test_values_that_make_no_sense_are_refused(parse, word, named):
    with pytest.raises(InputError, match=named):
        parse(word)
