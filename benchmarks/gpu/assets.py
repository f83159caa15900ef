"""Where the language model and the data lie that were carried to this machine."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from userip_lightning.assets import DEFAULT_LM, ML_100K, cache_root

LM_FOLDER, GAMES_FOLDER = "lm", "games"
HISTORIES, ITEMS = "games.histories.tsv.gz", "games.items.tsv.gz"

#: What a step calls an asset, and what people call it.
SAID = {"lm": "the default language model", "ml100k": "MovieLens-100K", "games": "the game histories"}


class Assets(NamedTuple):
    """Folders; None where there is none."""

    lm: Path | None
    ml100k: Path | None
    games: Path | None


def find_assets(folder: Path | None) -> Assets:
    """In a folder that :func:`benchmarks.gpu.archive.restore` filled, else in the package's own cache.

    The cache has no game histories; nothing is fetched.
    """
    if folder is not None:
        return Assets(
            _with(folder / LM_FOLDER, "config.json"),
            _with(folder / ML_100K, "ml-100k.inter"),
            _with(folder / GAMES_FOLDER, HISTORIES),
        )
    root = cache_root()
    return Assets(_with(root / DEFAULT_LM, "config.json"), _with(root / ML_100K, "ml-100k.inter"), None)


def _with(folder: Path, file: str) -> Path | None:
    return folder if (folder / file).is_file() else None
