"""Where a bank lies in a Redis."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from userip_lightning.errors import InputError

if TYPE_CHECKING:
    from redis import Redis

PORT = 6379
#: Seconds until a server that does not answer is given up.
CONNECT_S, ANSWER_S = 5.0, 30.0
_FORM = "redis://[USER:PASSWORD@]HOST[:PORT][/DB]/PREFIX"
_SCHEMES = ("redis", "rediss")


class Address(NamedTuple):
    """A server and the prefix of a bank's keys there; ``str`` leaves the password out.

    Args:
        host: of the server.
        port: of the server.
        database: its number.
        user: None for the default one.
        password: None where none is needed.
        tls: whether the connection is encrypted, ``rediss://``.
        prefix: of the keys.
    """

    host: str
    port: int
    database: int
    user: str | None
    password: str | None
    tls: bool
    prefix: str

    @staticmethod
    def names_one(text: str) -> bool:
        """Whether a word of a command line is an address, not a folder."""
        return text.startswith(tuple(f"{scheme}:" for scheme in _SCHEMES))

    @staticmethod
    def parse(url: str) -> Address:
        """From ``redis://[USER:PASSWORD@]HOST[:PORT][/DB]/PREFIX``; ``rediss://`` for TLS.

        Raises:
            InputError: another form, or no prefix.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise InputError(f"{_FORM} expected, with a number as PORT; correct the address.") from None
        shown = _shown(parts)
        if parts.scheme not in _SCHEMES or not host or parts.query or parts.fragment:
            raise InputError(f"{shown}: {_FORM} expected; correct the address.")
        way = parts.path.strip("/").split("/")
        database = int(way.pop(0)) if way[0].isascii() and way[0].isdigit() else 0
        if len(way) != 1 or not way[0]:
            raise InputError(
                f"{shown}: {'no prefix' if not any(way) else 'too many parts'}, {_FORM} expected; end the "
                "address with one name for the keys of this bank, such as /codes."
            )
        if not re.fullmatch(r"[\w.:-]+", way[0]):
            raise InputError(
                f"{shown}: the prefix {way[0]!r} has other characters than letters, digits and _ . : -; "
                "choose another one."
            )
        user, password = (
            None if word is None else unquote(word) for word in (parts.username, parts.password)
        )
        return Address(host, port or PORT, database, user or None, password, parts.scheme == "rediss", way[0])

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        scheme = "rediss" if self.tls else "redis"
        return f"{scheme}://{host}:{self.port}/{self.database}/{self.prefix}"

    def __repr__(self) -> str:  # a traceback may show it
        return str(self)

    def key(self, *parts: object) -> str:
        """A key of this bank."""
        return ":".join(("{" + self.prefix + "}", *map(str, parts)))

    def connect(self) -> Redis:
        """A client; it connects when it is used.

        Raises:
            InputError: the client library is missing.
        """
        try:
            from redis import Redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ImportError:
            raise InputError(
                f"{self}: Python's Redis client is not installed; run pip install 'userip-lightning[redis]'."
            ) from None
        return Redis(
            host=self.host,
            port=self.port,
            db=self.database,
            username=self.user,
            password=self.password,
            ssl=self.tls,
            socket_connect_timeout=CONNECT_S,
            socket_timeout=ANSWER_S,
            retry=Retry(NoBackoff(), 1),  # once, where an idle connection was closed
        )


def _shown(parts: SplitResult) -> str:
    """The address without user and password."""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
