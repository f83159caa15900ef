"""A class named in a configuration starts from its own defaults, not from those of the class it replaces."""

import pytest
import torch

from userip_lightning.pipeline.config import experiment_parser, parse_experiment
from userip_lightning.pipeline.stages import CTR, PROFILE, QUANTIZE, stage_parser

ADAMW = {"class_path": "torch.optim.AdamW", "init_args": {"lr": 0.01}}
SECTIONS = {
    "profile": {"model": {}, "data": {"prepared": "somewhere"}},
    "quantize": {"model": {}, "data": {"prepared": "somewhere", "profiles": "elsewhere"}},
    "ctr": {"model": {}, "data": {"prepared": "somewhere"}},
}


def built(stage, key, optimizer):
    section = SECTIONS[stage.name]
    section = {**section, "model": {**section["model"], key: optimizer}}
    parser = stage_parser(stage)
    factory = parser.instantiate(parser.parse_object(section)).model
    return getattr(factory, key)([torch.nn.Parameter(torch.zeros(1))])


@pytest.mark.parametrize(
    ("stage", "key"),
    [
        (PROFILE, "optimizer"),
        (QUANTIZE, "optimizer"),
        (QUANTIZE, "user_optimizer"),
        (CTR, "optimizer"),
    ],
)
def test_adamw_has_torchs_own_weight_decay(stage, key):
    group = built(stage, key, ADAMW).param_groups[0]
    assert (group["lr"], group["weight_decay"]) == (0.01, 0.01)


def test_the_class_before_hands_nothing_on_not_even_the_learning_rate():
    adamw = built(PROFILE, "optimizer", {"class_path": "torch.optim.AdamW"})
    assert adamw.param_groups[0]["lr"] == 0.001


def test_the_same_class_keeps_what_is_not_given():
    adam = built(PROFILE, "optimizer", {"class_path": "torch.optim.Adam", "init_args": {"eps": 1e-6}})
    assert (adam.param_groups[0]["lr"], adam.param_groups[0]["eps"]) == (0.01, 1e-6)


def test_a_later_file_and_the_command_line_start_afresh_too(tmp_path):
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(
        "data: {source: {class_path: MovieLens100K, init_args: {path: ml}}}\n"
        "ctr: {model: {optimizer: {class_path: torch.optim.Adam, init_args: {lr: 0.5, weight_decay: 0.5}}}}\n"
    )
    second.write_text("ctr: {model: {optimizer: {class_path: torch.optim.AdamW, init_args: {lr: 0.01}}}}\n")
    words = ["--config", str(first), "--config", str(second)]

    def given(*more):
        experiment = parse_experiment(experiment_parser("fit", ""), [*words, *more])
        return experiment.sections["ctr"]["model"]["optimizer"]["init_args"]

    assert given()["weight_decay"] == 0.01
    more = ["--ctr.model.optimizer", "torch.optim.SGD", "--ctr.model.optimizer.momentum", "0.5"]
    assert {name: given(*more)[name] for name in ("lr", "momentum", "weight_decay")} == {
        "lr": 0.001,
        "momentum": 0.5,
        "weight_decay": 0.0,
    }
