"""One display speaks for the whole fit; the libraries' own bars and chatter are switched off."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from transformers.utils import logging as transformers_logging

LOGGERS = ("lightning.pytorch", "lightning.fabric", "wandb")


@contextmanager
def quiet() -> Iterator[None]:
    """Silence notes and warnings of Lightning, W&B, jsonargparse and transformers; errors still show."""
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    transformers_level = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()  # not where a block lies in another
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # untyped there
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # untyped there
    with warnings.catch_warnings():
        for module in ("lightning", "jsonargparse", "wandb", "torch"):
            warnings.filterwarnings("ignore", module=module)
        warnings.filterwarnings(
            "ignore", message=".*(does not have many workers|litlogger|log_every_n_steps).*"
        )
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
            transformers_logging.set_verbosity(transformers_level)
            if bars:
                transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]  # untyped there
