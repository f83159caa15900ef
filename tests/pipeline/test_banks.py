"""Control banks: the codes' shape, none of their meaning."""

import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from userip_lightning.bank import FeatureBank
from userip_lightning.cli import main
from userip_lightning.pipeline.banks import KMEANS, MIXTURES, write_control
from userip_lightning.pipeline.config import experiment_parser, parse_experiment
from userip_lightning.pipeline.plan import Plan, make_plan


@pytest.fixture
def plan(finished: Path, config: Path, prepared_folder: Path, tmp_path: Path) -> Plan:
    """The finished experiment with every control, written elsewhere."""
    words = ["--config", str(config), "--output", str(finished.parent)]
    words += [
        "--controls",
        "[shuffled,random,svd_kmeans,generosity,text_kmeans,svd_text_kmeans,count_mixture]",
    ]
    made = make_plan(
        parse_experiment(experiment_parser("fit", ""), words), prepared_folder, prepared_folder.name[9:]
    )
    elsewhere = (bank._replace(target=tmp_path / bank.target.name) for bank in made.controls)
    return made._replace(controls=tuple(elsewhere))


def test_every_control_looks_like_the_codes_and_differs_from_them(plan):
    for control in plan.controls:
        write_control(control, plan.place.prepared)
        codes = FeatureBank.open(control.codes)
        users = codes.users["user_id"].to_numpy().astype(str)
        bank = FeatureBank.open(control.target)
        assert bank.users["user_id"].to_list() == users.tolist()
        if control.control in ("generosity", *KMEANS, *MIXTURES):
            assert (bank.names, bank.sizes) == ((control.control,), (math.prod(codes.sizes),))
        else:
            assert (bank.names, bank.sizes) == (codes.names, codes.sizes)
            assert not np.array_equal(bank.lookup(users), codes.lookup(users))


def test_shuffling_deals_no_codes_to_who_was_forgotten(plan, tmp_path):
    control = plan.controls[0]
    shutil.copytree(control.codes, tmp_path / "own")
    before = FeatureBank.open(tmp_path / "own").users
    user = before["user_id"][0]
    assert main(["bank", "forget", str(tmp_path / "own"), user]) == 0
    write_control(control._replace(codes=tmp_path / "own"), plan.place.prepared)
    left, dealt = FeatureBank.open(tmp_path / "own").users, FeatureBank.open(control.target).users
    assert dealt["user_id"].to_list() == left["user_id"].to_list() == before["user_id"][1:].to_list()
    names = left.columns[1:]
    assert dealt.select(names).sort(names).equals(left.select(names).sort(names))


def test_a_control_is_drawn_anew_for_every_seed(plan):
    for control in plan.controls[2:4]:
        write_control(control, plan.place.prepared)
    first, second = (FeatureBank.open(control.target).users for control in plan.controls[2:4])
    assert not first.equals(second)
