"""Rows that go after split and labels: what a split leaves out, and users who are left without any event."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from userip_lightning.data.splits import Split
from userip_lightning.errors import InputError
from userip_lightning.schema import SUPPORT, TRAIN
from userip_lightning.seeds import place_generator


def thin(
    events: pl.DataFrame, split: Split, train_users: int | None, seed: int
) -> tuple[NDArray[np.bool_], list[dict[str, object]]]:
    """Which rows stay, and the counts after every step that took some.

    Args:
        events: labelled: first the logged events, then the sampled negatives.
        split: what made their split, may leave out some.
        train_users: so many of the users with train events stay, and those with support events; null for all.
        seed: decides who.

    Returns:
        [N] bool, and steps as of :class:`userip_lightning.data.selection.Selection`.

    Raises:
        InputError: fewer users than wanted have train events.
    """
    steps = []
    kept = split.kept(events, seed)
    if not kept.all():
        steps.append(_count(f"left out by {type(split).__name__}", events.filter(kept)))
    if train_users is not None:
        kept = kept & _drawn(events, kept, train_users, seed)
        steps.append(_count(f"{train_users} users in train", events.filter(kept)))
    return kept, steps


def _drawn(events: pl.DataFrame, kept: NDArray[np.bool_], wanted: int, seed: int) -> NDArray[np.bool_]:
    user, train = events["user"].to_numpy(), (events["split"] == TRAIN).to_numpy()
    trained = np.unique(user[train & kept])
    if not 0 < wanted <= trained.size:
        raise InputError(
            f"train_users is {wanted}, expected 1 to {trained.size}, the users with train events, or null "
            "for all of them."
        )
    drawn = place_generator(seed, 2).permutation(trained)[:wanted]
    shown = user[(events["split"] == SUPPORT).to_numpy() & kept]
    return np.isin(user, np.concatenate([drawn, shown]))


def _count(step: str, events: pl.DataFrame) -> dict[str, object]:
    logged = events.filter("logged")
    users, items = logged["user"].n_unique(), logged["item"].n_unique()
    return {"step": step, "interactions": logged.height, "users": users, "items": items}
