"""Which file a store is."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from userip_lightning.errors import InputError

_SCHEME = "sqlite:///"
_FORM = "sqlite:///FILE, or sqlite:////FOLDER/FILE from the root on,"


class Address(NamedTuple):
    """A file of SQLite; ``str`` is the address it came from.

    Args:
        file: its path.
    """

    file: Path

    @staticmethod
    def names_one(text: str) -> bool:
        """Whether a word of a command line is an address, not a folder."""
        return text.startswith("sqlite:")

    @staticmethod
    def parse(url: str) -> Address:
        """From ``sqlite:///FILE``; what follows the third slash is the path, as it stands.

        Raises:
            InputError: another form.
        """
        name = url.removeprefix(_SCHEME)
        if not url.startswith(_SCHEME) or not name or name.endswith("/"):
            raise InputError(f"{url}: {_FORM} expected; correct the address.")
        return Address(Path(name))

    def __str__(self) -> str:
        return f"{_SCHEME}{self.file}"
