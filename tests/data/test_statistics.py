import polars as pl
import pytest

from userip_lightning.data.statistics import describe

ITEMS = pl.DataFrame({"title": ["a", "b", "c"]})


def events(logged: list[bool], item: list[int], split: list[str]) -> pl.DataFrame:
    rows = len(item)
    return pl.DataFrame(
        {
            "user": list(range(rows)),
            "item": item,
            "label": [int(flag) for flag in logged],
            "split": split,
            "logged": logged,
            "timestamp": [0] * rows,
        }
    )


def test_the_share_of_positives_without_a_negative_of_their_item_is_told_per_split():
    yes, no = [True] * 4, [False] * 4
    whole = events(yes + no, [0, 0, 0, 1, 0, 0, 1, 2], ["train"] * 8)
    matched = events([True, False, False], [2, 2, 2], ["val"] * 3)
    found = describe(pl.concat([whole, matched]), ITEMS)["unmatched_percent"]
    assert found == {"train": pytest.approx(25.0), "val": pytest.approx(0.0)}


def test_a_log_without_sampled_negatives_has_no_such_share():
    assert describe(events([True, True], [0, 1], ["train", "val"]), ITEMS)["unmatched_percent"] == {}
