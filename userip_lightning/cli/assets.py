"""`userip assets fetch`: the default models and MovieLens-100K, into the cache."""

from __future__ import annotations

from collections.abc import Sequence

from jsonargparse import auto_cli

from userip_lightning.assets import DEFAULT_LM, ML_100K
from userip_lightning.assets import fetch as fetch_assets
from userip_lightning.pipeline.near_options import NearOptionsParser


def fetch(names: list[str] = [DEFAULT_LM, ML_100K]) -> None:  # noqa: B006, never changed
    """Download what is missing, check its hash, unpack it into the cache (USERIP_CACHE names another folder).

    Args:
        names: which assets: smollm2-135m-instruct, ml-100k, or all-minilm-l6-v2, the sentence encoder of the
            language-model baselines, which also fetch it when they need it.
    """
    # loads transformers, which only this command needs
    from userip_lightning.pipeline.quiet import quiet

    with quiet():
        fetch_assets(names)


def assets(arguments: Sequence[str]) -> None:
    """Run the above."""
    auto_cli(
        {"fetch": fetch},
        args=list(arguments),
        prog="userip assets",
        exit_on_error=False,
        parser_class=NearOptionsParser,
    )
