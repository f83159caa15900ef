"""Task texts and behaviours to ids, segments, positions and sources."""

import numpy as np
import pytest

from tests.lm.test_prompt import Letters, template
from tests.profile.written import Groups, write
from userip_lightning.errors import InputError
from userip_lightning.profile.prompt_bodies import BodyWriter


def test_body_in_the_paper_s_order() -> None:
    body = write(BodyWriter(template(independent=False), Letters()), [[[[10, 11], [12]], [[13]]]])
    assert body.ids.tolist() == [ord("L"), 10, 11, ord(";"), 12, ord(";"), ord("D"), 13, ord(";")]
    assert body.target.tolist() == [False, True, True, False, True, False, False, True, False]
    assert body.position.tolist() == list(range(9))
    assert body.source.tolist() == list(range(-1, 8))


def test_independent_behaviours_restart_after_their_task_text() -> None:
    body = write(BodyWriter(template(), Letters()), [[[[10, 11], [12]], [[13]]]])
    assert body.segment.tolist() == [3, 5, 5, 5, 6, 6, 4, 7, 7]
    assert body.head.tolist() == [3, 3, 3, 3, 3, 3, 4, 4, 4]
    assert body.position.tolist() == [0, 1, 2, 3, 1, 2, 0, 1, 2]
    # the first token of an item is told by its task text
    assert body.source.tolist() == [-1, 0, 1, 2, 0, 4, -1, 6, 7]


def test_an_empty_group_takes_its_task_text_along() -> None:
    body = write(BodyWriter(template(), Letters()), [[[], [[13]]]])
    assert body.ids.tolist() == [ord("D"), 13, ord(";")]


def test_task_texts_of_several_tokens() -> None:
    body = write(BodyWriter(template(liked="LM", separator=""), Letters()), [[[[10], [11, 12]], []]])
    assert body.ids.tolist() == [ord("L"), ord("M"), 10, 11, 12]
    assert body.position.tolist() == [0, 1, 2, 2, 3]
    assert body.source.tolist() == [-1, 0, 1, 1, 3]


@pytest.mark.parametrize("independent", [False, True])
def test_users_are_written_as_if_each_were_alone(independent: bool) -> None:
    writer = BodyWriter(template(independent=independent, disliked="Dx"), Letters())
    rng = np.random.default_rng(0)
    users: list[Groups] = [
        [
            [rng.integers(9, size=rng.integers(1, 4)).tolist() for _ in range(rng.integers(4))]
            for _ in range(2)
        ]
        for _ in range(30)
    ]
    together = write(writer, users)
    for user, groups in enumerate(users):
        alone = write(writer, [groups])
        span = slice(together.offset[user], together.offset[user + 1])
        for name in ("ids", "target", "segment", "head", "position", "source"):
            assert np.array_equal(getattr(together, name)[span], getattr(alone, name)), (user, name)


def test_rows_are_padded_on_the_right() -> None:
    bodies = write(BodyWriter(template(), Letters()), [[[[10]], []], [[], []], [[[11, 12]], []]])
    rows = bodies.rows(np.array([2, 0]), 5)
    assert rows["valid"].tolist() == [[True, True, True, True, False], [True, True, True, False, False]]
    assert rows["ids"].tolist() == [[ord("L"), 11, 12, ord(";"), 0], [ord("L"), 10, ord(";"), 0, 0]]
    assert rows["target"].tolist() == [[False, True, True, False, False], [False, True, False, False, False]]
    assert rows["segment"][1].tolist() == [3, 5, 5, -2, -2]


def test_an_empty_task_text_is_refused() -> None:
    with pytest.raises(InputError, match="task text"):
        BodyWriter(template(liked=""), Letters())
