"""Where texts that language models wrote are kept, by what they were asked: all experiments share them."""

from __future__ import annotations

from pathlib import Path

from userip_lightning.assets import cache_root


def text_cache_folder() -> Path:
    """A folder in the cache, made when something is written."""
    return cache_root() / "texts"
