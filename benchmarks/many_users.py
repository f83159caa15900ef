"""Prepared data of any number of users with real texts, as stage 1 maps it: MovieLens-100K, repeated."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from userip_lightning.arrays import save_array
from userip_lightning.artifact import Manifest, read_manifest, writing
from userip_lightning.lm.prompt import DEFAULT_PROMPT
from userip_lightning.lm.source import LMSource, load_tokenizer
from userip_lightning.profile.behaviour_store import KIND, BehaviourStore
from userip_lightning.profile.behaviours import Behaviours
from userip_lightning.schema import TEST, TRAIN, VAL

#: Training behaviours of every user; one row in ten more is judged.
BEHAVIOURS = 10


def repeat(prepared: Path, lm: LMSource, users: int) -> Path:
    """Prepared data in which user u has the first behaviours of one of the users of ``prepared``, by turns.

    Args:
        prepared: of MovieLens-100K.
        lm: whose tokenizer the texts are for.
        users: U.

    Returns:
        A folder beside ``prepared``, with its tokenised behaviours beside it. Its events hold what stage 1
        reads: row ids and splits.
    """
    store = BehaviourStore.open(prepared, DEFAULT_PROMPT, load_tokenizer(lm), allow_missing=True)
    target = prepared.with_name(f"{prepared.name}-{users}-users")
    manifest = replace(read_manifest(prepared, "prepared"), users=users)
    with writing(target, manifest) as folder:
        shutil.copy(prepared / "items.parquet", folder)
        rows = pl.LazyFrame({"row_id": pl.int_range(users * (BEHAVIOURS + 1), eager=True)})
        judged = pl.col("row_id") % (BEHAVIOURS + 1) == BEHAVIOURS
        split = pl.when(judged).then(pl.lit(TEST)).otherwise(pl.lit(TRAIN)).alias("split")
        rows.with_columns(split).sink_parquet(folder / "events.parquet")
        user = pl.LazyFrame({"user": pl.int_range(users, eager=True)})
        user.with_columns(user_id=pl.col("user").cast(pl.String)).sink_parquet(folder / "users.parquet")
    _store(prepared, target, _repeated(store.splits[TRAIN], users), users)
    return target


def _repeated(behaviours: Behaviours, users: int) -> Behaviours:
    """``BEHAVIOURS`` of every user; those who have fewer are left out."""
    whole = np.flatnonzero(np.diff(behaviours.offset) >= BEHAVIOURS)
    place = behaviours.offset[whole, None] + np.arange(BEHAVIOURS)
    size = users * BEHAVIOURS
    item, group = (np.resize(column[place], size) for column in (behaviours.item, behaviours.group))
    return Behaviours(item, group, np.arange(users + 1) * BEHAVIOURS)


def _store(prepared: Path, target: Path, training: Behaviours, users: int) -> None:
    """The tokenised behaviours of ``target``: texts and words as they are, other users."""
    (source,) = prepared.parent.glob(f"{prepared.name}-{KIND}-*")
    manifest: Manifest = replace(read_manifest(source, KIND), users=users)
    nothing = Behaviours(training.item[:0], training.group[:0], np.zeros(users + 1, dtype=np.int64))
    with writing(target.with_name(source.name.replace(prepared.name, target.name)), manifest) as folder:
        for file in source.glob("*.npy"):
            if not file.name.startswith((TRAIN, VAL, TEST)):
                shutil.copy(file, folder)
        for split, behaviours in ((TRAIN, training), (VAL, nothing), (TEST, nothing)):
            for column, values in behaviours._asdict().items():
                save_array(folder / f"{split}_{column}.npy", values)
