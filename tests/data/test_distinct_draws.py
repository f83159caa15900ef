import numpy as np
import pytest

from userip_lightning.data.distinct_draws import draw_distinct


def test_draws_are_distinct_and_follow_the_shares() -> None:
    size = np.array([40, 10, 50])
    members = np.random.default_rng(1).permutation(100)
    share = np.tile([0.2, 0.1, 0.7], (4000, 1))
    drawn = draw_distinct(share, members, size, 3, np.random.default_rng(0))
    assert all(len(set(row)) == 3 for row in drawn)
    group = np.repeat([0, 1, 2], size)[np.argsort(members)]
    assert np.bincount(group[drawn[:, 0]]) / 4000 == pytest.approx([0.2, 0.1, 0.7], abs=0.03)
    assert np.unique(drawn).size == 100


def test_all_items_can_be_drawn() -> None:
    share = np.array([[0.9, 0.1], [0.5, 0.5]])
    drawn = draw_distinct(share, np.arange(5), np.array([3, 2]), 5, np.random.default_rng(0))
    assert np.sort(drawn, axis=1).tolist() == [[0, 1, 2, 3, 4]] * 2
