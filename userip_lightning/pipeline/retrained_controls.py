"""Controls that are the codes' own stage, trained again on what says nothing of whom it stands for."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from userip_lightning import parquet
from userip_lightning.data.item_text import tell_apart
from userip_lightning.errors import InputError
from userip_lightning.pipeline.config import Experiment
from userip_lightning.pipeline.settings import Control, Engine
from userip_lightning.texts.joined import joined_texts
from userip_lightning.texts.source import NoText


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
RETRAINED: dict[Control, Retrained] = {
    "permuted_z": Retrained("per_user", "data.z", "permuted"),
    "noise_z": Retrained("per_user", "data.z", "noise"),
    PERMUTED_TEXT: Retrained("catalogue", "data.permute_text", True),
}


def of_engine(controls: list[Control], engine: Engine) -> tuple[Control, ...]:
    """The controls without those of the other engine's stage."""
    return tuple(name for name in controls if name not in RETRAINED or RETRAINED[name].engine == engine)


def left_out(experiment: Experiment, prepared: Path) -> dict[str, str]:
    """Controls that would repeat the codes, and why.

    Args:
        experiment: the configuration.
        prepared: folder of the prepared data.
    """
    settings = experiment.settings
    if settings.engine != "catalogue" or PERMUTED_TEXT not in settings.controls:
        return {}
    data = experiment.sections["catalogue"]["data"]
    if not _reads(data["text"]):
        return {PERMUTED_TEXT: "catalogue.data.text is NoText, so there is no text to permute"}
    try:
        texts = joined_texts(
            parquet.read(prepared / "items.parquet"), data["columns"], "catalogue.data.columns"
        )
    except InputError:  # the stage refuses these columns
        return {}
    return {} if tell_apart(texts) else {PERMUTED_TEXT: "no two items have different texts"}


def _reads(text: dict[str, Any]) -> bool:
    """Whether a text source, as class_path and init_args, gives vectors."""
    sources = text.get("init_args", {}).get("sources")
    if sources is not None:
        return any(map(_reads, sources))
    return str(text["class_path"]).rpartition(".")[2] != NoText.__name__
