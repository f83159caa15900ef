"""Libraries print no bars, notes and warnings of their own: one display shows where the work stands."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial, partialmethod
from pathlib import Path
from typing import Any

from tqdm.std import tqdm
from transformers.utils import logging as transformers_logging

LOGGERS = ("lightning.pytorch", "lightning.fabric", "wandb")


_PACKAGE = str(Path(__file__).parent.parent)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence notes and warnings of Lightning, W&B, jsonargparse and transformers, and bars of tqdm.

    Errors still show, and so does a bar that is asked for with ``disable=False``.

    A warning of this package is one line, without the place in the code that it comes from.
    """
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    transformers_level = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()  # not where a block lies in another
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # untyped there
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # untyped there
    drawn = tqdm.__init__
    tqdm.__init__ = partialmethod(drawn, disable=True)  # transformers draws some bars past its own switch
    written = warnings.formatwarning
    warnings.formatwarning = partial(_as_line, written)
    with warnings.catch_warnings():
        for module in ("lightning", "jsonargparse", "wandb", "torch"):
            warnings.filterwarnings("ignore", module=module)
        warnings.filterwarnings(
            "ignore", message=".*(does not have many workers|litlogger|log_every_n_steps).*"
        )
        try:
            yield
        finally:
            tqdm.__init__ = drawn
            warnings.formatwarning = written
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
            transformers_logging.set_verbosity(transformers_level)
            if bars:
                transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]  # untyped there


def _as_line(
    otherwise: Any, message: Any, category: Any, filename: str, lineno: int, line: str | None = None
) -> str:
    if filename.startswith(_PACKAGE):
        return f"warning: {message}\n"
    return str(otherwise(message, category, filename, lineno, line))
