"""Vectors of item texts, made once for all seeds and experiments that read the same."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from userip_lightning.artifact import save_array, scratch, stable_hash
from userip_lightning.assets import cache_root
from userip_lightning.catalogue.code_table import Floats
from userip_lightning.catalogue.encoded_texts import encoded_texts
from userip_lightning.catalogue.text_source import (
    EncodedSource,
    Events,
    Joined,
    LearnedSource,
    TextSource,
    events_hash,
    principal,
)
from userip_lightning.catalogue.turn import turn
from userip_lightning.errors import InputError


def text_vectors(source: TextSource, texts: Sequence[str], events: Events | None = None) -> Floats | None:
    """[I, D] of I texts, from the cache where the same source has read the same before.

    Args:
        source: what reads the texts; the parts of a :class:`Joined` are cached one by one.
        texts: of the items.
        events: of the log, for sources that learn from it.

    Raises:
        InputError: the source cannot be used, or learns from a log and there is none; or the cache cannot
            be written.
    """
    if isinstance(source, Joined):
        return source.beside(text_vectors(part, texts, events) for part in source.sources)
    reader = [source.identity(), source.weights()]
    identity = [reader, list(texts)]
    if not isinstance(source, LearnedSource):
        file = _file(identity)
        return np.load(file) if file.is_file() else _kept(file, _read(source, reader, texts))
    if events is None:
        raise InputError(
            f"{type(source).__name__} learns from a log what texts say, and only the catalogue engine has "
            "one; choose another text source here."
        )
    file = _file([*identity, events_hash(events)])
    return np.load(file) if file.is_file() else _learned(source, texts, events, file)


def _learned(source: LearnedSource, texts: Sequence[str], events: Events, file: Path) -> Floats | None:
    """One process at a time: all would work in the same folder."""
    with turn(file.with_suffix(".lock"), f"{type(source).__name__}: what texts say"):
        if file.is_file():  # by then
            found: Floats = np.load(file)
            return found
        work = file.with_suffix("")
        work.mkdir(exist_ok=True)
        vectors = _kept(file, source.learn(texts, events, work))
        shutil.rmtree(work, ignore_errors=True)
        return vectors


def _read(source: TextSource, reader: object, texts: Sequence[str]) -> Floats | None:
    if not isinstance(source, EncodedSource):
        return source.vectors(texts)
    folder = cache_root() / "text" / f"encoded-{stable_hash(reader)}"
    return principal(encoded_texts(folder, texts, source.encode))


def _file(identity: object) -> Path:
    return cache_root() / "text" / f"{stable_hash(identity)}.npy"


def _kept(file: Path, vectors: Floats | None) -> Floats | None:
    if vectors is not None:
        with scratch(file) as folder:
            save_array(folder / file.name, vectors)
            os.replace(folder / file.name, file)
    return vectors
