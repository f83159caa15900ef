"""Which rows a batch has, and which of them bring a text."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import torch

from tests.baselines.pepler.conftest import ITEMS, TITLES, events, write
from userip_lightning.baselines.pepler.data import PEPLERDataModule
from userip_lightning.baselines.pepler.rows import IGNORED
from userip_lightning.errors import InputError
from userip_lightning.lm.source import LMSource
from userip_lightning.schema import TEST, TRAIN, VAL


@pytest.fixture
def data(prepared, tiny_llama):
    def build(folder: Path = prepared, **settings) -> PEPLERDataModule:
        module = PEPLERDataModule(str(folder), **settings)
        lm = SimpleNamespace(lm=LMSource(name=str(tiny_llama)))
        module.trainer = SimpleNamespace(lightning_module=lm)
        return module

    return build


def train_rows() -> pl.DataFrame:
    return events().filter(split=TRAIN)


def test_rows_seen_are_the_training_rows_and_judged_are_the_others(data):
    module = data()
    assert module.rows_seen.tolist() == train_rows()["row_id"].to_list()
    assert sorted(row for batch in module.train_dataloader() for row in batch.row_id.tolist()) == sorted(
        module.rows_seen
    )
    judged = events().filter(pl.col("split").is_in([VAL, TEST]))["row_id"].to_list()
    assert module.judged["row_id"].to_list() == judged
    assert sorted(row for batch in module.test_dataloader() for row in batch.row_id.tolist()) == judged
    val = [row for batch in module.val_dataloader() for row in batch.row_id.tolist()]
    assert sorted(val) == events().filter(split=VAL)["row_id"].to_list()


def test_users_and_items_without_a_training_row_share_prompt_zero(data):
    module = data()
    assert (module.users, module.items) == (5, 7)
    by_row = {row["row_id"]: row for row in events().iter_rows(named=True)}
    for loader in (module.train_dataloader(), module.test_dataloader()):
        for batch in loader:
            for user, item, label, row in zip(*(column.tolist() for column in batch[:4]), strict=True):
                assert user == (0 if by_row[row]["user"] == 5 else by_row[row]["user"] + 1)
                dense = by_row[row]["item"]
                assert item == (0 if dense == 6 else dense + 1 - (dense > 6))
                assert label == by_row[row]["label"]


def test_texts_belong_to_their_rows(data):
    module = data(batch_size=7)
    by_row = {row["row_id"]: row for row in events().iter_rows(named=True)}
    told = []
    for batch in module.train_dataloader():
        for place, ids in zip(batch.told.tolist(), batch.text.tolist(), strict=True):
            row = by_row[int(batch.row_id[place])]
            expected = row["review"] or TITLES[row["item"]]
            words = module.tokenizer(expected, add_special_tokens=False)["input_ids"][: module.tokens]
            assert [token for token in ids if token != IGNORED] == [*words, module.tokenizer.eos_token_id]
            told.append(row["row_id"])
    with_text = train_rows().filter("logged", pl.col("review").is_not_null() | (pl.col("item") < ITEMS - 1))
    assert sorted(told) == with_text["row_id"].to_list()
    kinds = module.text_kinds
    assert kinds["review"] == with_text["review"].count()
    assert kinds["review"] + kinds["item"] == with_text.height
    assert sum(kinds.values()) == train_rows().height


def test_a_share_of_every_batch_is_told_and_epochs_and_seeds_differ(data):
    module = data(batch_size=8, text_share=0.25)
    loader = module.train_dataloader()

    def told() -> list[list[int]]:
        return [batch.row_id[batch.told].tolist() for batch in loader]

    first = told()
    assert all(len(rows) <= 2 for rows in first)
    assert first == told()
    module.set_epoch(1)
    assert first != told()
    other = data(batch_size=8, text_share=0.25, seed=1).train_dataloader()
    assert first != [batch.row_id[batch.told].tolist() for batch in other]
    assert all(len(batch.told) == 0 for batch in data(text_share=0.0).train_dataloader())


def test_a_sample_of_judged_rows_brings_texts_and_in_testing_only_test_rows_do(data):
    module = data(explained_rows=3)
    val, test = (
        [batch.row_id[batch.told].tolist() for batch in loader]
        for loader in (module.val_dataloader(), module.test_dataloader())
    )
    assert sum(map(len, val)) == sum(map(len, test)) == 3
    splits = dict(events().select("row_id", "split").iter_rows())
    assert {splits[row] for rows in val for row in rows} == {VAL}
    assert {splits[row] for rows in test for row in rows} == {TEST}
    again = data(explained_rows=3)
    assert [batch.row_id[batch.told].tolist() for batch in again.val_dataloader()] == val
    reviews = {row["row_id"]: row["review"] for row in events().iter_rows(named=True)}
    rows = np.array([row for rows in test for row in rows])
    assert module.kinds_of(rows) == ["item" if reviews[row] is None else "review" for row in rows]


def test_no_judged_row_changes_a_training_batch(data, tmp_path):
    judged = pl.col("split") != TRAIN
    other = events().with_columns(
        label=pl.when(judged).then(1 - pl.col("label")).otherwise("label").cast(pl.Int8),
        review=pl.when(judged).then(pl.lit("something else")).otherwise("review"),
    )
    changed = data(write(tmp_path / "data", other))
    for one, two in zip(data().train_dataloader(), changed.train_dataloader(), strict=True):
        assert all(torch.equal(left, right) for left, right in zip(one, two, strict=True))


def test_a_log_without_any_text_is_refused(data, tmp_path):
    silent = events().with_columns(review=pl.lit(None, dtype=pl.String))
    with pytest.raises(InputError, match="no training row has a review, and no item has what"):
        data(write(tmp_path / "data", silent, [None] * ITEMS)).setup("fit")


def test_an_empty_split_is_refused(data, tmp_path):
    with pytest.raises(InputError, match="the split 'val' has no rows"):
        data(write(tmp_path / "data", events().filter(pl.col("split") != VAL))).setup("fit")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seed": -1}, "seed is -1"),
        ({"batch_size": 0}, "count from 1 up"),
        ({"tokens": 0}, "count from 1 up"),
        ({"explained_rows": -1}, "explained_rows from 0 up"),
        ({"text_share": 1.5}, "text_share is 1.5"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        PEPLERDataModule("anywhere", **settings)
