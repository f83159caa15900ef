"""Codes for anybody: whole logs at once, one user after one more event, and why a user has their code.

    profiler = Profiler.load("runs/demo/catalogue/KEY/bank")
    profiler.codes(events)                       # a log of many users
    state = profiler.start()                     # a new user
    profiler.update(state, item="m17")           # one more event, in place
    profiler.code(state)

The rule is that of the bank (docs/codes.md), and sums are exact: whichever way a user's events come in,
they have the same state and the same codes, bit for bit. What an id is, says :mod:`userip_lightning.ids`.
Polars is loaded with the first whole log; one user's next event does not need it.
"""

from __future__ import annotations

from functools import cached_property
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from userip_lightning.arrays import Floats, open_array
from userip_lightning.bank import FeatureBank
from userip_lightning.errors import InputError
from userip_lightning.ids import Ids
from userip_lightning.serving.additive_sums import AdditiveSums
from userip_lightning.serving.item_rows import ItemRows
from userip_lightning.serving.joint_sums import Ints, JointSums
from userip_lightning.serving.stored_states import StoredStates, require_state

if TYPE_CHECKING:
    import polars as pl

    from userip_lightning.serving.user_groups import UserGroups

#: Column of :meth:`Profiler.codes` beside the codes: how many events a code rests on.
BEHAVIOURS = "known_behaviours"
_FIGURES = 2**23  # that are gathered at once


class States(NamedTuple):
    """U users, sorted by id.

    Args:
        user_ids: [U].
        states: [U, W].
        known: [U], how many events each state rests on.
    """

    user_ids: NDArray[np.str_]
    states: Floats
    known: Ints


