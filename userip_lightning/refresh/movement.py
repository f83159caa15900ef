"""Who moved: the codes of the same users before and after a refresh."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.plural import plural


class Movement(NamedTuple):
    """What a refresh changed.

    Args:
        users: in the bank before.
        new_users: in it now and not before.
        active: of ``users``, those with an event among the new ones.
        moved: of ``users``, those with another code in some profile.
        transitions: profile → [K, K], users from a code (row) to a code (column).
        drift: profile → half the sum over codes of how far its share of users changed, new users included;
            0 if shares are as before, 1 if they have nothing in common.
        events: new ones.
        unknown_events: of them, those on items that the table does not have.
    """

    users: int
    new_users: int
    active: int
    moved: int
    transitions: dict[str, list[list[int]]]
    drift: dict[str, float]
    events: int
    unknown_events: int

    @property
    def moved_share(self) -> float:
        """Of the users in the bank before, 0 where there were none."""
        return self.moved / max(self.users, 1)

    @property
    def unknown_share(self) -> float:
        """Of the new events, 0 where there were none."""
        return self.unknown_events / max(self.events, 1)

    def as_json(self) -> dict[str, object]:
        """All of it, with the shares."""
        return {**self._asdict(), "moved_share": self.moved_share, "unknown_share": self.unknown_share}

    def sentences(self) -> list[str]:
        """For people, one per line."""
        lines = [
            f"{plural(self.events, 'new event')}, {self.unknown_share:.1%} of them on items that the table "
            "lacks",
            f"{self.active:,} of {plural(self.users, 'user')} with new events, "
            f"{plural(self.new_users, 'new user')}",
            f"{plural(self.moved, 'user')} moved to another code, {self.moved_share:.1%}"
            + (f", or {self.moved / self.active:.1%} of those with new events" if self.active else ""),
        ]
        for name, counts in self.transitions.items():
            lines.append(
                f"{name}, shares of codes moved by {self.drift[name]:.1%}; users from code (row) to code:"
            )
            lines += _grid(counts)
        return lines


def movement(
    before: pl.DataFrame,
    after: pl.DataFrame,
    sizes: dict[str, int],
    active: pl.Series,
    events: int,
    unknown_events: int,
) -> Movement:
    """Compare two banks.

    Args:
        before: ``user_id`` and one code per profile.
        after: the same and perhaps further users.
        sizes: K_p by profile name.
        active: ids of the users with new events.
        events: how many new ones.
        unknown_events: of them, on items without a row in the table.
    """
    both = before.join(after, on="user_id", suffix="_after")
    changed = pl.any_horizontal(pl.col(name) != pl.col(f"{name}_after") for name in sizes)
    transitions, drift = {}, {}
    for name, size in sizes.items():
        pair = (both[name].to_numpy(), both[f"{name}_after"].to_numpy())
        counts = np.zeros((size, size), dtype=np.int64)
        np.add.at(counts, pair, 1)
        transitions[name] = counts.tolist()
        shares = [_shares(bank[name].to_numpy(), size) for bank in (before, after)]
        drift[name] = float(np.abs(shares[0] - shares[1]).sum() / 2)
    return Movement(
        users=before.height,
        new_users=after.height - both.height,
        active=before.filter(pl.col("user_id").is_in(active.implode())).height,
        moved=both.filter(changed).height,
        transitions=transitions,
        drift=drift,
        events=events,
        unknown_events=unknown_events,
    )


def _shares(codes: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    return np.bincount(codes, minlength=size) / max(codes.size, 1)


def _grid(counts: Sequence[Sequence[int]]) -> list[str]:
    """A table of numbers, right-aligned."""
    width = max(len(f"{count:,}") for row in counts for count in row)
    return ["  " + "  ".join(f"{count:>{width},}" for count in row) for row in counts]
