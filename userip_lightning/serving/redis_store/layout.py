"""The keys of a store, and the records that say what is there."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from userip_lightning.errors import InputError
from userip_lightning.serving.redis_store.address import Address

if TYPE_CHECKING:
    from redis import Redis

#: Version of the layout.
SCHEMA = 1


class Entry(NamedTuple):
    """A version in the list of versions.

    Args:
        turn: grows with every swap; the current version has the greatest.
        whole: False while it is being pushed, and for good where its pusher was killed.
        pages: number of its pages.
        files: further arrays of the bank → number of parts.
    """

    turn: int
    whole: bool
    pages: int
    files: dict[str, int]


class Meta(NamedTuple):
    """What a reader has to know of a version.

    Args:
        version: its name.
        names: [P] profile names.
        sizes: [P] codebook sizes K_p, which are the reserved codes of unknown users.
        users: number of users.
        pages: number of pages.
        manifest: the bank's, as JSON.
        files: further arrays of the bank → number of parts; None where codes alone were pushed.
    """

    version: str
    names: list[str]
    sizes: list[int]
    users: int
    pages: int
    manifest: dict[str, Any]
    files: dict[str, int] | None


class Layout:
    """Keys and records of the store at an address; reads alone.

    Args:
        address: of the store.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self.client: Redis = address.connect()
        self.schema = address.key("schema")
        self.current = address.key("current")
        self.versions = address.key("versions")
        self.lock = address.key("lock")

    def meta(self, version: str) -> str:
        """Key of a version's :class:`Meta`."""
        return self.address.key(version, "meta")

    def page(self, version: str, number: int | str) -> str:
        """Key of a page; what all of a version's begin with where ``number`` is empty."""
        return self.address.key(version, "page", number)

    def part(self, version: str, file: str, number: int | str) -> str:
        """Key of a part of a further array; ``*`` for all of them."""
        return self.address.key(version, "file", file, number)

    def keys(self, version: str, entry: Entry) -> Iterator[str]:
        """All keys of a version."""
        yield self.meta(version)
        for number in range(entry.pages):
            yield self.page(version, number)
        for file, parts in entry.files.items():
            for number in range(parts):
                yield self.part(version, file, number)

    def read_current(self) -> str | None:
        """Name of the current version; None where nothing was pushed yet.

        Raises:
            InputError: a store of another layout.
        """
        pipe = self.client.pipeline()
        pipe.get(self.schema)
        pipe.get(self.current)
        schema, current = pipe.execute()
        if schema is not None and schema != str(SCHEMA).encode():
            raise InputError(
                f"{self.address}: a store of schema version {schema.decode(errors='replace')}, this program "
                f"reads and writes {SCHEMA}; use the program that wrote it, or choose another prefix."
            )
        return None if current is None else str(current.decode())

    def entries(self) -> dict[str, Entry]:
        """Every version, also half-pushed ones, the newest first.

        Raises:
            InputError: a record is none of a bank.
        """
        found = self.client.hgetall(self.versions)
        with self.expected(self.versions, f"all keys that begin with {self.address.key('')}"):
            entries = {name.decode(): Entry(**json.loads(text)) for name, text in found.items()}
        return dict(sorted(entries.items(), key=lambda item: -item[1].turn))

    def read_meta(self) -> Meta:
        """What the current version is.

        Raises:
            InputError: nothing was pushed, another layout, or its record is gone or none of a bank.
        """
        version = self.read_current()
        while True:
            if version is None:
                raise InputError(
                    f"{self.address}: no bank there; push one (userip bank push BANK --to {self.address}) or "
                    "correct the address."
                )
            record = self.client.get(self.meta(version))
            if record is not None:
                with self.expected(self.meta(version)):
                    return Meta(**json.loads(record))
            before, version = version, self.read_current()
            if version == before:  # else it was deleted because another one is current now
                raise self.damaged(self.meta(before))

    @contextmanager
    def expected(self, key: str, delete: str = "it") -> Iterator[None]:
        """In the block, the value of ``key`` is read; ``delete`` is what to delete where it is no bank's.

        Raises:
            InputError: it is not.
        """
        try:
            yield
        except (ValueError, TypeError, EOFError, zlib.error):
            raise InputError(
                f"{self.address}: the key {key} holds something else than a bank's record or codes; delete "
                f"{delete} and push the bank again."
            ) from None

    def damaged(self, key: str) -> InputError:
        """What to raise where a key of the current version is not there."""
        return InputError(
            f"{self.address}: the key {key} is gone, perhaps evicted; set the server's maxmemory-policy to "
            "noeviction and push the bank again."
        )
