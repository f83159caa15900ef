"""Prompt template to ids with named spans."""

import pytest

from userip_lightning.errors import InputError
from userip_lightning.profile.prompt import BodyWriter, ProfileName, PromptTemplate, build_prefix


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


def test_body_in_the_paper_s_order() -> None:
    writer = BodyWriter(template(independent=False), Letters())
    body = writer.write([[[10, 11], [12]], [[13]]])
    assert body.ids == [ord("L"), 10, 11, ord(";"), 12, ord(";"), ord("D"), 13, ord(";")]
    assert body.target == [False, True, True, False, True, False, False, True, False]
    assert body.position == list(range(9))
    assert body.source == list(range(-1, 8))


def test_independent_behaviours_restart_after_their_task_text() -> None:
    body = BodyWriter(template(), Letters()).write([[[10, 11], [12]], [[13]]])
    assert body.segment == [3, 5, 5, 5, 6, 6, 4, 7, 7]
    assert body.head == [3, 3, 3, 3, 3, 3, 4, 4, 4]
    assert body.position == [0, 1, 2, 3, 1, 2, 0, 1, 2]
    assert body.source == [-1, 0, 1, 2, 0, 4, -1, 6, 7]  # the first token of an item is told by its task text


def test_an_empty_group_takes_its_task_text_along() -> None:
    body = BodyWriter(template(), Letters()).write([[], [[13]]])
    assert body.ids == [ord("D"), 13, ord(";")]


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


def test_an_empty_task_text_is_refused() -> None:
    with pytest.raises(InputError, match="task text"):
        BodyWriter(template(liked=""), Letters())


def test_the_hash_tells_prompts_apart() -> None:
    assert template().hash == template().hash
    assert template().hash != template(liked="M").hash
