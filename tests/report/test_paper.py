import pytest

from userip_lightning.report.paper import DATASETS, paper_figure
from userip_lightning.report.statistics.metrics import auc_improvement, logloss_improvement


def test_a_cell_of_every_table_by_hand():
    assert paper_figure("games", "random", "ids", "DCN") == (0.7317, 0.7744)  # Table 2
    assert paper_figure("yelp", "random", "ids", "fibinet") == (0.7243, 0.5621)
    assert paper_figure("movies", "random", "ids", "DCN + z") == (0.7966, 0.4636)  # Table 3
    assert paper_figure("clothing", "random", "ids", "UserIP-ONN") == (0.6140, 0.5021)  # Table 4


def test_language_model_baselines_are_found_by_their_labels():
    assert paper_figure("clothing", "random", "ids", "KAR") == (0.6003, 0.5925)
    assert paper_figure("movies", "random", "ids", "PEPLER") == (0.8095, 0.4726)
    assert paper_figure("yelp", "random", "ids", "ReLLa") == (0.7290, 0.5587)


def test_where_the_paper_has_no_figure_there_is_none():
    assert paper_figure("ml100k", "random", "ids", "DCN") is None
    assert paper_figure("games", "temporal", "ids", "DCN") is None
    assert paper_figure("games", "random", "rich", "DCN") is None
    assert paper_figure("games", "random", "ids", "biased MF") is None


@pytest.mark.parametrize(
    ("dataset", "best", "auc_percent", "logloss_percent"),
    [
        ("clothing", "DCN", 4.5548, 3.8199),
        ("movies", "DCN", 0.5336, 0.3482),
        ("games", "DCN", 3.2755, 6.2992),
        ("yelp", "PNN", 1.1937, 0.2879),
    ],
)
def test_equations_10_and_11_give_the_last_row_of_table_2(dataset, best, auc_percent, logloss_percent):
    """Up to the rounding of the printed figures; ``best`` is the best row of a network without codes."""
    ours, theirs = (paper_figure(dataset, "random", "ids", method) for method in ("UserIP-DCN", best))
    assert 100 * auc_improvement(ours.auc, theirs.auc) == pytest.approx(auc_percent, abs=0.03)
    assert 100 * logloss_improvement(ours.logloss, theirs.logloss) == pytest.approx(logloss_percent, abs=0.03)


def test_every_method_has_a_figure_for_every_dataset():
    assert all(paper_figure(dataset, "random", "ids", "AutoInt") for dataset in DATASETS)
