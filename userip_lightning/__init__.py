"""UserIP-Lightning: latent user profiles from a frozen language model, as small codes for a CTR model.

    import userip_lightning as ui

    run = ui.fit("demo", seeds=[0])     # or ui.load("runs/demo")
    run.table, run.codes, run.bank, run.explain()

:mod:`userip_lightning.api` has these; it is loaded when one of them is first used.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from userip_lightning.api import Run, fit, load

if sys.version_info < (3, 10):  # noqa: UP036, pip refuses it, a clone does not
    sys.exit(f"userip: Python 3.10 or newer is needed, this is Python {sys.version.split()[0]}.")

__version__ = "0.1.0"
__all__ = ["Run", "fit", "load"]


def __getattr__(name: str) -> Any:
    """Load the Python interface with the first use: a server that looks codes up has no need of torch."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.api"), name)
