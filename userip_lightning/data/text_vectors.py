"""Vectors of item texts, made once for all seeds and experiments on a catalogue."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from userip_lightning.artifact import save_array, scratch, stable_hash
from userip_lightning.assets import cache_root
from userip_lightning.catalogue.code_table import Floats
from userip_lightning.catalogue.text_source import TextSource


def text_vectors(source: TextSource, texts: Sequence[str]) -> Floats | None:
    """[I, D] of I texts, from the cache where the same source has read the same texts before.

    Raises:
        InputError: the source cannot be used, or the cache cannot be written.
    """
    file = cache_root() / "text" / f"{stable_hash([source.identity(), list(texts)])}.npy"
    if file.is_file():
        found: Floats = np.load(file)
        return found
    vectors = source.vectors(texts)
    if vectors is not None:
        with scratch(file) as folder:
            save_array(folder / file.name, vectors)
            os.replace(folder / file.name, file)
    return vectors
