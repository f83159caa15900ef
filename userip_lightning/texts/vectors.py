"""Vectors of item texts, made once for all seeds and experiments that read the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from userip_lightning.arrays import Floats, read_array, save_array
from userip_lightning.artifact import stable_hash
from userip_lightning.assets import cache_root
from userip_lightning.atomic import new_file, write_errors
from userip_lightning.errors import InputError
from userip_lightning.progress_bars import say
from userip_lightning.texts.encoded import encoded_texts
from userip_lightning.texts.reader import packed, unpacked
from userip_lightning.texts.source import (
    EncodedSource,
    Events,
    FittedTexts,
    Joined,
    LearnedSource,
    TextSource,
    events_hash,
)


def text_vectors(source: TextSource, texts: Sequence[str], events: Events | None = None) -> Floats | None:
    """[I, D] of I texts; arguments and errors as for :func:`fitted_texts`."""
    return fitted_texts(source, texts, events).vectors


def fitted_texts(source: TextSource, texts: Sequence[str], events: Events | None = None) -> FittedTexts:
    """Vectors and readers, from the cache where the same source has read the same before.

    Args:
        source: what reads the texts; the parts of a :class:`Joined` are cached one by one.
        texts: of the items.
        events: of the log, for sources that learn from it.

    Raises:
        InputError: the source cannot be used, or learns from a log and there is none; or the cache cannot
            be written.
    """
    if isinstance(source, Joined):
        return source.beside([fitted_texts(part, texts, events) for part in source.sources])
    identity = [[source.identity(), source.weights()], list(texts)]
    if not isinstance(source, LearnedSource):
        file = _file(identity)
        return _found(file) or _kept(file, _read(source, texts))
    if events is None:
        raise InputError(
            f"{type(source).__name__} learns from a log what texts say, and only the catalogue engine has "
            "one; choose another text source here."
        )
    file = _file([*identity, events_hash(events)])
    vectors = read_array(file, "f") if file.is_file() else _learned(source, texts, events, file)
    return FittedTexts(vectors, None)


def _learned(source: LearnedSource, texts: Sequence[str], events: Events, file: Path) -> Floats:
    """One process at a time, for all would work in the same folder; who waits says so on standard error."""
    lock = FileLock(file.with_suffix(".lock"))  # may stay: the system frees it with its process
    with write_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            turn = lock.acquire(timeout=0)
        except Timeout:
            say(f"{type(source).__name__}: what texts say is being made by another process; waiting for it.")
            turn = lock.acquire()
    with turn:
        if file.is_file():  # by then
            return read_array(file, "f")
        work = file.with_suffix("")
        work.mkdir(exist_ok=True)
        vectors = source.learn(texts, events, work)
        _save(file, vectors)
        shutil.rmtree(work, ignore_errors=True)
        return vectors


def _read(source: TextSource, texts: Sequence[str]) -> FittedTexts:
    if not isinstance(source, EncodedSource):
        return source.fit(texts)
    encoder = [{**source.identity(), "version": source.encoding}, source.weights()]
    folder = cache_root() / "text" / f"encoded-{stable_hash(encoder)}"
    return source.fit_encoded(encoded_texts(folder, texts, source.load, source.remedy()))


def _file(identity: object) -> Path:
    return cache_root() / "text" / f"{stable_hash(identity)}.npy"


def _readers(file: Path) -> Path:
    """Beside the vectors; ``.readers.npz`` are of a version whose readers were not pinned."""
    return file.with_suffix(".pinned_readers.npz")


def _found(file: Path) -> FittedTexts | None:
    if not (file.is_file() and _readers(file).is_file()):
        return None
    with np.load(_readers(file)) as stored:
        told = json.loads(str(stored["told"]))
        readers = None if told is None else unpacked(told, stored.__getitem__)
    return FittedTexts(read_array(file, "f"), readers)


def _kept(file: Path, found: FittedTexts) -> FittedTexts:
    if found.vectors is not None:
        told, arrays = (None, {}) if found.readers is None else packed(found.readers)
        stored: dict[str, Any] = {"told": np.array(json.dumps(told)), **arrays}
        with new_file(_readers(file)) as draft, draft.open("wb") as readers:
            np.savez(readers, **stored)
        _save(file, found.vectors)
    return found


def _save(file: Path, vectors: Floats) -> None:
    with new_file(file) as draft:
        save_array(draft, vectors)
