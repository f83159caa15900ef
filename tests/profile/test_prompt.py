"""Prompt template to ids with named spans."""

import pytest

from userip_lightning.errors import InputError
from userip_lightning.profile.prompt import ProfileName, PromptTemplate, build_prefix


class Letters:
    """One token per letter; the id is the code point."""

    bos_token_id: int | None = 1

    def __call__(self, text: str, *, add_special_tokens: bool) -> dict[str, list[int]]:
        assert not add_special_tokens
        return {"input_ids": [ord(letter) for letter in text]}


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
