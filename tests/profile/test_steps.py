"""Blocks, ranks and batches of stage 1, without a language model."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.lm.test_prompt import Letters, template
from userip_lightning.batches import ProfileBatch, RecBatch
from userip_lightning.profile.behaviours import Behaviours
from userip_lightning.profile.prompt_bodies import BodyWriter, Tokens
from userip_lightning.profile.steps import (
    BlockSteps,
    BodySource,
    HeldOutBatches,
    JointSteps,
    RankBlocks,
    Shape,
    batches_by_length,
    padded_width,
)

ALONE = RankBlocks(0, 1)
SHAPE = Shape(block=64, batch=8, behaviours=5, inner_steps=2, seed=3)


def source(counts: NDArray[np.int64], seed: int = 0) -> BodySource:
    """Users with so many behaviours each; titles of 3 to 14 tokens, as films have them."""
    rng = np.random.default_rng(seed)
    items = Tokens.of([rng.integers(2, 99, rng.integers(3, 15)).tolist() for _ in range(50)])
    total = int(counts.sum())
    behaviours = Behaviours(
        rng.integers(50, size=total).astype(np.int32),
        rng.integers(2, size=total).astype(np.int8),
        np.concatenate([[0], counts.cumsum()]),
    )
    none = torch.empty(0)
    rows = RecBatch(none.long(), none.long(), none)
    return BodySource(behaviours, items, BodyWriter(template(), Letters()), lambda users: rows)


def counts(users: int) -> NDArray[np.int64]:
    return np.random.default_rng(1).integers(0, 12, users)


def steps(bodies: BodySource, users: int, share: RankBlocks = ALONE, **settings: Any) -> BlockSteps:
    done = settings.pop("done", frozenset())
    return BlockSteps(bodies, users, SHAPE._replace(**settings), share, lambda: 0, done)


def by_user(batches: list[ProfileBatch]) -> dict[int, list[list[int]]]:
    """Token ids that every user was shown, step by step."""
    shown: dict[int, list[list[int]]] = {}
    for batch in batches:
        for user, ids, valid in zip(batch.user.tolist(), batch.ids, batch.valid, strict=True):
            shown.setdefault(user, []).append(ids[valid].tolist())
    return shown


def test_every_user_with_a_behaviour_comes_once_per_inner_step() -> None:
    number = counts(300)
    shown = by_user([step.batch for step in steps(source(number), 300) if step.batch is not None])
    assert sorted(shown) == np.flatnonzero(number).tolist()
    assert all(len(bodies) == 2 for bodies in shown.values())
    assert any(first != second for first, second in shown.values())


def test_blocks_open_and_close_around_their_steps() -> None:
    number = counts(200)
    number[64:128] = 0  # a block in which nobody has a behaviour
    found = list(steps(source(number), 200))
    assert len(found) == len(steps(source(number), 200))
    for first, size in ((0, 64), (64, 64), (128, 64), (192, 8)):
        own = [step for step in found if step.first == first]
        assert {step.users for step in own} == {size}
        assert [step.opens for step in own] == [True] + [False] * (len(own) - 1)
        assert [step.closes for step in own] == [False] * (len(own) - 1) + [True]
        assert (own[0].batch is None) == (first == 64)


def test_a_user_s_bodies_depend_on_nobody_else_s_fate() -> None:
    """Neither on blocks that are done nor on how many processes there are nor on the size of batches."""
    bodies = source(counts(300))
    whole = by_user([step.batch for step in steps(bodies, 300) if step.batch is not None])
    rest = steps(bodies, 300, done=frozenset({0, 128}))
    resumed = by_user([step.batch for step in rest if step.batch is not None])
    assert resumed == {user: shown for user, shown in whole.items() if user // 64 not in (0, 2)}
    shared = [steps(bodies, 300, RankBlocks(rank, 3)) for rank in range(3)]
    found = [by_user([step.batch for step in own if step.batch is not None]) for own in shared]
    assert {user: shown for own in found for user, shown in own.items()} == whole
    assert sum(map(len, found)) == len(whole)
    larger = by_user([step.batch for step in steps(bodies, 300, batch=50) if step.batch is not None])
    assert larger == whole


def test_all_processes_have_as_many_steps() -> None:
    bodies = source(counts(300))
    shared = [list(steps(bodies, 300, RankBlocks(rank, 3))) for rank in range(3)]
    assert len({len(own) for own in shared}) == 1
    assert shared[2][-1].batch is None  # idle: its blocks are fewer
    assert not shared[2][-1].opens
    assert not shared[2][-1].closes


@pytest.mark.parametrize("inner_steps", [1, 4])
def test_less_than_a_twentieth_is_padding(inner_steps: int) -> None:
    number = np.random.default_rng(2).integers(1, 40, 2048)
    found = steps(source(number), 2048, block=1024, batch=16, behaviours=8, inner_steps=inner_steps)
    valid = [step.batch.valid for step in found if step.batch is not None]
    places, tokens = sum(v.numel() for v in valid), sum(int(v.sum()) for v in valid)
    assert 1 - tokens / places < 0.05
    assert len({v.shape[1] for v in valid}) < 60


def test_batches_hold_about_equally_many_tokens() -> None:
    length = np.random.default_rng(0).integers(10, 200, 1000)
    batches = batches_by_length(length, 63)
    assert sorted(np.concatenate(batches).tolist()) == list(range(1000))
    tokens = np.array([length[batch].sum() for batch in batches])
    assert tokens.max() < 1.2 * tokens.mean()
    assert len(batches) == 63


@pytest.mark.parametrize("count", [1, 2, 5])
def test_no_batch_is_empty(count: int) -> None:
    batches = batches_by_length(np.array([1, 1, 1, 1, 900]), count)
    assert len(batches) == count
    assert all(len(batch) for batch in batches)
    assert sorted(np.concatenate(batches).tolist()) == [0, 1, 2, 3, 4]


def test_widths_waste_a_sixteenth_at_most() -> None:
    for tokens in range(1, 2000):
        assert tokens <= padded_width(tokens) < tokens * 17 / 16 + 1
    assert len({padded_width(tokens) for tokens in range(128, 257)}) == 17


def test_one_with_thousands_of_behaviours_beside_one_with_one() -> None:
    bodies = source(np.array([5000, 1]))
    (step,) = steps(bodies, 2, behaviours=3, inner_steps=1)
    assert step.batch is not None
    items = [int((row >= 5).sum() > 0) and len(set(row[row >= 5].tolist())) for row in step.batch.segment]
    assert sorted(items) == [1, 3]


def test_joint_batches_are_drawn_from_everywhere_and_anew_each_epoch() -> None:
    bodies = source(counts(300) + 1)
    epoch = [0]
    joint = JointSteps(bodies, 300, SHAPE, lambda: epoch[0])
    first = [step.batch.user.tolist() for step in joint if step.batch is not None]
    assert len(first) == len(joint) == 38 * 2
    assert first[0] == first[1]  # two inner steps of the same users
    assert sorted(np.concatenate(first[::2]).tolist()) == list(range(300))
    assert max(first[0]) - min(first[0]) > 64
    assert first == [step.batch.user.tolist() for step in joint if step.batch is not None]
    epoch[0] = 1
    assert first != [step.batch.user.tolist() for step in joint if step.batch is not None]


def test_processes_judge_the_bodies_that_one_would() -> None:
    bodies = source(counts(300))
    whole = list(HeldOutBatches(bodies, 300, 100, SHAPE, ALONE))
    assert len(whole) == 13
    for world in (3, 4, 20):
        for rank in range(world):
            own = HeldOutBatches(bodies, 300, 100, SHAPE, RankBlocks(rank, world))
            batches = list(own)
            assert len(batches) == len(own) == -(-13 // world)
            for mine, theirs in zip([b for b in batches if b is not None], whole[rank::world], strict=True):
                assert theirs is not None
                assert torch.equal(mine.user, theirs.user)
                assert torch.equal(mine.ids, theirs.ids)
