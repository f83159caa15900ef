"""Rounded figures add up to the same bits in any order."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from userip_lightning.catalogue.exact_sums import rounded


def test_figures_move_by_half_a_step_at_most_and_float32_holds_them() -> None:
    figures = np.random.default_rng(0).normal(scale=20, size=(100, 12))
    found = rounded(figures)
    assert np.abs(found - figures).max() <= 2.0**-17
    assert np.array_equal(found, found.astype(np.float32))
    assert np.array_equal(found, np.round(found * 2**16) / 2**16)


def test_a_figure_beyond_what_float32_holds_exactly_is_held_within() -> None:
    assert rounded(np.array([1e9, -np.inf])).tolist() == [128 - 2.0**-16, -128 + 2.0**-16]


@settings(max_examples=50, deadline=None)
@given(figures=st.lists(st.floats(-127, 127), min_size=2, max_size=40), seed=st.integers(0, 2**32 - 1))
def test_sums_do_not_depend_on_the_order(figures: list[float], seed: int) -> None:
    terms = rounded(np.array(figures))
    moved = np.random.default_rng(seed).permutation(terms)
    forth, back = np.cumsum(terms)[-1], np.cumsum(moved)[-1]
    assert forth == back
