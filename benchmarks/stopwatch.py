"""The time that a benchmark of stage 1 reads."""

from __future__ import annotations

import time

import torch


def now() -> float:
    """Seconds; in one thread those of the processor, so that what others do on the machine stays out."""
    return time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()
