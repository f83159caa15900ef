"""Codes for anybody, at any time: by the table of the catalogue engine, without torch or a language model."""

from userip_lightning.serving.profiler import Profiler

__all__ = ["Profiler"]
