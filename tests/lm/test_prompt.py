"""Prompt template to ids with named spans."""

from pathlib import Path

import pytest
from tokenizers import decoders

from userip_lightning.errors import InputError
from userip_lightning.lm.prompt import (
    ProfileName,
    PromptTemplate,
    build_prefix,
    encode_item,
    first_words,
)
from userip_lightning.lm.source import LMSource, load_tokenizer


class Letters:
    """One token per letter; the id is the code point."""

    bos_token_id: int | None = 1

    def __call__(self, text: str, *, add_special_tokens: bool) -> dict[str, list[int]]:
        assert not add_special_tokens
        return {"input_ids": [ord(letter) for letter in text]}

    def decode(self, ids: list[int]) -> str:
        return "".join(map(chr, ids))


class Bytes(Letters):
    """One token per byte, as byte-level tokenizers spell what they do not know."""

    def __call__(self, text: str, *, add_special_tokens: bool) -> dict[str, list[int]]:
        return {"input_ids": list(text.encode())}

    def decode(self, ids: list[int]) -> str:
        return bytes(ids).decode(errors="replace")


def template(**changes: object) -> PromptTemplate:
    settings = {
        "profiles": [ProfileName("h", "ab"), ProfileName("b", "c")],
        "soft_tokens": 2,
        "liked": "L",
        "disliked": "D",
        "separator": ";",
    }
    return PromptTemplate(**{**settings, **changes})


def test_prefix_spans() -> None:
    prefix = build_prefix(template(), Letters())
    assert prefix.ids == [1, ord("a"), ord("b"), 0, 0, ord("c"), 0, 0]
    assert prefix.segment == [0, 1, 1, 1, 1, 2, 2, 2]
    assert prefix.soft == [[3, 4], [6, 7]]


@pytest.mark.parametrize(
    ("text", "most", "kept"),
    [
        (" abc", None, " abc"),
        (" abc", 4, " abc"),
        (" abc", 3, " ab"),
        (" a😀b", 3, " a"),
        (" a😀b", 5, " a"),
        (" a😀b", 6, " a😀"),
        (" 😀b", 2, " 😀"),  # at least one character
        ("\u732b\u732b", 4, "\u732b"),
        ("\ufffd" * 50, 30, "\ufffd" * 10),  # what cannot be told from a part of a character is cut anywhere
        ("", 3, ""),
    ],
)
def test_an_item_is_cut_between_characters(text: str, most: int | None, kept: str) -> None:
    assert Bytes().decode(encode_item(Bytes(), text, most)) == kept


def test_a_cut_text_of_a_real_tokenizer_is_its_beginning(tiny_llama: Path) -> None:
    tokenizer = load_tokenizer(LMSource(str(tiny_llama)))
    tokenizer.backend_tokenizer.decoder = decoders.ByteLevel()
    text = " Am\u00e9lie \u732b\U0001f600 \u0416\u0438\u0437\u043d\u044c e\u0301 " * 3
    whole = encode_item(tokenizer, text, None)
    for most in range(1, len(whole)):
        ids = encode_item(tokenizer, text, most)
        assert ids == whole[: len(ids)]
        assert len(ids) <= max(most, 8)
        assert text.startswith(tokenizer.decode(ids))


def test_an_item_needs_a_token() -> None:
    with pytest.raises(InputError, match=r"prompt\.item_max_tokens: 0 given"):
        build_prefix(template(item_max_tokens=0), Letters())


def test_a_message_quotes_the_first_words() -> None:
    assert first_words(" one two ") == "one two"
    assert first_words("w " * 20) == "w w w w w w w w ..."
    assert len(first_words("x" * 10_000)) == 60


def test_prefix_without_bos() -> None:
    letters = Letters()
    letters.bos_token_id = None
    assert build_prefix(template(), letters).soft == [[2, 3], [5, 6]]


def test_an_item_needs_all_its_fields() -> None:
    prompt = template(item=" {title} ({genres})")
    assert prompt.write_item({"title": "Alien", "genres": "Horror"}) == " Alien (Horror)"
    assert prompt.write_item({"title": "Alien", "genres": None}) is None
    assert prompt.write_item({"title": ""}) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"profiles": [ProfileName("h", "")]}, "tokenizes to nothing"),
        ({"profiles": []}, "at least one profile"),
        ({"soft_tokens": 0}, "one soft token"),
        ({"profiles": [ProfileName("h", "a"), ProfileName("h", "b")]}, "not distinct"),
    ],
)
def test_prompts_that_cannot_work(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build_prefix(template(**changes), Letters())


def test_the_hash_tells_prompts_apart() -> None:
    assert template().hash == template().hash
    assert template().hash != template(liked="M").hash
