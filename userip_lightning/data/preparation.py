"""From a source to the ``prepared`` artifact: filter, index, split, label, write.

The order matters: duplicates come first (they would count towards k), then users are sampled (so that the
k-core holds for those who stay), then the k-core, then the split, then labels (negatives are sampled
within a split).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from userip_lightning.artifact import MANIFEST, Manifest, read_manifest, stable_hash, write_text, writing
from userip_lightning.data.kcore import KCoreMode, k_core
from userip_lightning.data.labels import Labels, RatingThreshold
from userip_lightning.data.prepared import KIND
from userip_lightning.data.source import Source
from userip_lightning.data.splits import RandomSplit, Split
from userip_lightning.data.statistics import STATS, count, describe
from userip_lightning.errors import InputError
from userip_lightning.schema import EVENT_COLUMNS, TEST, TRAIN, VAL, Interactions

#: Part of the hash: raise it when the same settings would give other events.
_REVISION = 1
_COLUMNS = (*EVENT_COLUMNS, "user", "item", "label", "split", "logged")


class Preparation:
    """Everything that decides what the stages see.

    Args:
        source: the log.
        k_core: fewest interactions of a user and of an item; 1 keeps all.
        k_core_mode: repeat the filter to a ``fixed_point``, or a ``single_pass``.
        labels: what counts as a positive.
        split: who sees which event.
        max_users: keep this many users, drawn at random, so that a small machine can follow.
        duplicates: ``refuse`` events that agree in everything but their review, or ``drop`` all but the first
            of them; the counts say how many went.
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
        duplicates: Literal["refuse", "drop"] = "refuse",
        seed: int = 0,
    ) -> None:
        self.source, self.labels, self.split = source, labels, split
        self.k_core, self.k_core_mode = k_core, k_core_mode
        self.max_users, self.duplicates, self.seed = max_users, duplicates, seed

    def identity(self) -> dict[str, Any]:
        """Settings and file contents that decide the result; paths do not.

        Raises:
            InputError: a file of the source is missing.
        """
        return {
            "revision": _REVISION,
            "source": self.source.identity(),
            "k_core": [self.k_core, self.k_core_mode],
            "labels": [type(self.labels).__name__, vars(self.labels)],
            "split": [type(self.split).__name__, vars(self.split)],
            "max_users": self.max_users,
            "duplicates": self.duplicates,
            "seed": self.seed,
        }

    def run(
        self, cache_dir: str | Path, report: Callable[[str], None] = print, code: str | None = None
    ) -> Path:
        """Write ``prepared-<hash>`` into ``cache_dir``, or find it there.

        Args:
            cache_dir: shared by all experiments.
            report: is told in a sentence what was done.
            code: hash of the code that decides the result; what other code prepared is not found again.

        Returns:
            The artifact's folder; read it with :class:`userip_lightning.data.prepared.PreparedData`.

        Raises:
            InputError: unusable input; duplicates; the filter leaves nothing; a split lacks positives or
                negatives.
        """
        key = stable_hash({**self.identity(), "code": code})
        target = Path(cache_dir) / f"{KIND}-{key}"
        if _is_whole(target):
            report(f"prepared data: found {target.name}, nothing to do")
            return target
        log = self.source.read()
        events, steps = self._filter(log)
        items = _side(log.items, events, "item")
        users = _side(log.users, events, "user")
        events = _index(events, users, items)
        events = events.with_columns(self.split.assign(events, self.seed), logged=pl.lit(True))
        events = self.labels.apply(events, items["item_id"], self.seed).select(_COLUMNS).sort("row_id")
        _require_both_classes(events)
        stats = {"source": Path(log.source).name, "steps": steps, **describe(events, items)}
        manifest = Manifest(KIND, config_hash=key, data_hash=key, users=users.height)
        with writing(target, manifest) as folder:
            for name, frame in (("events", events), ("items", items), ("users", users)):
                frame.write_parquet(folder / f"{name}.parquet")
            write_text(folder / STATS, json.dumps(stats, indent=2))
        report(
            f"prepared data: {stats['interactions']:,} interactions of {users.height:,} users with "
            f"{items.height:,} items, {stats['positive_percent']:.1f} % positive, in {target.name}"
        )
        return target

    def _filter(self, log: Interactions) -> tuple[pl.DataFrame, list[dict[str, Any]]]:
        """The events that stay, and the counts after every step."""
        steps: list[dict[str, Any]] = [{"step": "read", **count(log.events)}]
        events = self._without_duplicates(log)
        steps.append({"step": "without duplicates", **count(events)})
        if self.max_users is not None:
            events = events.filter(pl.col("user_id").is_in(self._drawn_users(events).implode()))
            steps.append({"step": f"{self.max_users} users", **count(events)})
        events = k_core(events, self.k_core, self.k_core_mode)
        steps.append({"step": f"{self.k_core}-core, {self.k_core_mode}", **count(events)})
        if events.is_empty():
            raise InputError(
                f"{log.source}: no user and item have {self.k_core} interactions each; lower k_core or give "
                "more data."
            )
        return events, steps

    def _without_duplicates(self, log: Interactions) -> pl.DataFrame:
        # Two reviews of one event at one time are still one event.
        same = [name for name in log.events.columns if name not in ("row_id", "review")]
        first = log.events.unique(same, keep="first", maintain_order=True)
        if first.height < log.events.height and self.duplicates == "refuse":
            again = log.events.join(first, on="row_id", how="anti", maintain_order="left").head(1)
            original = first.join(again, on=same, how="semi", nulls_equal=True)["row_id"][0]
            raise InputError(
                f"{log.source}: row {again['row_id'][0] + 1} (user {again['user_id'][0]!r}, item "
                f"{again['item_id'][0]!r}) repeats row {original + 1}, one of "
                f"{log.events.height - first.height} duplicates, expected none; delete them, or set "
                "data.duplicates=drop to keep the first of each event and count the rest."
            )
        return first

    def _drawn_users(self, events: pl.DataFrame) -> pl.Series:
        users = events["user_id"].unique().sort()
        if self.max_users is None or self.max_users >= users.len():
            return users
        if self.max_users < 1:
            raise InputError(f"max_users is {self.max_users}, expected 1 or more, or null for everyone.")
        drawn = np.random.default_rng(self.seed).permutation(users.len())[: self.max_users]
        return users.gather(drawn)


