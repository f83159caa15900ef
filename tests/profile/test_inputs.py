"""What stage 1 reads of the prepared data, and what it refuses to read."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from tests.profile.runner import Run
from userip_lightning.artifact import writing
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.lm.prompt import PromptTemplate


def rewritten(
    prepared: Path,
    target: Path,
    change: Callable[[pl.DataFrame, pl.DataFrame], tuple[pl.DataFrame, pl.DataFrame]],
) -> Path:
    """A copy of the prepared artifact with other events and items, and a manifest that fits them."""
    data = PreparedData.load(prepared)
    events, items = change(data.events, data.items)
    with writing(target, data.manifest) as folder:
        events.write_parquet(folder / "events.parquet")
        items.write_parquet(folder / "items.parquet")
        data.users.write_parquet(folder / "users.parquet")
    return target


def test_a_planted_validation_row_stops_the_run(run: Run, tmp_path: Path) -> None:
    def plant(events: pl.DataFrame, items: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        planted = events.filter(pl.col("split") == "val").head(1).with_columns(split=pl.lit("train"))
        return pl.concat([events, planted]), items

    run.prepared = rewritten(run.prepared, tmp_path / "planted", plant)
    with pytest.raises(InputError, match="leak, 1 rows"):
        run.fit(tmp_path)


def test_what_happened_in_judged_rows_changes_nothing_in_stage_1(run: Run, tmp_path: Path) -> None:
    """Neither the start words, nor the behaviours, nor the rows of the recommendation loss."""

    def change(events: pl.DataFrame, items: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        judged = pl.col("split").is_in(["val", "test"])
        other = ((pl.col("item") + 1) % items.height).cast(pl.Int32)
        changed = {"item": pl.when(judged).then(other).otherwise("item")}
        changed["label"] = pl.when(judged).then(1 - pl.col("label")).otherwise("label")
        return events.with_columns(**changed), items

    first = run.fit(tmp_path / "first", epochs=1)
    run.prepared = rewritten(run.prepared, tmp_path / "changed", change)
    second = run.fit(tmp_path / "second", epochs=1)
    assert torch.equal(first.table.z, second.table.z)
    assert all(map(torch.equal, first.data.rec_rows, second.data.rec_rows))
    assert not np.array_equal(first.data.store.splits["test"].item, second.data.store.splits["test"].item)


def test_a_sampled_negative_is_no_behaviour(run: Run, tmp_path: Path) -> None:
    def sample(events: pl.DataFrame, items: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        return events.with_columns(logged=(pl.col("user") != 3) | (pl.col("item") % 2 == 0)), items

    run.prepared = rewritten(run.prepared, tmp_path / "sampled", sample)
    training = run.fit(tmp_path, epochs=1).data.store.splits["train"]
    own = training.item[training.offset[3] : training.offset[4]]
    assert len(own) > 0
    assert (own % 2 == 0).all()
    assert (training.item % 2 == 1).any()


def test_an_item_without_title(run: Run, tmp_path: Path) -> None:
    def forget(events: pl.DataFrame, items: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        first = pl.col("item") == 0
        return events, items.with_columns(title=pl.when(first).then(None).otherwise(pl.col("title")))

    run.prepared = rewritten(run.prepared, tmp_path / "untitled", forget)
    with pytest.raises(InputError, match="lacks a text for the prompt"):
        run.fit(tmp_path)
    data = run.data(allow_missing_text=True)
    run.trainer(tmp_path, 1).fit(run.module(), datamodule=data)
    assert 0 not in data.store.splits["train"].item


def test_a_user_without_text(run: Run, tmp_path: Path) -> None:
    def silence(events: pl.DataFrame, items: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        mute = (pl.col("user") == 3) & (pl.col("split") == "train")
        return events.filter(~mute), items

    run.prepared = rewritten(run.prepared, tmp_path / "silent", silence)
    with pytest.raises(InputError, match="allow_missing_text"):
        run.fit(tmp_path)
    for schedule in ("staged", "streaming"):
        module, data = run.module(schedule=schedule), run.data(allow_missing_text=True)
        run.trainer(tmp_path, 1).fit(module, datamodule=data)
        start = module._start(torch.tensor([3]))
        assert np.array_equal(module.all_vectors()[3:4], start.numpy())


def test_a_block_in_which_nobody_has_a_history(run: Run, tmp_path: Path) -> None:
    def silence(events: pl.DataFrame, items: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        return events.filter(~pl.col("user").is_between(16, 31) | (pl.col("split") != "train")), items

    run.prepared = rewritten(run.prepared, tmp_path / "silent", silence)
    module, data = run.module(schedule="streaming"), run.data(allow_missing_text=True)
    run.trainer(tmp_path, 1).fit(module, datamodule=data)
    found, start = module.all_vectors(), module._start(torch.arange(40)).numpy()
    assert np.array_equal(found[16:32], start[16:32])
    assert (found[:16] != start[:16]).reshape(16, -1).any(axis=1).all()


def test_a_history_longer_than_the_context(run: Run, tmp_path: Path) -> None:
    long = PromptTemplate(soft_tokens=2, item=" {title}" * 30)
    with pytest.raises(InputError, match=r"the language model reads 256; lower behaviours"):
        run.fit(tmp_path, prompt=long)


def test_one_item_that_is_too_long_is_named_and_can_be_cut(run: Run, tmp_path: Path) -> None:
    def lengthen(events: pl.DataFrame, items: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        shown = events.filter(pl.col("split") == "train", logged=True)["item"][0]
        long = pl.when(pl.col("item") == shown).then(pl.lit("The Very Long One " * 200)).otherwise("title")
        return events, items.with_columns(title=long)

    run.prepared = rewritten(run.prepared, tmp_path / "long", lengthen)
    items = pl.read_parquet(run.prepared / "items.parquet")
    (item,) = items.filter(pl.col("title").str.starts_with("The Very"))["item_id"]
    said = rf"item '{item}' \('The Very Long One The Very Long One \.\.\.'\) alone has \d+ tokens"
    with pytest.raises(InputError, match=rf"set prompt\.item_max_tokens: {said}"):
        run.fit(tmp_path)
    cut = PromptTemplate(soft_tokens=2, item_max_tokens=8)
    module = run.fit(tmp_path, epochs=1, prompt=cut)
    tokens = module.data.store.items
    assert np.diff(tokens.offset).max() == 8
    assert cut.hash != PromptTemplate(soft_tokens=2).hash


def test_an_unknown_field_in_the_prompt(run: Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column 'colour'"):
        run.fit(tmp_path, prompt=PromptTemplate(item=" {title} {colour}"))
