"""Draws of an epoch, of a batch in it and of a whole run are different draws.

numpy pads a sequence of numbers with zeros, so that the seeds [s, e] and [s, e, 0] are one; keys of
``SeedSequence.spawn_key`` are told apart by their length as well.
"""

import ast
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from userip_lightning.data.row_sampler import RowBatchSampler
from userip_lightning.lm.word_vectors import WordVectors
from userip_lightning.profile.module import ProfileModule
from userip_lightning.profile.start import random_start
from userip_lightning.profile.steps import Shape
from userip_lightning.quantize.module import QuantizeModule

PACKAGE = Path(__file__).parent.parent / "userip_lightning"


def sequences(file: Path) -> list[int]:
    """Lines where a seed is a sequence of numbers."""
    calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    return [
        call.lineno
        for call in calls
        if ast.unparse(call.func).rpartition(".")[2] in ("default_rng", "SeedSequence")
        and call.args
        and isinstance(call.args[0], ast.List | ast.Tuple)
    ]


def test_no_seed_is_a_sequence_that_numpy_pads():
    found = {file: sequences(file) for file in PACKAGE.rglob("*.py")}
    assert {str(file): lines for file, lines in found.items() if lines} == {}


def test_steps_of_a_profile_draw_anew_at_every_place():
    shape = Shape(block=4, batch=2, behaviours=3, inner_steps=1, seed=5)
    drawn = [shape.rng(*place).random() for place in [(), (0,), (0, 0), (0, 0, 0), (1,), (0, 1)]]
    assert len(set(drawn)) == len(drawn)
    assert shape.rng(0, 0).random() == drawn[2]


def test_an_epoch_its_first_batch_and_the_m_steps_after_it_have_seeds_of_their_own():
    quantize, profile = QuantizeModule({"hobby": 2}, seed=5), ProfileModule(seed=5)
    assert len({quantize._derived_seed(), quantize._derived_seed(0), quantize._derived_seed(1)}) == 3
    assert len({profile._derived_seed(0), profile._derived_seed(0, 0), profile._derived_seed(1)}) == 3


def test_the_first_user_starts_from_no_seed_of_a_batch():
    words = WordVectors(nn.Embedding.from_pretrained(torch.randn(50, 8)))
    start = random_start(torch.tensor([0]), (1, 1, 8), words, 5).flatten()
    module = ProfileModule(seed=5)
    for place in [(0,), (0, 0)]:
        noise = torch.randn(8, generator=torch.Generator().manual_seed(module._derived_seed(*place)))
        assert abs(float(torch.corrcoef(torch.stack([noise, start]))[0, 1])) < 0.99


@pytest.mark.parametrize("epochs", list(combinations(range(3), 2)))
def test_the_order_of_an_epoch_is_not_that_of_another_nor_of_the_seed_alone(epochs):
    sampler, orders = RowBatchSampler(50, 50, 5), []
    for epoch in epochs:
        sampler.set_epoch(epoch)
        orders.append(next(iter(sampler)))
    seed = int(np.random.SeedSequence(5).generate_state(1)[0])
    alone = torch.randperm(50, generator=torch.Generator().manual_seed(seed))
    for one, other in combinations([*orders, alone], 2):
        assert not torch.equal(one, other)