def _is_whole(target: Path) -> bool:
    """A damaged artifact is made again rather than reported: it is only a cache."""
    try:
        return (target / MANIFEST).is_file() and bool(read_manifest(target, KIND))
    except InputError:
        return False


def _side(side: pl.DataFrame, events: pl.DataFrame, name: str) -> pl.DataFrame:
    """Rows of a side table that occur in ``events``, sorted by id, with their dense index."""
    kept = side.join(events, on=f"{name}_id", how="semi").sort(f"{name}_id")
    if "title" in kept.columns:
        title = pl.col("title").str.strip_chars()
        kept = kept.with_columns(title=pl.when(title != "").then(title))
    return kept.with_columns(pl.int_range(pl.len(), dtype=pl.Int32).alias(name))


def _index(events: pl.DataFrame, users: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    events = events.join(users.select("user_id", "user"), on="user_id", maintain_order="left")
    return events.join(items.select("item_id", "item"), on="item_id", maintain_order="left")


def _require_both_classes(events: pl.DataFrame) -> None:
    for split in (TRAIN, VAL, TEST):
        labels = events.filter(split=split)["label"]
        if labels.n_unique() < 2:
            state = f"only {'positive' if labels[0] else 'negative'} rows" if labels.len() else "no rows"
            raise InputError(
                f"the {split} split has {state}, both classes are needed; change the labels, the split or "
                "its seed, or give more data."
            )