class Profiler:
    """The table of a bank; made by :meth:`load`.

    A state is a float64 vector of W figures, one for every class of the table: Π K_p of them, or 16 where
    codebooks are additive.

    Args:
        bank: that holds the table.
        items: its items.
        sums: its figures.
    """

    def __init__(self, bank: FeatureBank, items: ItemRows, sums: JointSums) -> None:
        self.bank = bank
        self.items = items
        self.sums = sums
        self.names = bank.names
        self.sizes = bank.sizes
        self.explicit = bank.manifest.extra["events"] == "labelled items"
        self.additive = isinstance(sums, AdditiveSums)
        self._combinations = list(np.ndindex(*self.sizes))

    @staticmethod
    def load(path: str | Path) -> Profiler:
        """Open the table of a bank.

        Args:
            path: the bank's folder, or that of one of its versions.

        Raises:
            InputError: no bank there, one without a table, or a file that is corrupt.
        """
        bank = FeatureBank.open(path)
        codebooks = bank.manifest.extra.get("codebooks")
        if codebooks == "factorised":
            raise InputError(
                f"{bank.path}: an earlier version made this bank, with factorised codebooks. Its codes can "
                "be looked up; to code others, run `userip fit` again."
            )
        if codebooks not in ("joint", "additive"):
            raise InputError(
                f"{bank.path}: this bank has the codes of its own users and no table that codes others; name "
                "a bank that `userip fit` made with the catalogue engine."
            )
        load = AdditiveSums.load if codebooks == "additive" else JointSums.load
        items = ItemRows(open_array(bank.path / "item_ids.npy", "U", (None,)).tolist())
        profiler = Profiler(bank, items, load(bank.path))
        kinds, classes = len(profiler.items) * (1 + profiler.explicit), profiler.sums.combinations
        if profiler.sums.events != kinds or classes != prod(bank.sizes):
            raise InputError(
                f"{bank.path}: the bank's table is corrupt ({profiler.sums.events} events × {classes} codes, "
                f"expected {kinds} × {prod(bank.sizes)}); delete it and write it again."
            )
        return profiler

    def codes(self, events: pl.DataFrame, allow_foreign: bool = False) -> pl.DataFrame:
        """Codes of everybody in a log.

        Args:
            events: one row per event, in any order: ``user_id``, ``item_id``, and of explicit logs ``label``,
                1 liked, 0 not. In implicit logs an event is what was liked; where they have a column
                ``label``, rows with a 0 are no events. Repeated rows count repeatedly.
            allow_foreign: whether no item at all has to be known, as may be in a handful of new users; by
                default that is taken for a log of another catalogue.

        Returns:
            ``user_id`` (String), an Int64 column per profile, and ``known_behaviours``, sorted by user_id.
            Rows without a user id are nobody's; those of an unknown item, or without one, count for nothing
            but make their user appear. A user without a known event has the codes that the classes' shares
            alone speak for, as in the bank; with joint codebooks most users have these. How many rows were
            left out: ``events.height`` less the sum of ``known_behaviours``.

        Raises:
            InputError: a missing column, an id or label that is none, or a log of another catalogue.
        """
        import polars as pl

        groups = self._groups(events, allow_foreign)
        found = np.empty((groups.user_ids.len(), len(self.names)), dtype=np.int64)
        for users in groups.chunks(self._at_once):
            found[users] = self.decode(self._states(groups, users))
        codes = {name: found[:, p] for p, name in enumerate(self.names)}
        frame = pl.DataFrame({"user_id": groups.user_ids, **codes, BEHAVIOURS: np.diff(groups.offset)})
        return frame[groups.user_ids.arg_sort()]

    def states(self, events: pl.DataFrame, allow_foreign: bool = False) -> States:
        """As :meth:`codes`, what the events add up to; all U × W figures have to fit into memory."""
        groups = self._groups(events, allow_foreign)
        order = groups.user_ids.arg_sort().to_numpy()
        found = np.empty((len(order), self.sums.width))
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        for users in groups.chunks(self._at_once):
            found[place[users]] = self._states(groups, users)
        names = groups.user_ids.to_numpy().astype(np.str_)[order]
        return States(names, found, np.diff(groups.offset)[order])

    def decode(self, states: Floats) -> Ints:
        """States [U, W] → codes [U, P]."""
        return np.stack(np.unravel_index(self.sums.best(states), self.sizes), axis=1).astype(np.int64)

    def stored(self, user_ids: Ids) -> Floats:
        """[N] user ids → [N, W] states of the bank's users, and fresh states of others.

        A later log is added to them by ``stored(ids) + states - start()``. The first call reads all ids.

        Raises:
            InputError: the bank was written before banks kept states, or its version was deleted since it
                was opened.
        """
        return self._stored.of(user_ids, self.start())

    def add_items(self, items: pl.DataFrame) -> None:
        """Put items into the table that the log of the fit did not have, by what their texts alone say.

        An item gets the row of one with this text that nobody had had; states and codes so far stay as they
        are. It lasts as long as this object does. Give many items in one call: the table is copied.

        Args:
            items: ``item_id`` and the columns that make an item's text in the experiment
                (``catalogue.data.columns``, the title if nothing else was set). An item with a blank text, or
                without a known word, says what such items say. Where the fit read no texts, or none that
                differ, no column is needed, and new items differ in nothing.

        Raises:
            InputError: an item is there already, an id is missing or comes with two texts, a column is
                missing, the bank has no rows for new items (one from before this version, one whose text
                source learns from the log, one with the recommendation loss), or the language model that
                reads the texts is not there.
        """
        import polars as pl

        from userip_lightning.serving.new_items import NewItems

        new_items = NewItems.load(self.bank)
        new = new_items.read(items)
        there = new["item_id"].filter(pl.Series(self.items.find(new["item_id"]) >= 0))
        if there.len():
            raise InputError(
                f"new items: {there.len()} of {new.height} are in the table already, the first one is "
                f"{there[0]!r}; leave them out, their rows come from events."
            )
        self.sums = self.sums.extended(new_items.rows(new["text"].to_list()))
        self.items = ItemRows([*self.items.names, *new["item_id"].to_list()])

    def start(self) -> Floats:
        """The state [W] of a user without events."""
        return self.sums.start()

    def update(self, state: Floats, item: str | int | float | None, label: int = 1) -> bool:
        """Put one more event into a state [W], in place; returns whether its item is known.

        Args:
            state: of :meth:`start`, :meth:`states` or :meth:`stored`.
            item: its id.
            label: 1 liked, 0 not; in an implicit log an event with 0 is none.

        Raises:
            InputError: another label, a broken id, or no writeable float64 vector of W figures.
        """
        return self._add(state, item, label, 1)

    def take_back(self, state: Floats, item: str | int | float | None, label: int = 1) -> bool:
        """Undo :meth:`update` with the same item and label, whatever came between; restores every bit."""
        return self._add(state, item, label, -1)

    def code(self, state: Floats) -> tuple[int, ...]:
        """A state [W] → a code per profile; InputError where it is no float64 vector of W figures."""
        require_state(state, self.sums.width)
        return self._combinations[int(self.sums.scores(state).argmax())]

    def posterior(self, state: Floats) -> Floats:
        """A state [W], as for :meth:`code` → probabilities of all combinations of codes, [K_1, .., K_P].

        Raises:
            InputError: no such state, or codebooks are additive, whose codes are no classes.
        """
        require_state(state, self.sums.width)
        if self.additive:
            raise InputError(
                f"{self.bank.path}: codes of additive codebooks are no classes and have no probabilities; "
                "fit with catalogue.model.codebooks: joint."
            )
        scores = self.sums.scores(state)
        odds = np.exp(scores - scores.max())
        return np.asarray(odds / odds.sum()).reshape(self.sizes)

    def explain(self, events: pl.DataFrame) -> pl.DataFrame:
        """Which of a user's events speak for their codes, and how much.

        Args:
            events: of one user, as for :meth:`codes`; ``user_id`` may be left out.

        Returns:
            A row per known event, the most telling one first: ``item_id``, ``label`` of explicit logs, and
            ``nats``, by how much it raises the log-odds of the user's codes over the likeliest other ones.
            They add up to these log-odds less what the frequency of codes says (of :meth:`start`).

        Raises:
            InputError: as :meth:`codes`, or there is more than one user.
        """
        import polars as pl

        if "user_id" not in events.columns:
            events = events.with_columns(user_id=pl.lit("one"))
        users, rows = self._rows(events, allow_foreign=True)
        there = (users.str.strip_chars() != "").fill_null(False)
        if users.filter(there).n_unique() > 1:
            raise InputError(f"explain: events of {users.filter(there).n_unique()} users; give those of one.")
        rows = rows[there.to_numpy() & (rows >= 0)]
        scores = self.sums.scores(self.sums.states(rows, np.array([0, len(rows)]))[0]).ravel()
        best, *others = np.argsort(-scores, kind="stable")[:2]
        nats = self.sums.nats(rows, best)
        for other in others:  # one, unless there is a single combination of codes
            nats = nats - self.sums.nats(rows, other)
        label = {"label": rows // len(self.items)} if self.explicit else {}
        item_ids = self.items.ids.gather(rows % len(self.items))
        found = pl.DataFrame({"item_id": item_ids, **label, "nats": nats})
        return found.sort("nats", descending=True, maintain_order=True)

    @cached_property
    def _stored(self) -> StoredStates:
        return StoredStates(self.bank, self.sums.width)

    @property
    def _at_once(self) -> int:
        """Users, and events, that are held as figures."""
        return max(1, _FIGURES // self.sums.width)

    def _add(self, state: Floats, item: str | int | float | None, label: int, times: int) -> bool:
        require_state(state, self.sums.width, writeable=True)
        if label not in (0, 1):
            raise InputError(f"label: {label!r} given, expected 1 for liked or 0 for not.")
        row = self.items.row(item)
        if row is None or not (label or self.explicit):
            return False
        self.sums.add(state, row + len(self.items) if self.explicit and label else row, times)
        return True

    def _states(self, groups: UserGroups, users: slice) -> Floats:
        offset = groups.offset[users.start : users.stop + 1]
        return self.sums.states(groups.rows[offset[0] : offset[-1]], offset - offset[0])

    def _groups(self, events: pl.DataFrame, allow_foreign: bool) -> UserGroups:
        from userip_lightning.serving.user_groups import UserGroups

        return UserGroups.of(*self._rows(events, allow_foreign))

    def _rows(self, events: pl.DataFrame, allow_foreign: bool) -> tuple[pl.Series, Ints]:
        """User ids [N], and rows of the table [N], -1 where an event is not known."""
        from userip_lightning.serving.event_log import read_log, refuse_foreign

        log = read_log(events, self.explicit)
        item, liked = self.items.find(log["item_id"]), log["label"].to_numpy() == 1
        if not allow_foreign and (item < 0).all():
            given = log["item_id"].filter(log["item_id"].str.strip_chars() != "")
            if given.len():
                refuse_foreign("events", given, self.items.ids)
        if not self.explicit:
            return log["user_id"], np.where(liked, item, -1)
        return log["user_id"], np.where(item < 0, -1, item + liked * len(self.items))
