"""`--safe`: a configuration may name classes of this package, torch and lightning, and nothing else is imported.

A ``class_path`` is imported before anybody can look at what it is, so a configuration is code. jsonargparse asks
a list before it imports what a value names, in whatever file, nested file, word or variable that stands.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from userip_lightning.safe import PACKAGES, VARIABLE, is_safe

SAFE = "--safe"
#: Of these packages, what reads or runs code by itself.
_RUNS = (
    *("torch.load", "torch.hub", "torch.package", "torch.serialization", "torch.jit", "torch.compile"),
    *("torch.utils.cpp_extension", "torch.distributed.run", "torch.distributed.launch", "torch.ops"),
    *("torch.classes", "torch.library", "torch.multiprocessing", "torch.testing", "torch.export"),
)


@contextmanager
def chosen_safety(safe: bool) -> Iterator[None]:
    """Admit the classes of :data:`PACKAGES` alone in the block, where ``safe`` or :data:`VARIABLE` says so."""
    if not safe and not is_safe():
        yield
        return
    from jsonargparse import _common, set_parsing_settings  # commands without a configuration need no parser

    with patch.dict(os.environ, {VARIABLE: "1"}), patch.dict(_common.parsing_settings):
        set_parsing_settings(import_path_denylist=["*", *_RUNS], import_path_allowlist=list(PACKAGES))
        yield
