"""Parsers in which a class that replaces another starts from its own defaults.

jsonargparse keeps those init_args of the class before that the new one takes as well, and its defaults have
all of them spelled out: ``torch.optim.AdamW`` in place of ``torch.optim.Adam`` would silently get Adam's
weight decay of 0, and a network the widths of the default network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast
from unittest.mock import patch

from jsonargparse import ArgumentParser, Namespace, _typehints
from lightning.pytorch.cli import LightningArgumentParser


class FreshClassParser(ArgumentParser):
    """An ArgumentParser in which a new ``class_path`` drops the ``init_args`` of the one before."""

    def parse_args(  # type: ignore[override]  # as jsonargparse has it
        self,
        args: Sequence[str] | None = None,
        namespace: Namespace | None = None,
        env: bool | None = None,
        defaults: bool = True,
        **internal: bool,  # jsonargparse's own, for the parsers of subcommands and classes
    ) -> Namespace:
        """Parse a command line."""
        with _fresh_classes():
            return super().parse_args(args, namespace, env, defaults, **internal)

    def parse_object(
        self,
        obj: Namespace | dict[str, Any],
        namespace: Namespace | None = None,
        env: bool | None = None,
        defaults: bool = True,
        **internal: bool,
    ) -> Namespace:
        """Parse a mapping."""
        with _fresh_classes():
            return cast(Namespace, super().parse_object(obj, namespace, env, defaults, **internal))


class FreshClassLightningParser(FreshClassParser, LightningArgumentParser):
    """The same for a LightningCLI."""


@contextmanager
def _fresh_classes() -> Iterator[None]:
    """jsonargparse has no setting for it: stand in for the function that chooses what is kept."""
    with patch.object(_typehints, "discard_init_args_on_class_path_change", _discard):
        yield


def _discard(parser_or_action: object, before: Any, now: Any) -> None:
    """Strip ``before`` of its arguments where ``now`` names another class."""
    if before and "init_args" in before and before["class_path"] != now["class_path"]:
        before.pop("init_args")
