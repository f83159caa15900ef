"""MovieLens-100K for the benchmarks of stage 1: prepared for the engine, and as texts for the plain loop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from plain_loop import History

from userip_lightning.assets import ensure_ml100k
from userip_lightning.data.movielens import MovieLens100K
from userip_lightning.data.preparation import Preparation
from userip_lightning.data.prepared import PreparedData
from userip_lightning.profile.prompt import PromptTemplate
from userip_lightning.schema import TEST, TRAIN, VAL


class Corpus(NamedTuple):
    """What both read."""

    prepared: Path
    training: list[History]  #  [U], by dense user index
    val: list[History]
    test: list[History]


def read(
    folder: Path, prompt: PromptTemplate, report: Callable[[str], None], users: int | None = None
) -> Corpus:
    """Prepare ``users`` users drawn at random (all by default), random split 8:1:1."""
    source = MovieLens100K(str(ensure_ml100k(report=report)))
    prepared = Preparation(source, max_users=users).run(folder, report=report)
    data = PreparedData.load(prepared)
    texts = [prompt.write_item(row) for row in data.items.iter_rows(named=True)]
    return Corpus(prepared, *(_histories(data, texts, split) for split in (TRAIN, VAL, TEST)))


def _histories(data: PreparedData, texts: list[str | None], split: str) -> list[History]:
    histories = [History([], []) for _ in range(data.n_users)]
    for user, item, label in data.rows(split).select("user", "item", "label").iter_rows():
        text = texts[item]
        if text is not None:
            (histories[user].liked if label else histories[user].disliked).append(text)
    return histories
