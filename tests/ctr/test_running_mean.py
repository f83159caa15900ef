import math

import torch

from userip_lightning.ctr.running_mean import RunningMean


def test_the_mean_is_over_rows_and_starts_anew() -> None:
    mean = RunningMean()
    mean.add(torch.tensor(1.0), 3)
    mean.add(torch.tensor(5.0), 1)
    assert mean.take().item() == 2.0
    mean.add(torch.tensor(7.0), 2)
    assert mean.take().item() == 7.0


def test_the_mean_of_nothing_is_nan() -> None:
    assert math.isnan(RunningMean().take().item())
