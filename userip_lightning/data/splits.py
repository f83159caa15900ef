"""Who sees which event: what a split is, and three of them (docs/evidence.md)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.errors import InputError
from userip_lightning.plural import plural
from userip_lightning.schema import SUPPORT, TEST, TRAIN, VAL
from userip_lightning.seeds import place_generator

Ratios = tuple[float, float, float]
_ADVICE = "take another split"


class Split(ABC):
    """Chosen in YAML by ``class_path``."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the log that :meth:`assign` reads besides ``timestamp``."""
        return ()

    def identity(self) -> dict[str, object]:
        """Whatever decides the split: settings and file contents, never paths.

        Raises:
            InputError: a file is missing.
        """
        return vars(self)

    @abstractmethod
    def assign(self, events: pl.DataFrame, seed: int) -> pl.Series:
        """The split of every event.

        Args:
            events: ``row_id``, ``user``, ``item``, ``timestamp`` and :attr:`columns`, in order of ``row_id``.
            seed: decides everything random.

        Returns:
            A String series named ``split``, one value per event.

        Raises:
            InputError: the events do not allow this split.
        """

    def kept(self, events: pl.DataFrame, seed: int) -> NDArray[np.bool_]:
        """Which rows stay once they are labelled; all of them unless a split says otherwise.

        Args:
            events: what :meth:`assign` got with ``split``, ``label`` and ``logged``, and after them the
                sampled negatives, equally many per event, in the order of their events.
            seed: that of :meth:`assign`.

        Returns:
            [N] bool.
        """
        return np.ones(events.height, dtype=np.bool_)


@dataclass(frozen=True)
class RandomSplit(Split):
    """Events at random; the paper's 8:1:1.

    Args:
        ratios: parts of train, validation and test.
    """

    ratios: Ratios = (8.0, 1.0, 1.0)

    def assign(self, events: pl.DataFrame, seed: int) -> pl.Series:
        rank = np.random.default_rng(seed).permutation(events.height)
        train, judged = _cuts(self.ratios, events.height)
        return _named(rank < train, rank < judged)


@dataclass(frozen=True)
class TemporalSplit(Split):
    """Past, near future and future by global time; events of one second stay together.

    Args:
        ratios: parts of train, validation and test.
    """

    ratios: Ratios = (8.0, 1.0, 1.0)

    def assign(self, events: pl.DataFrame, seed: int) -> pl.Series:
        if events["timestamp"].null_count():
            raise InputError(f"TemporalSplit: some events have no timestamp; {_ADVICE}.")
        first = events.group_by("user").agg(pl.col("timestamp").min())["timestamp"]
        if first.max() == 0:
            raise InputError(
                "TemporalSplit: the timestamps are positions in a history, which say nothing about global "
                f"time; {_ADVICE}."
            )
        time = events["timestamp"].to_numpy()
        ordered = np.sort(time)
        train, judged = _cuts(self.ratios, events.height)
        return _named(time <= ordered[train - 1], time <= ordered[judged - 1])


@dataclass(frozen=True)
class ColdUsers(Split):
    """Some users are absent from CTR training: a few events support their profile, the rest judge it.

    Warm users are in train altogether. Cold users have ``support`` events in support; the others are
    validation for one half of them and test for the other half, so no user is in both.

    Args:
        fraction: cold share of all users.
        support: events per cold user that stages 1 and 2 may see.
        choose: the ``earliest`` events support, as they would in service, or ``random`` ones.
        show: so many of the ``support`` events are kept, drawn at random, and the others are left out of the
            data; null keeps all. What is judged stays the same, and more is shown by adding to what was.
    """

    fraction: float = 0.2
    support: int = 10
    choose: Literal["earliest", "random"] = "earliest"
    show: int | None = None

    def assign(self, events: pl.DataFrame, seed: int) -> pl.Series:
        if self.show is not None and not 0 < self.show <= self.support:
            raise InputError(
                f"ColdUsers: show is {self.show}, expected 1 to {self.support}, the support, or null "
                "for all of it."
            )
        if self.choose == "earliest" and events["timestamp"].null_count():
            raise InputError("ColdUsers: some events have no timestamp; set choose to random.")
        rng = np.random.default_rng(seed)
        user = events["user"].to_numpy()
        rows = np.bincount(user)
        able = np.flatnonzero(rows > self.support)
        wanted = round(self.fraction * np.count_nonzero(rows))
        if wanted < 2 or able.size < wanted or wanted == rows.size:
            raise InputError(
                f"ColdUsers: {plural(wanted, 'cold user')} wanted, {able.size} of "
                f"{plural(rows.size, 'user')} with more than {plural(self.support, 'event')}; at least 2 "
                "and some warm ones are needed, so lower support or change fraction."
            )
        cold = rng.permutation(able)[:wanted]
        group = np.zeros(rows.size, dtype=np.int64)  # 0 warm, 1 validation, 2 test
        group[cold[: wanted // 2]] = 1
        group[cold[wanted // 2 :]] = 2
        order = rng.random(user.size) if self.choose == "random" else events["timestamp"].to_numpy()
        group = np.where((_position(user, order) < self.support) & (group[user] > 0), 3, group[user])
        return pl.Series("split", [TRAIN, VAL, TEST, SUPPORT]).gather(group)

    def kept(self, events: pl.DataFrame, seed: int) -> NDArray[np.bool_]:
        if self.show is None:
            return super().kept(events, seed)
        logged = events.filter("logged")
        support = np.flatnonzero((logged["split"] == SUPPORT).to_numpy())
        user = logged["user"].to_numpy()[support]
        hidden = _position(user, place_generator(seed, 1).random(user.size)) >= self.show
        kept = np.ones(logged.height, dtype=np.bool_)
        kept[support[hidden]] = False
        negatives = events.height // logged.height - 1
        return np.concatenate([kept, np.repeat(kept, negatives)])


def _position(user: NDArray[np.int32], order: NDArray[np.generic]) -> NDArray[np.int64]:
    """Place of every event among its user's events, by ``order``, ties as they come."""
    by_user = np.lexsort((np.arange(user.size), order, user))
    first = np.searchsorted(user[by_user], user[by_user], side="left")
    position = np.empty(user.size, dtype=np.int64)
    position[by_user] = np.arange(user.size) - first
    return position


def _cuts(ratios: Ratios, rows: int) -> tuple[int, int]:
    """Ends of train and validation among ``rows`` ordered events."""
    if min(ratios) <= 0:
        raise InputError(f"split ratios {ratios}: every part must be above 0.")
    if rows < len(ratios):
        raise InputError(f"{rows} events cannot be split into train, validation and test; give more data.")
    train, val, _ = (ratio / sum(ratios) for ratio in ratios)
    return max(1, round(train * rows)), max(2, round((train + val) * rows))


def _named(train: NDArray[np.bool_], judged: NDArray[np.bool_]) -> pl.Series:
    """Train where ``train``, else validation where ``judged``, else test."""
    group = np.where(train, 0, np.where(judged, 1, 2))
    return pl.Series("split", [TRAIN, VAL, TEST]).gather(group)
