"""What every reader offers: interactions, and the identity of what it would read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from userip_lightning.schema import Interactions


class Source(ABC):
    """A log that can be read. Chosen in YAML by ``class_path``; its settings are ``init_args``."""

    @abstractmethod
    def read(self) -> Interactions:
        """Read everything; ``row_id`` is the 0-based position of the event in the source.

        Raises:
            InputError: a file is missing, truncated, or holds something else than expected.
        """

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """Whatever decides what :meth:`read` returns: settings and file contents, never paths.

        Raises:
            InputError: a file is missing.
        """
