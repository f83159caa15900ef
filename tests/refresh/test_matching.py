"""New codes take the names of the old ones that had the same users."""

import numpy as np

from userip_lightning.refresh.matching import matched


def test_renamed_codes_get_their_names_back():
    rng = np.random.default_rng(0)
    before = rng.integers(0, 6, 500)
    renaming = rng.permutation(6)
    moved = rng.random(500) < 0.2
    after = np.where(moved, rng.integers(0, 6, 500), renaming[before])

    found = matched(before, after, 6)

    np.testing.assert_array_equal(found, renaming)


def test_codes_without_users_keep_their_names():
    before = np.array([0, 0, 3, 3])
    np.testing.assert_array_equal(matched(before, before, 5), np.arange(5))
    np.testing.assert_array_equal(matched(before, np.array([3, 3, 0, 0]), 5), [3, 1, 2, 0, 4])


def test_most_users_stay_where_they_were():
    before = np.array([0] * 10 + [1] * 10)
    after = np.array([1] * 6 + [0] * 4 + [1] * 9 + [0])
    # as they are: 4 + 9 users stay; exchanged: 6 + 1
    np.testing.assert_array_equal(matched(before, after, 2), [0, 1])
