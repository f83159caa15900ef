"""Stage 1's data asks its module by a typed record, and refuses another stage's module."""

from types import SimpleNamespace

import pytest
from torch.optim import SGD

from userip_lightning.profile.datamodule import ProfileDataModule
from userip_lightning.profile.module import ProfileModule
from userip_lightning.profile.settings import settings_of
from userip_lightning.quantize.module import QuantizeModule


def feeding(module) -> ProfileDataModule:
    data = ProfileDataModule("nowhere")
    data.trainer = SimpleNamespace(lightning_module=module)
    return data


def test_the_record_holds_what_the_module_was_given():
    module = ProfileModule(inner_steps=3, optimizer=lambda params: SGD(params, lr=1.0))
    found = settings_of(feeding(module))
    assert (found.inner_steps, found.schedule, found.has_prior) == (3, "staged", False)
    assert found.prompt is module.prompt
    assert found.lm is module.lm


@pytest.mark.parametrize("module", [None, QuantizeModule({"hobby": 2})])
def test_a_module_of_another_stage_is_refused(module):
    with pytest.raises(TypeError, match="feeds a ProfileModule"):
        settings_of(feeding(module))
