"""`--safe`: a configuration may name classes of this package, torch and lightning; nothing else is imported.

A ``class_path`` is imported before anybody can look at what it is, so a configuration is code. jsonargparse
asks a list before it imports what a value names, in whatever file, nested file, word or variable that stands.
"""

from __future__ import annotations

import os
import re
from argparse import ArgumentError
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from userip_lightning.errors import InputError
from userip_lightning.safe_classes import PACKAGES, VARIABLE, is_safe

SAFE = "--safe"
#: Of these packages, what reads or runs code by itself.
_RUNS = (
    *("torch.load", "torch.hub", "torch.package", "torch.serialization", "torch.jit", "torch.compile"),
    *("torch.utils.cpp_extension", "torch.distributed.run", "torch.distributed.launch", "torch.ops"),
    *("torch.classes", "torch.library", "torch.multiprocessing", "torch.testing", "torch.export"),
)


@contextmanager
def chosen_safety(safe: bool) -> Iterator[None]:
    """Admit the classes of :data:`PACKAGES` alone in the block, where ``safe`` or :data:`VARIABLE` says so.

    Raises:
        InputError: a configuration names another one.
    """
    if not safe and not is_safe():
        yield
        return
    from unittest.mock import patch  # like the parser, nothing that other commands should wait for

    from jsonargparse import _common, _typehints, _util, set_parsing_settings

    refused: list[str] = []

    def check(path: str) -> None:
        try:
            _common.check_import_path(path)
        except ImportError:
            refused.append(path)
            raise

    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, {VARIABLE: "1"}))
        stack.enter_context(patch.dict(_common.parsing_settings))
        for module in (_typehints, _util):
            stack.enter_context(patch.object(module, "check_import_path", check))
        set_parsing_settings(import_path_denylist=["*", *_RUNS], import_path_allowlist=list(PACKAGES))
        try:
            yield
        except (ArgumentError, ValueError) as error:
            _explain(error, refused)
            raise


def _explain(error: Exception, refused: list[str]) -> None:
    """Say what was refused, where that is why parsing failed: jsonargparse may say what else it tried."""
    text = str(error)
    if refused and (refused[0] in text or "loop detected" in text):
        keys = ".".join(dict.fromkeys(re.findall(r'Parser key "([^"]+)"', text))) or "configuration"
        raise InputError(
            f"{keys}: {refused[0]} is of none of the packages {', '.join(PACKAGES)}, or runs code, and "
            "--safe admits no such class; nothing of it was imported."
        ) from error
