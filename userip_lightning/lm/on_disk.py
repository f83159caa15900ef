"""Whether a language model is on this machine, or has to be downloaded."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import try_to_load_from_cache

from userip_lightning.artifact import read_manifest
from userip_lightning.assets import DEFAULT_LM, cache_root
from userip_lightning.errors import InputError

_WEIGHTS = tuple(
    f"{stem}{index}" for stem in ("model.safetensors", "pytorch_model.bin") for index in ("", ".index.json")
)


def is_local(name: str, revision: str | None = None, gguf_file: str | None = None) -> bool:
    """Whether a language model can be loaded without a download.

    Args:
        name: of the default model, of one on the hub, or a folder.
        revision: of the hub; ``main`` where None.
        gguf_file: that is read in place of the usual weights.
    """
    if name == DEFAULT_LM:
        try:
            return bool(read_manifest(cache_root() / DEFAULT_LM, "asset"))
        except InputError:
            return False
    if Path(name).is_dir():
        return True
    files = _WEIGHTS if gguf_file is None else (gguf_file,)
    return any(
        isinstance(try_to_load_from_cache(name, file, revision=revision or "main"), str) for file in files
    )
