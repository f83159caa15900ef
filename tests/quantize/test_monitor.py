import pytest
import torch

from userip_lightning.quantize.monitor import flips, relative_perplexity, usage


def test_usage_counts_unused_codes_too() -> None:
    assert usage(torch.tensor([0, 2, 2]), 4).tolist() == [1, 0, 2, 0]


def test_perplexity_spans_collapse_to_even_use() -> None:
    assert float(relative_perplexity(torch.tensor([5, 0, 0, 0]))) == pytest.approx(0.25)
    assert float(relative_perplexity(torch.tensor([5, 5, 5, 5]))) == pytest.approx(1)
    assert float(relative_perplexity(torch.tensor([6, 6, 0, 0]))) == pytest.approx(0.5)


def test_flips() -> None:
    assert int(flips(torch.tensor([0, 1, 2]), torch.tensor([0, 2, 1]))) == 2
