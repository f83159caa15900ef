"""Which model reads or writes texts, found without loading its weights.

A model of the hub is known by its name and commit, one that ``assets.py`` fetches by its pin, one in a folder
by a thin sample of its files, because reading all of a large model takes as long as loading it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from userip_lightning.artifact import stable_hash
from userip_lightning.assets import pin_of
from userip_lightning.lm.source import LMSource, load_config, resolve_dtype
from userip_lightning.lm.text_encoder import EncoderSource, load_encoder_config

#: Of a local folder, files that decide what a model says, and how much of a large one is read.
_DECIDING = {".json", ".safetensors", ".bin", ".gguf", ".model", ".txt", ".jinja"}
_BLOCKS, _BLOCK = 64, 1 << 12


def lm_identity(source: LMSource) -> str:
    """Sixteen hex digits of a language model, its type of weights and its quantisation.

    Raises:
        InputError: the model's configuration is missing, gated, or cannot be read.
    """
    weights = _weights(source.name, source.revision, lambda: load_config(source))
    return stable_hash([weights, source.gguf_file, str(resolve_dtype(source.dtype)), source.quantization])


def encoder_identity(source: EncoderSource) -> str:
    """Sixteen hex digits of an encoder of sentences.

    Raises:
        InputError: the encoder's configuration is missing, gated, or cannot be read.
    """
    return stable_hash(_weights(source.name, source.revision, lambda: load_encoder_config(source)))


def folder_identity(folder: Path) -> list[str]:
    """A digest of each file in a model's folder that decides what it says, wherever the folder lies."""
    return [_sample(file) for file in sorted(folder.iterdir()) if file.suffix in _DECIDING]


def _weights(name: str, revision: str | None, config: Callable[[], object]) -> list[str]:
    if pin := pin_of(name):
        return [name, pin]
    place = Path(name)
    if place.is_dir():
        return folder_identity(place)
    return [name, str(getattr(config(), "_commit_hash", revision))]


def _sample(file: Path) -> str:
    """Name, size and evenly spaced blocks of a file; all of one that is small."""
    size = file.stat().st_size
    digest = hashlib.sha256(f"{file.name} {size}".encode())
    with open(file, "rb") as handle:
        for start in range(0, size, max(_BLOCK, size // _BLOCKS)):
            handle.seek(start)
            digest.update(handle.read(_BLOCK))
    return digest.hexdigest()
