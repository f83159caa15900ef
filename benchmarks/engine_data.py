"""MovieLens-100K for the benchmarks of stage 1: prepared for the engine, and as texts for the plain loop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from plain_loop import History

from userip_lightning.assets import ensure_ml100k
from userip_lightning.data.preparation import Preparation
from userip_lightning.data.prepared import PreparedData
from userip_lightning.data.sources.movielens import MovieLens100K
from userip_lightning.lm.prompt import PromptTemplate
from userip_lightning.schema import TEST, TRAIN, VAL

#: Held-out titles per user that are judged.
JUDGED = 8


class Corpus(NamedTuple):
    """What both read."""

    prepared: Path
    training: list[History]  #  [U], by dense user index
    val: list[History]  #       at most JUDGED titles of each user
    test: list[History]


def read(
    folder: Path, prompt: PromptTemplate, report: Callable[[str], None], users: int | None = None
) -> Corpus:
    """Prepare ``users`` users drawn at random (all by default), random split 8:1:1."""
    source = MovieLens100K(str(ensure_ml100k(report=report)))
    k_core = 4 if users is None else 1  # few users share few films
    prepared = Preparation(source, k_core=k_core, max_users=users).run(folder, report=report)
    data = PreparedData.load(prepared)
    texts = _texts(data, prompt)
    training, val, test = (_histories(data, texts, split) for split in (TRAIN, VAL, TEST))
    return Corpus(prepared, training, *([_few(history) for history in split] for split in (val, test)))


def training_histories(prepared: Path, prompt: PromptTemplate) -> list[History]:
    """[U] titles that users may be trained on."""
    data = PreparedData.load(prepared)
    return _histories(data, _texts(data, prompt), TRAIN)


def _texts(data: PreparedData, prompt: PromptTemplate) -> list[str | None]:
    return [prompt.write_item(row) for row in data.items.iter_rows(named=True)]


def _few(history: History) -> History:
    """At most ``JUDGED`` titles, liked ones first: what a held-out figure costs."""
    liked = history.liked[:JUDGED]
    return History(liked, history.disliked[: JUDGED - len(liked)])


def _histories(data: PreparedData, texts: list[str | None], split: str) -> list[History]:
    histories = [History([], []) for _ in range(data.n_users)]
    for user, item, label in data.rows(split).select("user", "item", "label").iter_rows():
        text = texts[item]
        if text is not None:
            (histories[user].liked if label else histories[user].disliked).append(text)
    return histories
