"""Codes for services: given to anybody by the catalogue engine's table, kept in stores, read from them.

No torch and no language model.
"""

from userip_lightning.serving.profiler import Profiler

__all__ = ["Profiler"]
