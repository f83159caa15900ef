"""What explains a row, and how it is cut."""

import polars as pl
import pytest
from tokenizers import decoders
from transformers import AutoTokenizer

from userip_lightning.baselines.pepler.rows import IGNORED
from userip_lightning.baselines.pepler.texts import decode, write_texts
from userip_lightning.errors import InputError

ITEMS = pl.DataFrame(
    {
        "title": ["Toy Story", None, "Babe"],
        "genres": ["Comedy", "Drama", ""],
        "item": [0, 1, 2],
    }
)
EVENTS = pl.DataFrame(
    {
        "item": [0, 0, 1, 1, 2, 0],
        "review": ["  the best of all films by far ", "   ", None, "good", None, "never"],
        "logged": [True, True, True, True, True, False],
    }
)


@pytest.fixture(scope="module")
def tokenizer(tiny_llama):
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama)
    tokenizer.backend_tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def texts_of(tokenizer, item="{title}", tokens=40):
    found = write_texts(EVENTS, ITEMS, item, tokenizer, tokens)
    words = [decode(found.ids[place].tolist(), tokenizer) if place >= 0 else None for place in found.place]
    return words, found


def test_a_review_comes_before_the_item_and_a_sampled_negative_has_no_text(tokenizer):
    words, found = texts_of(tokenizer)
    assert words == ["the best of all films by far", "Toy Story", None, "good", "Babe", None]
    assert found.kind.to_list() == ["review", "item", "none", "review", "item", "none"]


def test_an_item_without_a_wanted_field_has_no_text(tokenizer):
    words, _ = texts_of(tokenizer, "{title}, {genres}")
    assert words == ["the best of all films by far", "Toy Story, Comedy", None, "good", None, None]


def test_texts_are_cut_and_end_with_the_end_of_text(tokenizer):
    whole = tokenizer("the best of all films by far", add_special_tokens=False)["input_ids"]
    _, found = texts_of(tokenizer, tokens=3)
    assert found.ids.shape == (5, 4)  # three items, two reviews
    assert found.ids[found.place[0]].tolist() == [*whole[:3], tokenizer.eos_token_id]
    _, found = texts_of(tokenizer)
    ids = found.ids[found.place[0]].tolist()
    assert ids[: len(whole) + 1] == [*whole, tokenizer.eos_token_id]
    assert set(ids[len(whole) + 1 :]) == {IGNORED}


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("{brand}", "'brand' is no column of the items"),
        ("{title", "is no template"),
        ("{}", "is no template"),
    ],
)
def test_impossible_item_texts_are_refused(tokenizer, item, message):
    with pytest.raises(InputError, match=message):
        texts_of(tokenizer, item)


def test_words_end_where_the_text_ends(tokenizer):
    ids = tokenizer("Toy Story", add_special_tokens=False)["input_ids"]
    assert decode([*ids, tokenizer.eos_token_id, *ids], tokenizer) == "Toy Story"
    assert decode([*ids, IGNORED], tokenizer) == "Toy Story"
    assert decode([], tokenizer) == ""


def test_letters_of_a_control_token_do_not_end_a_text(tokenizer):
    end = tokenizer.eos_token
    items = ITEMS.with_columns(title=pl.lit(f"Toy {end} Story"))
    events = EVENTS.with_columns(review=pl.lit(f"cut {end} here"))
    assert tokenizer.eos_token_id in tokenizer(f"cut {end} here", add_special_tokens=False)["input_ids"]
    ids = write_texts(events, items, "{title}", tokenizer, 40).ids
    assert all((row == tokenizer.eos_token_id).sum() == 1 for row in ids)
