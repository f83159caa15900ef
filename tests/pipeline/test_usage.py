"""Peak memory that was given back is still the peak."""

import time

import numpy as np
import psutil

from userip_lightning.pipeline.usage import PERIOD, Usage


def test_the_peak_outlives_the_memory():
    with Usage() as usage:
        held = np.ones(50_000_000)  # 400 MB
        time.sleep(4 * PERIOD)
        del held
        left = psutil.Process().memory_info().rss
    assert usage.peak_rss > left + 300e6
    assert usage.wall_s >= 4 * PERIOD
