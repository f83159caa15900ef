"""Table 1 of the paper (arXiv 2408.06577): its four data sets after filtering, to put beside one's own."""

from __future__ import annotations

from typing import NamedTuple


class DatasetFigures(NamedTuple):
    """A row of the table."""

    interactions: int
    users: int
    items: int
    sparsity_percent: float


PAPER_TABLE1 = {
    "Clothing": DatasetFigures(179_223, 38_764, 22_919, 99.98),
    "Movies": DatasetFigures(441_783, 7_506, 7_360, 99.20),
    "Games": DatasetFigures(19_927, 2_490, 8_912, 99.91),
    "Yelp": DatasetFigures(1_293_247, 27_147, 20_266, 99.76),
}
