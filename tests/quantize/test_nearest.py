"""Codes from what a bank keeps are the codes of the quantizer that wrote it."""

import numpy as np
import pytest
import torch

from tests.quantize.test_module import fitted
from userip_lightning.bank import FeatureBank
from userip_lightning.errors import InputError
from userip_lightning.quantize.module import QuantizeModule
from userip_lightning.quantize.nearest import NearestCode


@pytest.mark.parametrize("code_dim", [4, None])
def test_users_get_the_codes_of_the_quantizer_that_wrote_the_bank(plant, tmp_path, code_dim):
    planted = plant(("hobby", "background"))
    module = fitted(planted, tmp_path, QuantizeModule({"hobby": 3, "background": 2}, code_dim, e_step="none"))
    bank = module.export(tmp_path / "bank")
    nearest = NearestCode.load(bank, 2)
    z = torch.from_numpy(np.array(module.data.profiles.z))
    assert torch.equal(nearest(z), module.assign(z))
    known = FeatureBank.open(bank).lookup(module.data.profiles.user_ids)
    assert np.array_equal(nearest(z).numpy(), known)  # where no user was moved, also the bank's own


def test_a_bank_without_codebooks_is_refused(plant, tmp_path):
    planted = plant()
    bank = fitted(planted, tmp_path, QuantizeModule({"hobby": 2})).export(tmp_path / "bank")
    assert FeatureBank.open(bank).path == bank
    (bank / "codebook_0.npy").unlink()
    with pytest.raises(InputError, match="this bank holds no codebooks"):
        NearestCode.load(bank, 1)


def test_other_codebooks_make_another_version(plant, tmp_path):
    planted = plant()
    module = fitted(planted, tmp_path, QuantizeModule({"hobby": 2}, e_step="none"))
    first = module.export(tmp_path / "bank")
    with torch.no_grad():
        module.quantizer.books()[0].embedding.mul_(1 + 1e-6)
    second = module.export(tmp_path / "bank", FeatureBank.open(first).manifest.config_hash)
    assert second != first
