"""Peak memory that was given back is still the peak."""

import time

import numpy as np

from userip_lightning.pipeline.usage import PERIOD, Usage


def test_the_peak_outlives_the_memory():
    with Usage() as idle:
        time.sleep(2 * PERIOD)
    with Usage() as busy:
        held = np.ones(50_000_000)  # 400 MB
        time.sleep(4 * PERIOD)
        del held
    assert busy.peak_rss > idle.peak_rss + 300e6
    assert busy.wall_s >= 4 * PERIOD
