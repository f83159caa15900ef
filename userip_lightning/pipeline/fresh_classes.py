"""Parsers in which a class has a short name, and one that replaces another starts from its own defaults.

jsonargparse keeps those init_args of the class before that the new one takes as well, and its defaults have
all of them spelled out: ``torch.optim.AdamW`` in place of ``torch.optim.Adam`` would silently get Adam's
weight decay of 0, and a network the widths of the default network. Short names: :mod:`.class_names`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast
from unittest.mock import patch

from jsonargparse import Namespace, _typehints, set_parsing_settings
from jsonargparse.typing import register_type, timedelta_deserializer
from lightning.pytorch.cli import LightningArgumentParser

from userip_lightning.pipeline.class_names import current_name, import_class, similar_classes
from userip_lightning.pipeline.near_options import NearOptionsParser
from userip_lightning.pipeline.readable import readable


def _as_text(value: timedelta) -> str:
    if not isinstance(value, timedelta):
        raise TypeError(f"{value!r} is no timedelta.")
    return str(value)


# Without it null counts as "not given" and passes for any type.
set_parsing_settings(unset_sentinel=True)
# jsonargparse writes null as "None" where it may be a timedelta as well, as in Trainer's max_time.
register_type(timedelta, _as_text, timedelta_deserializer, fail_already_registered=False)


class FreshClassParser(NearOptionsParser):
    """An ArgumentParser in which a new ``class_path`` drops the ``init_args`` of the one before."""

    # Handed on as they are: jsonargparse has arguments of its own for the parsers of subcommands and classes.

    def parse_args(self, *args: Any, **named: Any) -> Namespace:  # type: ignore[override]  # argparse's overloads
        """Parse a command line, as jsonargparse does; InputError where a configuration cannot be read."""
        with _fresh_classes(), readable(args[0] if args and args[0] else ()):
            return super().parse_args(*args, **named)

    def parse_object(self, *args: Any, **named: Any) -> Namespace:
        """Parse a mapping, as jsonargparse does; InputError where a file that it names cannot be read."""
        with _fresh_classes(), readable():
            return cast(Namespace, super().parse_object(*args, **named))


class FreshClassLightningParser(FreshClassParser, LightningArgumentParser):
    """The same for a LightningCLI."""


@contextmanager
def _fresh_classes() -> Iterator[None]:
    """Stand in for functions of jsonargparse, which has no settings for names and for what is kept."""
    with (
        patch.object(_typehints, "discard_init_args_on_class_path_change", _discard),
        patch.object(_typehints, "resolve_class_path_by_name", _resolve),
    ):
        yield


_resolve_imported = _typehints.resolve_class_path_by_name


def _resolve(base: Any, name: str) -> str:
    """The class path of a name, bare or not; unlike jsonargparse's own also where nothing has imported it.

    Raises:
        ImportError: a bare name of no class, with those of the type that are spelled alike; jsonargparse
            passes it on where no other type of a union takes the value.
    """
    name = current_name(name)
    import_class(name)
    path = _found(base, name)
    if "." not in path and name[:1].isupper():
        alike = [other for other in similar_classes(name) if "." in _found(base, other)]
        near = f" (near: {', '.join(alike)})" if alike else ""
        raise ImportError(f"no class {name!r} fits here{near}")
    return path


def _found(base: Any, name: str) -> str:
    bases = base if isinstance(base, tuple) else (base,)
    return next((path for one in bases if "." in (path := _resolve_imported(one, name))), name)


def _discard(parser_or_action: object, before: Any, now: Any) -> None:
    """Strip ``before`` of its arguments where ``now`` names another class."""
    if before and "init_args" in before and before["class_path"] != now["class_path"]:
        before.pop("init_args")
