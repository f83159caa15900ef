"""From a source to the ``prepared`` artifact: read, filter, index, split, label, thin, write.

The filter comes before the split, and labels after it, because negatives are sampled within a split. The log
may be larger than memory: what is held of an event are its row id, codes, rating, timestamp, label and split.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.artifact import MANIFEST, Manifest, read_manifest, stable_hash, writing
from userip_lightning.atomic import scratch, write_text
from userip_lightning.data.event_file import COLUMNS, write_events
from userip_lightning.data.kcore import KCoreMode
from userip_lightning.data.labels import Labels, RatingThreshold
from userip_lightning.data.parsing.rejects import REJECTED, Rejects
from userip_lightning.data.prepared import KIND
from userip_lightning.data.selection import Selection
from userip_lightning.data.sources.source import Source
from userip_lightning.data.splits import RandomSplit, Split
from userip_lightning.data.statistics import STATS, alike, describe
from userip_lightning.data.stored_log import StoredLog, store
from userip_lightning.data.thinning import thin
from userip_lightning.data.tools.card import CARD, data_card
from userip_lightning.errors import InputError
from userip_lightning.plural import plural
from userip_lightning.schema import SPLITS, TEST, TRAIN, VAL

#: Part of the hash: raise it when the same settings would give other events.
_REVISION = 6
_OURS = ("row_id", "user", "item", "logged")


class _Prepared(NamedTuple):
    """N rows, of which the first M are events of the log and the others sampled negatives.

    Args:
        events: [N] rows with dense indices, without their text.
        places: [M], of the events in the log.
        users: their users, in order of their index.
        items: likewise.
        steps: the counts after every step.
    """

    events: pl.DataFrame
    places: NDArray[np.int64]
    users: pl.DataFrame
    items: pl.DataFrame
    steps: list[dict[str, object]]


class Preparation:
    """Everything that decides what the stages see.

    Args:
        source: the log.
        k_core: fewest interactions of a user and of an item; 1 keeps all.
        k_core_mode: repeat the filter to a ``fixed_point``, or a ``single_pass``.
        labels: what counts as a positive.
        split: which events are for training, support, validation and test.
        max_users: keep this many users, drawn at random, for a small machine.
        train_users: keep this many of the users with train events, drawn at random after split and labels: a
            smaller log to learn from. Users with support events stay, and so do the rows that judge them.
        duplicates: ``refuse`` events that agree in everything except their review, or ``drop`` all except the
            first of them and count the others.
        max_bad_rows: how many rows of the source may be unusable; they are left out, counted and listed.
        seed: decides everything random here.
    """

    def __init__(
        self,
        source: Source,
        k_core: int = 4,
        k_core_mode: KCoreMode = "fixed_point",
        labels: Labels = RatingThreshold(),  # noqa: B008, frozen
        split: Split = RandomSplit(),  # noqa: B008, frozen
        max_users: int | None = None,
        train_users: int | None = None,
        duplicates: Literal["refuse", "drop"] = "refuse",
        max_bad_rows: int = 0,
        seed: int = 0,
    ) -> None:
        self.source, self.labels, self.split = source, labels, split
        self.k_core, self.k_core_mode = k_core, k_core_mode
        self.max_users, self.train_users = max_users, train_users
        self.duplicates, self.max_bad_rows, self.seed = duplicates, max_bad_rows, seed

    def identity(self) -> dict[str, object]:
        """Settings and file contents that decide the result; paths do not.

        Raises:
            InputError: a file of the source is missing.
        """
        return {
            "revision": _REVISION,
            "source": self.source.identity(),
            "k_core": [self.k_core, self.k_core_mode],
            "labels": [type(self.labels).__name__, vars(self.labels)],
            "split": [type(self.split).__name__, self.split.identity()],
            "max_users": self.max_users,
            "train_users": self.train_users,
            "duplicates": self.duplicates,
            "max_bad_rows": self.max_bad_rows,
            "seed": self.seed,
        }

    def run(
        self, cache_dir: str | Path, report: Callable[[str], None] = print, code: str | None = None
    ) -> Path:
        """Write ``prepared-<hash>`` into ``cache_dir``, or find it there.

        Args:
            cache_dir: shared by all experiments.
            report: is told in a sentence what was done.
            code: hash of the code that decides the result; data of another code version are not reused.

        Returns:
            The artifact's folder; read it with :class:`userip_lightning.data.prepared.PreparedData`.

        Raises:
            InputError: unusable input; more bad rows than allowed; duplicates; the filter leaves nothing;
                fewer users than ``train_users`` have train events; a split lacks positives or negatives.
        """
        identity = self.identity()
        key = stable_hash({**identity, "code": code})
        target = Path(cache_dir) / f"{KIND}-{key}"
        if _is_whole(target):
            report(f"prepared data: found {target.name}, nothing to do")
            return target
        with scratch(target) as folder, Rejects(self.max_bad_rows, folder / REJECTED) as rejects:
            log = store(self.source, folder, rejects)
            self._write(target, log, rejects, identity, report)
        return target

    def try_on(self, log: StoredLog) -> tuple[int, int, int]:
        """What :meth:`run` would make of a log that is read, but for duplicates that it may refuse.

        Args:
            log: without the rows that cannot be used; duplicates of an event are left out.

        Returns:
            Numbers of interactions, users and items; nothing is written.

        Raises:
            InputError: the filter leaves nothing; the labels or the split do not fit the log; a split lacks
                positives or negatives.
        """
        made = self._prepared(log, "drop")
        return int(made.places.size), made.users.height, made.items.height

    def _write(
        self,
        target: Path,
        log: StoredLog,
        rejects: Rejects,
        identity: dict[str, object],
        report: Callable[[str], None],
    ) -> None:
        events, places, users, items, steps = self._prepared(log, self.duplicates)
        stats = {
            "source": Path(log.origin).name,
            "rejected": dict(rejects.by_file),
            "skipped": dict(rejects.skipped),
            "repeated_rows": log.repeated,
            "missing_rows": log.missing,
            "alike_ids": {"users": alike(log.users["user_id"]), "items": alike(log.items["item_id"])},
            "steps": steps,
            **describe(events, items),
        }
        key = target.name.removeprefix(f"{KIND}-")
        with writing(target, Manifest(KIND, config_hash=key, data_hash=key, users=users.height)) as folder:
            write_events(folder / "events.parquet", log, places, events, users["user_id"], items["item_id"])
            for name, table in (("users", users), ("items", items)):
                table.write_parquet(folder / f"{name}.parquet")
            write_text(folder / STATS, json.dumps(stats, indent=2))
            write_text(folder / CARD, data_card(stats, identity))
            rejects.copy_to(folder)
        report(
            f"prepared data: {stats['interactions']:,} interactions of {plural(users.height, 'user')} with "
            f"{plural(items.height, 'item')}, {stats['positive_percent']:.1f} % positive, in {target.name}"
            f"{_left_out(steps)}"
        )

    def _prepared(self, log: StoredLog, duplicates: Literal["refuse", "drop"]) -> _Prepared:
        """What of the log is written, in memory."""
        places, steps = Selection(self.k_core, self.k_core_mode, self.max_users, duplicates, self.seed).apply(
            log
        )
        users, items = log.users[np.unique(log.user[places])], log.items[np.unique(log.item[places])]
        events = self._events(log, places, users["user_id"], items["item_id"])
        kept, thinned = thin(events, self.split, self.train_users, self.seed)
        events, places = events.filter(kept), places[kept[: places.size]]
        _require_both_classes(events)
        users, items = (_side(t, events[n], n) for t, n in ((users, "user"), (items, "item")))
        events = events.with_columns(pl.Series(n, _dense(events[n].to_numpy())) for n in ("user", "item"))
        return _Prepared(events, places, users, items, [*steps, *thinned])

    def _events(
        self, log: StoredLog, places: NDArray[np.int64], users: pl.Series, items: pl.Series
    ) -> pl.DataFrame:
        """The prepared events without their text, sampled negatives last."""
        for part in (self.labels, self.split):
            for name in part.columns:
                if name in _OURS:
                    raise InputError(
                        f"{type(part).__name__}: {name!r} is the name of a column that preparation makes; "
                        "rename the log's."
                    )
                if name not in log.columns:
                    kind, found = type(part).__name__, ", ".join(log.columns)
                    raise InputError(f"{kind}: the log has no column {name!r}, only {found}.")
        wanted = tuple(dict.fromkeys(("rating", "timestamp", *self.labels.columns, *self.split.columns)))
        events = log.gather(places, wanted).with_columns(
            row_id=pl.Series(log.row_id[places]),
            user=pl.Series(_dense(log.user[places])),
            item=pl.Series(_dense(log.item[places])),
            logged=pl.lit(True),
        )
        split = self.split.assign(events, self.seed).cast(pl.Enum(SPLITS))
        events = self.labels.apply(events.with_columns(split), users, items.len(), self.seed)
        return events.select(name for name in COLUMNS if name not in ("user_id", "item_id", "review"))


def _is_whole(target: Path) -> bool:
    """A damaged artifact is made again rather than reported: it is only a cache."""
    try:
        return (target / MANIFEST).is_file() and bool(read_manifest(target, KIND))
    except InputError:
        return False


def _left_out(steps: list[dict[str, Any]]) -> str:
    """How many interactions each step dropped; empty where all stayed."""
    left = [step["interactions"] for step in steps]
    gone = [
        f"{before - after:,} ({step['step']})"
        for step, before, after in zip(steps[1:], left, left[1:], strict=False)
        if after < before
    ]
    return f"; dropped of the log's {left[0]:,}: {', '.join(gone)}" if gone else ""


def _dense(codes: NDArray[np.int32]) -> NDArray[np.int32]:
    """The codes in use, renumbered from 0 without gaps; their order is kept."""
    used = np.bincount(codes) > 0
    return (np.cumsum(used, dtype=np.int32) - 1)[codes]


def _side(table: pl.DataFrame, codes: pl.Series, name: str) -> pl.DataFrame:
    """Rows of a table that are in use, with their dense index."""
    kept = table[np.unique(codes.to_numpy())]
    if "title" in kept.columns:
        title = pl.col("title").str.strip_chars()
        kept = kept.with_columns(title=pl.when(title != "").then(title))
    return kept.with_columns(pl.int_range(pl.len(), dtype=pl.Int32).alias(name))


def _require_both_classes(events: pl.DataFrame) -> None:
    for split in (TRAIN, VAL, TEST):
        labels = events.filter(split=split)["label"]
        if labels.n_unique() < 2:
            state = f"only {'positive' if labels[0] else 'negative'} rows" if labels.len() else "no rows"
            raise InputError(
                f"the {split} split has {state}, both classes are needed; change the labels, the split or "
                "its seed, or give more data."
            )
