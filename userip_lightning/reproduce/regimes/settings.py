"""What `userip reproduce regimes` varies, besides the settings of an ordinary experiment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from userip_lightning.default_sizes import DEFAULT_SIZES
from userip_lightning.errors import InputError
from userip_lightning.pipeline.engine_controls import RETRAINED
from userip_lightning.pipeline.settings import Control
from userip_lightning.report.verdict import CHANCE
from userip_lightning.texts.language_model import SentenceEncoder
from userip_lightning.texts.source import BagOfWords, NoText, TextSource

SplitName = Literal["cold_users", "random", "temporal", "cold_items"]
#: Controls that know the items' words; all others know nothing of texts.
WORDS: frozenset[Control] = frozenset({"text_kmeans", "svd_text_kmeans", "bag_of_words_mixture"})


def _texts() -> dict[str, TextSource]:
    return {"none": NoText(), "bag of words": BagOfWords(), "encoder": SentenceEncoder()}


@dataclass(frozen=True)
class Regimes:
    """What is varied; all combinations are run.

    Args:
        judge: ``affinity`` asks how well code and item tell the labels of test rows, in seconds and without a
            CTR model (see ``controls/affinity.py``); ``ctr`` trains the experiment's CTR model on every
            method.
        splits: cold users; warm ones under a ``random`` or ``temporal`` split; cold items.
        train_users: users who keep their training events; null for all.
        titles: support events that are shown of a cold user. As many as the largest are set apart under all
            of them, so that the same rows are judged.
        sizes: K_p by profile name, once per number of bits.
        texts: label to a source of text; each makes codes of its own.
        replicates: of the bootstrap.
    """

    judge: Literal["affinity", "ctr"] = "affinity"
    splits: list[SplitName] = field(default_factory=lambda: ["cold_users", "random", "cold_items"])
    train_users: list[int | None] = field(default_factory=lambda: [1000, 5000, None])
    titles: list[int] = field(default_factory=lambda: [1, 4])
    sizes: list[dict[str, int]] = field(default_factory=lambda: [dict(DEFAULT_SIZES)])
    texts: dict[str, TextSource] = field(default_factory=_texts)
    replicates: int = 1000


def of_other_items(name: str) -> str:
    """What a method is called that reads the texts of other items through the source of this label."""
    return f"{name} of other items"


def check(regimes: Regimes, controls: list[Control]) -> None:
    """Refuse what cannot be run, or would show nothing.

    Raises:
        InputError: a list without entries or with one twice, a number below 1, no method without text, none
            with text, or a text with the name of a control.
    """
    for name in ("splits", "train_users", "titles", "sizes"):
        values = [str(value) for value in getattr(regimes, name)]
        if not values or len(set(values)) < len(values):
            raise InputError(
                f"regimes.{name}: {getattr(regimes, name)} given, one or more different entries "
                "were expected."
            )
    numbers = [*regimes.titles, *(users for users in regimes.train_users if users is not None)]
    if min(numbers) < 1 or regimes.replicates < 1:
        raise InputError(
            "regimes: train_users, titles and replicates count something: give numbers from 1 up."
        )
    reads = {text.reads for text in regimes.texts.values()}
    if "nothing" not in reads and not set(controls) - WORDS - CHANCE - set(RETRAINED):
        raise InputError(
            "regimes.texts: no method without text; add userip_lightning.texts.source.NoText, or "
            "svd_kmeans or count_mixture to controls."
        )
    if not reads - {"nothing"}:
        raise InputError(
            "regimes.texts: no source reads the text; add userip_lightning.texts.source.BagOfWords."
        )
    taken = {*(name.replace("_", " ") for name in controls), "no codes", *map(of_other_items, regimes.texts)}
    if clash := sorted(set(regimes.texts) & taken):
        raise InputError(f"regimes.texts: {clash[0]!r} is also the name of a control; give it another.")
