"""Rows of ReLLa: which are drawn, what their prompts show, and what the leak audit hears of."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from transformers import AutoTokenizer

from userip_lightning.artifact import writing
from userip_lightning.baselines.rella.data import ReLLaDataModule
from userip_lightning.baselines.rella.prompt import ReLLaPrompt
from userip_lightning.data.prepared import PreparedData
from userip_lightning.errors import InputError
from userip_lightning.schema import SUPPORT, TEST, TRAIN, VAL


def rewritten(folder, prepared, events, items=None):
    """Prepared data with other events, or items."""
    with writing(folder, replace(prepared.manifest, files={})) as draft:
        events.write_parquet(draft / "events.parquet")
        (prepared.items if items is None else items).write_parquet(draft / "items.parquet")
        prepared.users.write_parquet(draft / "users.parquet")
    return str(folder)


def tokens(prompts):
    return {
        int(row): prompts.ids[first:last].tolist()
        for row, first, last in zip(prompts.row_id, prompts.offset, prompts.offset[1:], strict=False)
    }


def test_judged_rows_are_the_same_for_every_seed_and_training_rows_are_not(ready):
    chosen = {"train_rows": 20, "val_rows": 6, "test_rows": 8}
    (_, one), (_, other) = ready(data={**chosen, "seed": 0}), ready(data={**chosen, "seed": 1})
    assert one.judged.equals(other.judged)
    assert one.judged["split"].value_counts().sort("split").rows() == [(TEST, 8), (VAL, 6)]
    assert sorted(one.judged["row_id"]) == sorted([*one.prompts(VAL).row_id, *one.prompts(TEST).row_id])
    given = [int(row) for batch in one.test_dataloader() for row in batch.row_id]
    assert sorted(given) == sorted(one.judged["row_id"])
    assert set(one.prompts(TRAIN).row_id) != set(other.prompts(TRAIN).row_id)
    assert len(set(one.prompts(TRAIN).row_id)) == 20


def test_without_a_number_all_rows_count(ready, cold):
    _, data = ready(data={"train_rows": None, "mixed": False})
    prepared = PreparedData.load(cold)
    for split in (TRAIN, VAL, TEST):
        assert data.prompts(split).row_id.tolist() == prepared.rows(split)["row_id"].to_list()


def test_every_training_row_comes_with_retrieved_and_with_latest_behaviours(ready):
    (_, mixed), (_, plain) = ready(), ready(data={"mixed": False})
    both, one = mixed.prompts(TRAIN), plain.prompts(TRAIN)
    assert both.row_id.tolist() == one.row_id.tolist() * 2
    assert both.ids[: one.offset[-1]].tolist() == one.ids.tolist()
    assert both.ids[one.offset[-1] :].tolist() != one.ids.tolist()
    assert mixed.prompts(VAL).ids.tolist() == plain.prompts(VAL).ids.tolist()


def test_rows_seen_are_trained_on_or_shown_and_none_is_judged(ready, cold):
    _, data = ready()
    prepared = PreparedData.load(cold)
    seen = set(data.rows_seen.tolist())
    trained = set(data.prompts(TRAIN).row_id.tolist())
    shown = {row for split in (TRAIN, VAL, TEST) for row in data.prompts(split).shown.tolist()}
    assert seen == trained | shown
    assert seen <= set(prepared.rows(TRAIN, SUPPORT)["row_id"])
    assert shown & set(prepared.rows(SUPPORT)["row_id"])  # cold users have support rows alone
    assert not seen & set(prepared.judged_rows().tolist())


def test_control_tokens_within_a_title_are_letters(ready, cold, tiny_llama, tmp_path):
    prepared = PreparedData.load(cold)
    items = prepared.items.with_columns(title="</s> " + pl.col("title"))
    _, data = ready(data={"prepared": rewritten(tmp_path / "prepared", prepared, prepared.events, items)})
    end = AutoTokenizer.from_pretrained(tiny_llama).eos_token_id
    (_, plain), told = ready(), data.prompts(TEST).ids.tolist()
    assert told.count(end) == plain.prompts(TEST).ids.tolist().count(end)
    assert len(told) > len(plain.prompts(TEST).ids)


def test_later_rows_and_judged_rows_leave_a_prompt_as_it_is(ready, cold, tmp_path):
    prepared = PreparedData.load(cold)
    everything = {"train_rows": None, "mixed": False, "behaviours": 12}
    _, data = ready(data=everything)
    train, test = tokens(data.prompts(TRAIN)), tokens(data.prompts(TEST))
    last = prepared.rows(TRAIN).sort("timestamp", "row_id").group_by("user", maintain_order=True).last()
    changed = pl.col("row_id").is_in(last["row_id"].to_list()) | pl.col("split").is_in([VAL, TEST])
    events = prepared.events.with_columns(
        rating=pl.when(changed).then(6 - pl.col("rating")).otherwise(pl.col("rating")),
        label=pl.when(changed).then(1 - pl.col("label")).otherwise(pl.col("label")).cast(pl.Int8),
    )
    _, other = ready(data={**everything, "prepared": rewritten(tmp_path / "changed", prepared, events)})
    latest = prepared.rows(TRAIN)["timestamp"].max()
    assert latest is not None
    assert tokens(other.prompts(TRAIN)) == train  # nothing came after a user's last row
    cold_users = set(prepared.rows(SUPPORT)["user"]) - set(prepared.rows(TRAIN)["user"])
    untouched = prepared.rows(TEST).filter(pl.col("user").is_in(list(cold_users)))["row_id"].to_list()
    assert untouched
    assert [tokens(other.prompts(TEST))[row] for row in untouched] == [test[row] for row in untouched]


def test_prompts_are_what_the_template_says(ready, cold, spell):
    module, data = ready({"prompt": ReLLaPrompt(user="Hobby: {hobby}.")}, {"behaviours": 2})
    prepared = PreparedData.load(cold)
    text = spell(tokens(data.prompts(TEST))[int(data.prompts(TEST).row_id[0])])
    row = prepared.rows(TEST).row(0, named=True)
    hobby = prepared.users["hobby"][row["user"]]
    assert text.startswith(f"<s>Hobby: {hobby}.\n")
    assert f'Does the user like "{prepared.items["title"][row["item"]]}"?' in text
    assert module.prompt.hash != ReLLaPrompt().hash


def test_judged_rows_of_one_class_are_refused(ready, cold, tmp_path):
    prepared = PreparedData.load(cold)
    label = pl.when(pl.col("split") == VAL).then(1).otherwise(pl.col("label")).cast(pl.Int8)
    folder = rewritten(tmp_path / "one", prepared, prepared.events.with_columns(label=label))
    with pytest.raises(InputError, match=r"all \d+ judged rows of the split 'val' have label 1"):
        ready(data={"prepared": folder})


def test_an_empty_split_is_refused(ready, cold, tmp_path):
    prepared = PreparedData.load(cold)
    folder = rewritten(tmp_path / "empty", prepared, prepared.events.filter(pl.col("split") != TEST))
    with pytest.raises(InputError, match="the split 'test' has no rows"):
        ready(data={"prepared": folder})


def test_several_processes_are_refused(ready):
    _, data = ready()
    data.trainer = type("Two", (), {"world_size": 2})()
    with pytest.raises(InputError, match="runs in one process"):
        data.setup("fit")


@pytest.mark.parametrize("name", ["behaviours", "train_rows", "val_rows", "batch_size", "max_tokens"])
def test_a_number_below_one_is_refused(name):
    with pytest.raises(InputError, match=f"rella.data.{name} is 0"):
        ReLLaDataModule("anywhere", **{name: 0})
    with pytest.raises(InputError, match="seed is -1"):
        ReLLaDataModule("anywhere", seed=-1)


def test_the_context_of_the_model_limits_prompts(ready):
    _, data = ready(data={"behaviours": 12, "max_tokens": 100_000, "train_rows": None})
    longest = max(int(data.prompts(split).length.max()) for split in (TRAIN, VAL, TEST))
    assert longest <= 256  # of tiny_llama
    assert np.all(data.prompts(TRAIN).length > 0)
