"""Stage 2 goes on from what the joint schedule trained."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.quantize.conftest import ITEMS, Planted
from tests.quantize.test_module import trainer
from userip_lightning.errors import InputError
from userip_lightning.quantize.joint_prior import QuantizePrior
from userip_lightning.quantize.module import QuantizeModule
from userip_lightning.schema import PRIOR, ProfileVectors

SIZES = {"hobby": 4, "background": 3}


def leave_prior(planted: Planted, **settings: object) -> QuantizePrior:
    """Put a prior beside the planted profiles, as the joint schedule does."""
    prior = QuantizePrior(**{"sizes": SIZES, "code_dim": 4, **settings})
    vectors = ProfileVectors.load(planted.profiles, tuple(SIZES))
    prior.setup(torch.tensor(vectors.z), tuple(prior.sizes), ITEMS, seed=3)
    torch.save(prior.state_dict(), planted.profiles / PRIOR)
    return prior


def test_stage_2_goes_on_from_the_prior(plant: Callable[..., Planted], tmp_path: Path) -> None:
    planted = plant(names=tuple(SIZES))
    prior = leave_prior(planted)
    module = QuantizeModule(SIZES, code_dim=4)
    trainer(tmp_path, 0).fit(module, planted.datamodule())
    module.on_fit_start()
    for mine, its in zip(module.quantizer.books(), prior.quantizer.books(), strict=True):
        assert torch.equal(mine.embedding, its.embedding)


def test_a_prior_of_other_sizes_is_refused(plant: Callable[..., Planted], tmp_path: Path) -> None:
    planted = plant(names=tuple(SIZES))
    leave_prior(planted, sizes={"hobby": 5, "background": 3})
    with pytest.raises(InputError, match="does not fit the prior"):
        trainer(tmp_path, 1).fit(QuantizeModule(SIZES, code_dim=4), planted.datamodule())
