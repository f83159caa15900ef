"""Further items beside those of the training."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from userip_lightning.artifact import Manifest
from userip_lightning.bulk.prompt_items import KIND, Catalogue, extend, read_items
from userip_lightning.errors import InputError
from userip_lightning.lm.source import load_tokenizer
from userip_lightning.profile.behaviour_store import BehaviourStore

FURTHER = pl.DataFrame({"item_id": ["x", "y"], "title": ["Zyzzyva Returns", None]})


@pytest.fixture(scope="module")
def extended(trained) -> tuple[BehaviourStore, Catalogue]:
    tokenizer, prompt = load_tokenizer(trained.recipe.lm), trained.recipe.prompt
    store = BehaviourStore.open(trained.prepared, prompt, tokenizer, allow_missing=False)
    known = pl.read_parquet(trained.prepared / "items.parquet")
    return store, extend(store, known, FURTHER, 40, prompt, tokenizer)


def test_the_trainings_items_and_the_weights_of_their_words_stay(extended):
    store, catalogue = extended
    count = len(store.items.offset) - 1
    assert np.array_equal(catalogue.items.offset[: count + 1], store.items.offset)
    assert np.array_equal(catalogue.items.ids[: len(store.items.ids)], store.items.ids)
    for item in range(count):
        old, new = (
            tokens.ids[slice(*tokens.offset[item : item + 2])]
            for tokens in (store.words.of_items, catalogue.words.of_items)
        )
        assert np.array_equal(store.words.idf[old], catalogue.words.idf[new])
        for one, other in zip(old, new, strict=True):
            spelt = store.words.spelling.ids[slice(*store.words.spelling.offset[one : one + 2])]
            assert np.array_equal(
                spelt,
                catalogue.words.spelling.ids[slice(*catalogue.words.spelling.offset[other : other + 2])],
            )


def test_further_items_are_cut_as_those_of_the_training(trained):
    tokenizer = load_tokenizer(trained.recipe.lm)
    short = replace(trained.recipe.prompt, item_max_tokens=3)
    store = BehaviourStore.open(trained.prepared, short, tokenizer, allow_missing=False)
    known = pl.read_parquet(trained.prepared / "items.parquet")
    long = pl.DataFrame({"item_id": ["x"], "title": ["Zyzzyva Returns " * 1000]})
    catalogue = extend(store, known, long, 40, short, tokenizer)
    lengths = np.diff(catalogue.items.offset)
    assert lengths.max() == lengths[-1] == 3
    assert catalogue.ids[-1] == "x"


def test_a_word_that_nobody_met_weighs_most_and_an_item_without_text_is_empty(extended):
    store, catalogue = extended
    lengths = np.diff(catalogue.items.offset)[-2:]
    assert lengths[0] > 0
    assert lengths[1] == 0
    words = catalogue.words.of_items
    new = words.ids[words.offset[-3] : words.offset[-2]]
    assert len(new) == 2
    assert catalogue.words.idf[new[0]] == pytest.approx(1 + np.log(41))
    assert catalogue.words.idf.max() == catalogue.words.idf[new[0]] > store.words.idf.max()


def test_what_is_saved_is_loaded(extended, tmp_path):
    _, catalogue = extended
    catalogue.save(tmp_path / "c", Manifest(KIND, "c", "d", 40))
    found = Catalogue.load(tmp_path / "c")
    assert np.array_equal(found.items.ids, catalogue.items.ids)
    assert np.array_equal(found.words.spelling.offset, catalogue.words.spelling.offset)
    assert np.array_equal(found.words.idf, catalogue.words.idf)


def test_items_that_cannot_be_used_are_refused(trained, tmp_path):
    file, prompt = tmp_path / "items.parquet", trained.recipe.prompt
    FURTHER.drop("title").write_parquet(file)
    with pytest.raises(InputError, match="column 'title' is missing"):
        read_items(file, prompt)
    FURTHER.with_columns(item_id=pl.lit("x")).write_parquet(file)
    with pytest.raises(InputError, match="item_id 'x' comes twice with different texts"):
        read_items(file, prompt)
    FURTHER.with_columns(item_id=pl.lit(1.5)).write_parquet(file)
    with pytest.raises(InputError, match=r"row 1 has item_id 1\.5, expected a string"):
        read_items(file, prompt)
    FURTHER.with_columns(item_id=pl.int_range(pl.len()).cast(pl.Float64)).write_parquet(file)
    assert read_items(file, prompt)["item_id"][0] == "0"
    file.write_text("x")
    with pytest.raises(InputError, match="no Parquet file of items"):
        read_items(file, prompt)
