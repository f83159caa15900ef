"""Draws that depend on seed, step, user and item alone."""

import numpy as np
import polars as pl

from userip_lightning.bulk.user_events import People
from userip_lightning.profile.prompt_bodies import Tokens

ITEMS = Tokens.of([[1]] * 10)
EVERY = pl.DataFrame(
    {
        "user_id": [f"u{user}" for user in range(300) for _ in range(10)],
        "item": list(range(10)) * 300,
        "label": [item % 2 for item in range(10)] * 300,
        "row_id": range(3000),
    },
    schema_overrides={"item": pl.UInt32},
)


def drawn(events: pl.DataFrame, user: str, step: int = 0, seed: int = 0) -> list[int]:
    people = People.of(events, ITEMS, grouped=True)
    place = people.ids.to_list().index(user)
    return people.draw(np.array([place]), 4, step, seed).item.tolist()


def test_a_users_draw_does_not_see_other_users_or_the_order_of_rows():
    own = EVERY.filter(user_id="u7").reverse()
    assert drawn(own, "u7") == drawn(EVERY, "u7")
    assert drawn(EVERY.filter(pl.col("user_id") > "u5"), "u7", step=3, seed=9) == drawn(EVERY, "u7", 3, 9)


def test_users_steps_and_seeds_draw_differently():
    draws = {
        tuple(drawn(EVERY, user, step, seed)) for user in ("u1", "u2") for step in (0, 1) for seed in (0, 1)
    }
    assert len(draws) == 8


def test_every_item_is_as_likely_and_groups_do_not_mix():
    people = People.of(EVERY, ITEMS, grouped=True)
    users = np.arange(300)
    draws = [people.draw(users, 4, step, seed=0) for step in range(10)]
    counts = np.bincount(np.concatenate([draw.item for draw in draws]), minlength=10)
    assert counts.sum() == 300 * 10 * 4
    assert (abs(counts - 1200) < 5 * np.sqrt(1200 * 0.6)).all()
    for draw in draws:
        assert (np.bincount(draw.user) == 4).all()
        assert (draw.group == 1 - draw.item % 2).all()
        assert (np.diff(draw.user * 2 + draw.group) >= 0).all()


def test_an_unknown_item_is_no_behaviour_but_its_user_stays():
    events = EVERY.head(3).with_columns(item=pl.Series([None, None, 2], dtype=pl.UInt32))
    events = events.with_columns(user_id=pl.Series(["a", "b", "b"]))
    people = People.of(events, ITEMS, grouped=True)
    assert people.ids.to_list() == ["a", "b"]
    assert np.diff(people.behaviours.offset).tolist() == [0, 1]
