"""A log of two tastes whose catalogue has items that nobody had before the test rows."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch import Trainer

from tests.catalogue.small_log import Event, prepared
from userip_lightning.catalogue.datamodule import CatalogueDataModule
from userip_lightning.catalogue.module import CatalogueModule
from userip_lightning.catalogue.recommendation import Recommendation
from userip_lightning.catalogue.steering import Steering
from userip_lightning.texts.source import BagOfWords, TextSource

TASTES = ["space war hero saga", "farm life calm garden"]
#: Unseen items and their texts: of either taste, of both, without a known word, blank.
UNSEEN = {
    "n1": "space hero hero",
    "n2": "calm garden, farm",
    "n3": "war in the garden",
    "n4": "Ἰλιάς",
    "n5": "",
}


def titles() -> dict[str, str | None]:
    """Twenty items of either taste, three words of it each, and the unseen ones."""
    rng = np.random.default_rng(0)
    seen = {
        f"{taste}{n}": " ".join(rng.choice(words.split(), 3, replace=False))
        for taste, words in zip("ab", TASTES, strict=True)
        for n in range(20)
    }
    return {**seen, **UNSEEN}


def unseen_log(folder: Path, explicit: bool) -> Path:
    """Users with eight items of their own taste and two to twelve others, which they dislike."""
    rng = np.random.default_rng(1)
    events = []
    for user in range(60):
        own, other = ("a", "b") if user % 2 else ("b", "a")
        events += [Event(f"u{user}", f"{own}{n}") for n in rng.choice(20, 8, replace=False)]
        events += [
            Event(f"u{user}", f"{other}{n}", label=0 if explicit else 1)
            for n in rng.choice(20, 2 + user // 2 % 3 * 5, replace=False)
        ]
        judged, label = ("val", "test")[user // 2 % 2], user // 4 % 2 if explicit else 1
        events.append(Event(f"u{user}", list(UNSEEN)[user % len(UNSEEN)], judged, label))
    return prepared(folder, events, titles(), explicit)


def fitted(
    log: Path,
    folder: Path,
    text: TextSource = BagOfWords(4),  # noqa: B008  # frozen
    codebooks: Any = "joint",
    recommendation: Recommendation | None = None,
    permute_text: bool = False,
    steering: Steering | None = None,
) -> CatalogueModule:
    """The engine after fifteen epochs."""
    data = CatalogueDataModule(str(log), text, permute_text=permute_text)
    module = CatalogueModule(
        {"hobby": 2, "background": 3},
        codebooks,
        2,
        warm=4,
        race=6,
        recommendation=recommendation,
        steering=steering,
    )
    trainer = Trainer(
        max_epochs=15,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        default_root_dir=folder,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # unused codes
        trainer.fit(module, datamodule=data)
    return module
