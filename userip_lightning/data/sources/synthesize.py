"""Planted profiles: users whose hobby and background are known, to test that they can be recovered.

User u has a hobby h(u), one of H = 4 topics, and a background b(u), one of 3. Item i has a topic t(i) and
a price level l(i). A user's events are drawn without replacement with odds

    focus / (1 - focus) for t(i) = h(u)   times   thrift / (1 - thrift) for l(i) = b(u)

and rated, on a scale from 1 to 5,

    3 + 1.1 (±1: t(i) = h(u)) + 0.6 (±1: l(i) = b(u)) + 0.5 (b(u) - 1) + noise,

so titles tell the hobby, price levels tell the background, and the label needs both. This is ours, not the
paper's.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.data.distinct_draws import draw_distinct
from userip_lightning.data.parsing.rejects import Rejects
from userip_lightning.data.sources.source import Block, Source
from userip_lightning.errors import InputError
from userip_lightning.schema import EVENT_COLUMNS

#: Invented titles are an adjective and a noun of the topic.
TOPICS: dict[str, tuple[str, str]] = {
    "gardening": (
        "Rambling Mossy Sunlit Walled Orchard Potted Evergreen Thorny",
        "Roses Greenhouse Seedlings Hedge Compost Trowel Tulips Meadow",
    ),
    "astronomy": (
        "Lunar Distant Spiral Orbiting Radiant Eclipsed Stellar Polar",
        "Telescope Comet Galaxy Nebula Saturn Observatory Meteors Constellation",
    ),
    "cooking": (
        "Simmering Smoked Buttered Spicy Roasted Pickled Crispy Homemade",
        "Dumplings Soup Oven Pastry Noodles Skillet Marmalade Curry",
    ),
    "motor racing": (
        "Turbo Roaring Qualifying Midnight Slipstream Supercharged Drifting Final",
        "Lap Grid Engine Pitstop Circuit Gearbox Rally Chequered-Flag",
    ),
}
BACKGROUNDS = ("student", "parent", "collector")
PRICE_LEVELS = ("budget", "standard", "premium")
_VERDICTS = (
    "A waste of money.",
    "Not for me.",
    "It is all right.",
    "I enjoyed it.",
    "One of the best I know.",
)
_REMARKS = (
    "I have to count every coin at college.",
    "The whole family shared it after school.",
    "It completes my shelf of first editions.",
)
# Up to so many items every user's odds for every item are drawn, beyond it a group of items first.
_FEW = 4096
_DRAWS = 1 << 22
_START, _YEAR = 1_600_000_000, 365 * 86_400


class Planted(Source):
    """Users with a planted hobby and background; their table says which.

    Args:
        users: number of users.
        rows_per_user: events of each user, all on different items.
        items_per_topic: invented titles per topic; ignored when ``titles`` is given.
        focus: share of a user's choices that the hobby claims, with equally many items in every topic.
        thrift: odds, as a share, that a price level matches the background.
        noise: standard deviation of a rating around its mean.
        seed: decides everything that is drawn.
        titles: take real items from this source instead: its four most frequent first words of
            ``topic_column`` become the hobbies.
        topic_column: column of ``titles`` that holds the topic, ``genres`` for films.
    """

    def __init__(
        self,
        users: int = 400,
        rows_per_user: int = 20,
        items_per_topic: int = 40,
        focus: float = 0.85,
        thrift: float = 0.6,
        noise: float = 0.4,
        seed: int = 0,
        titles: Source | None = None,
        topic_column: str = "genres",
    ) -> None:
        if not 0 < focus < 1 or not 0 < thrift < 1:
            raise InputError(f"Planted: focus {focus} and thrift {thrift} must lie between 0 and 1.")
        for name, value in (
            ("users", users),
            ("rows_per_user", rows_per_user),
            ("items_per_topic", items_per_topic),
        ):
            if value < 1:
                raise InputError(f"Planted: {name} is {value}, at least 1 is needed.")
        self.users, self.rows_per_user, self.items_per_topic = users, rows_per_user, items_per_topic
        self.focus, self.thrift, self.noise, self.seed = focus, thrift, noise, seed
        self.titles, self.topic_column = titles, topic_column

    def identity(self) -> dict[str, object]:
        settings = {key: value for key, value in vars(self).items() if key != "titles"}
        return {"class": "Planted", **settings, "titles": self.titles and self.titles.identity()}

    @property
    def origin(self) -> str:
        return "planted profiles"

    def blocks(self, rejects: Rejects) -> Iterator[Block]:
        """Draw the log.

        Raises:
            InputError: fewer items than ``rows_per_user``, or ``titles`` lacks the topic column.
        """
        rng = np.random.default_rng(self.seed)
        items = self._invented(rng) if self.titles is None else self._real(self.titles, rng)
        if items.height < self.rows_per_user:
            raise InputError(
                f"Planted: {self.rows_per_user} events per user need as many items, there are {items.height}."
            )
        hobbies = items["genres"].unique().sort().to_list()
        hobby = rng.permutation(np.arange(self.users) % len(hobbies))
        background = rng.permutation(np.arange(self.users) % len(BACKGROUNDS))
        topic = np.array([hobbies.index(t) for t in items["genres"]])
        level = np.array([PRICE_LEVELS.index(p) for p in items["price_level"]])
        yield Block(items=items)
        at_once = max(1, _DRAWS // max(items.height if items.height <= _FEW else 0, self.rows_per_user))
        for start in range(0, self.users, at_once):
            span = slice(start, start + at_once)
            users = pl.DataFrame(
                {
                    "user_id": [f"u{n:05d}" for n in range(self.users)[span]],
                    "hobby": [hobbies[h] for h in hobby[span]],
                    "background": [BACKGROUNDS[b] for b in background[span]],
                }
            )
            chosen = self._choose(hobby[span], background[span], topic, level, rng)
            fond, affords = hobby[span, None] == topic[chosen], background[span, None] == level[chosen]
            rating = self._rate(fond, affords, background[span], rng)
            events = self._events(users["user_id"], items["item_id"], chosen, rating, background[span], rng)
            first = start * self.rows_per_user
            yield Block(events.with_columns(pl.col("row_id") + first), users=users)

    def _invented(self, rng: np.random.Generator) -> pl.DataFrame:
        titles, topics = [], []
        for topic, (adjectives, nouns) in TOPICS.items():
            once = [f"{a} {n}" for a in adjectives.split() for n in nouns.split()]
            again = range(1, -(-self.items_per_topic // len(once)))
            every = once + [f"{title}, part {part + 1}" for part in again for title in once]
            titles += [every[j] for j in rng.permutation(len(every))[: self.items_per_topic]]
            topics += [topic] * self.items_per_topic
        return self._priced([f"i{n:04d}" for n in range(len(titles))], titles, topics, rng)

    def _real(self, source: Source, rng: np.random.Generator) -> pl.DataFrame:
        items = source.read().items
        if self.topic_column not in items.columns:
            raise InputError(
                f"Planted: the items of titles have no column {self.topic_column!r}, only "
                f"{', '.join(items.columns)}; name one of them as topic_column."
            )
        items = items.with_columns(topic=pl.col(self.topic_column).str.split(" ").list.first())
        items = items.filter(pl.col("topic").str.len_chars() > 0, pl.col("title").is_not_null())
        frequent = items["topic"].value_counts().sort(["count", "topic"], descending=[True, False])["topic"]
        items = items.filter(pl.col("topic").is_in(frequent.head(len(TOPICS)).to_list()))
        return self._priced(
            items["item_id"].to_list(), items["title"].to_list(), items["topic"].to_list(), rng
        )

    def _priced(
        self, ids: list[str], titles: list[str], topics: list[str], rng: np.random.Generator
    ) -> pl.DataFrame:
        level = rng.permutation(np.arange(len(ids)) % len(PRICE_LEVELS))
        prices = [PRICE_LEVELS[n] for n in level]
        return pl.DataFrame({"item_id": ids, "title": titles, "genres": topics, "price_level": prices})

    def _choose(
        self,
        hobby: NDArray[np.int64],
        background: NDArray[np.int64],
        topic: NDArray[np.int64],
        level: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> NDArray[np.int64]:
        """[U, N] item positions, without replacement; ``topic`` and ``level`` [I]."""
        topics, levels = len(TOPICS), len(PRICE_LEVELS)
        # A share p of the choices needs odds p / (1 - p) against the other groups taken together.
        focus = np.log(self.focus / (1 - self.focus) * (topics - 1))
        thrift = np.log(self.thrift / (1 - self.thrift) * (levels - 1))
        if topic.size <= _FEW:
            odds = (hobby[:, None] == topic) * focus + (background[:, None] == level) * thrift
            likeliest = np.argsort(-(odds + rng.gumbel(size=odds.shape)), axis=1)  # Gumbel top-k
            return np.ascontiguousarray(likeliest[:, : self.rows_per_user], dtype=np.int64)
        group = topic * levels + level
        members = np.argsort(group, kind="stable")
        size = np.bincount(group, minlength=topics * levels)
        kind = np.arange(size.size)
        odds = (hobby[:, None] == kind // levels) * focus + (background[:, None] == kind % levels) * thrift
        share = np.exp(odds) * size
        return draw_distinct(share / share.sum(axis=1, keepdims=True), members, size, self.rows_per_user, rng)

    def _rate(
        self,
        fond: NDArray[np.bool_],
        affords: NDArray[np.bool_],
        background: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> NDArray[np.int64]:
        """[U, N] ratings from 1 to 5."""
        mean = 3 + 1.1 * (2.0 * fond - 1) + 0.6 * (2.0 * affords - 1) + 0.5 * (background[:, None] - 1)
        noisy = mean + self.noise * rng.standard_normal(fond.shape)
        return np.asarray(np.clip(np.rint(noisy), 1, 5), dtype=np.int64)

    def _events(
        self,
        user_ids: pl.Series,
        item_ids: pl.Series,
        chosen: NDArray[np.int64],
        rating: NDArray[np.int64],
        background: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> pl.DataFrame:
        # Top-k puts the likeliest items first: without a shuffle, early events would differ from late ones.
        order = np.argsort(rng.random(chosen.shape), axis=1)
        chosen, rating = np.take_along_axis(chosen, order, 1), np.take_along_axis(rating, order, 1)
        time = _START + np.sort(rng.integers(0, _YEAR, size=chosen.shape), axis=1)
        user = np.repeat(np.arange(len(user_ids)), chosen.shape[1])
        reviews = [
            f"{_VERDICTS[r - 1]} {_REMARKS[b]}" for r, b in zip(rating.ravel(), background[user], strict=True)
        ]
        columns = {
            "row_id": np.arange(user.size),
            "user_id": user_ids.gather(user),
            "item_id": item_ids.gather(chosen.ravel()),
            "rating": rating.ravel(),
            "timestamp": time.ravel(),
            "review": reviews,
        }
        return pl.DataFrame(columns, schema_overrides=EVENT_COLUMNS)
