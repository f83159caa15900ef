"""Controls that train the codes' own stage again on what says nothing of whom it stands for.

Also which controls are left out, because they would repeat the codes or have nothing to read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from userip_lightning import parquet
from userip_lightning.data.item_text import tell_apart, words
from userip_lightning.errors import InputError
from userip_lightning.pipeline.config import Experiment
from userip_lightning.pipeline.settings import Control, Engine
from userip_lightning.texts.bag_of_words import has_words
from userip_lightning.texts.joined import joined_texts
from userip_lightning.texts.source import BagOfWords, NoText


class Retrained(NamedTuple):
    """What differs from the codes' stage.

    Args:
        engine: whose stage it is.
        key: dotted key of the stage's section.
        value: of that key.
    """

    engine: Engine
    key: str
    value: str | bool


PERMUTED_TEXT: Control = "permuted_text"
COUNTS: Control = "count_mixture"
WORDS: Control = "bag_of_words_mixture"
#: Controls by the catalogue engine's EM.
MIXTURES = frozenset({COUNTS, WORDS})
RETRAINED: dict[Control, Retrained] = {
    "permuted_z": Retrained("per_user", "data.z", "permuted"),
    "noise_z": Retrained("per_user", "data.z", "noise"),
    PERMUTED_TEXT: Retrained("catalogue", "data.permute_text", True),
}


def of_engine(controls: list[Control], engine: Engine) -> tuple[Control, ...]:
    """The controls without those of the other engine's stage."""
    return tuple(name for name in controls if name not in RETRAINED or RETRAINED[name].engine == engine)


def left_out(experiment: Experiment, prepared: Path) -> dict[str, str]:
    """Controls that would repeat the codes or have nothing to read, and why.

    Args:
        experiment: the configuration.
        prepared: folder of the prepared data.
    """
    settings = experiment.settings
    wanted = {PERMUTED_TEXT, *MIXTURES}.intersection(of_engine(settings.controls, settings.engine))
    if not wanted:
        return {}
    found, data = {}, experiment.sections["catalogue"]["data"]
    made_by_catalogue = settings.engine == "catalogue"
    texts = _texts(prepared, text_columns(data)) if made_by_catalogue else words(_items(prepared))
    if texts is not None and not has_words(texts):
        found[WORDS] = "no two items have texts with different words that occur in three of them"
    if made_by_catalogue:
        if texts is not None and not tell_apart(texts):
            found[PERMUTED_TEXT] = "no two items have different texts"
        if not _reads(data["text"]):
            found[PERMUTED_TEXT] = "catalogue.data.text is NoText, so there is no text to permute"
            found[COUNTS] = "catalogue.data.text is NoText, so the codes themselves are such a mixture"
        elif _class(data["text"]) == BagOfWords.__name__:
            found[WORDS] = "catalogue.data.text is BagOfWords, so the codes themselves are such a mixture"
    return {name: reason for name, reason in found.items() if name in wanted}


def text_columns(data: dict[str, Any]) -> list[str]:
    """The columns that the catalogue engine makes an item's text of, by its ``data`` section."""
    return ["title"] if data["columns"] is None else list(data["columns"])


def _texts(prepared: Path, columns: list[str]) -> list[str] | None:
    """What the engine reads of every item; None where it refuses these columns."""
    try:
        return joined_texts(_items(prepared), columns, "catalogue.data.columns")
    except InputError:
        return None


def _items(prepared: Path) -> pl.DataFrame:
    return parquet.read(prepared / "items.parquet")


def _reads(text: dict[str, Any]) -> bool:
    """Whether a text source, as class_path and init_args, gives vectors."""
    sources = text.get("init_args", {}).get("sources")
    if sources is not None:
        return any(map(_reads, sources))
    return _class(text) != NoText.__name__


def _class(text: dict[str, Any]) -> str:
    return str(text["class_path"]).rpartition(".")[2]
