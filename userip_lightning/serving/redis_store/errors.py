"""What a server's or the network's complaints mean, in one sentence each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from userip_lightning.errors import InputError
from userip_lightning.serving.redis_store.address import ANSWER_S, Address

#: What the client or the server says → what is wrong and what to do. The first that fits; ``{text}`` is what
#: was said. Some of it has a class of its own, some is known by its words alone, by version of the client.
_MEANINGS = (
    (
        "AuthenticationError|NOAUTH|WRONGPASS|invalid password",
        "the server refuses user or password; correct them",
    ),
    (
        "OutOfMemoryError|OOM command",
        "the server's memory is full (maxmemory), what readers read is unchanged; free some there, raise "
        "maxmemory, or keep fewer versions (--keep 1)",
    ),
    (
        "WRONGTYPE",
        "a key of this prefix holds another type than a bank's; choose another prefix, or delete the key",
    ),
    ("MovedError|MOVED", "this cluster keeps these keys on another node ({text}); name that one"),
    ("NoPermissionError|NOPERM", "the server does not allow the user this ({text}); ask for it"),
    ("ReadOnlyError|READONLY", "this server is a replica, which is only read; name the one that is written"),
    ("BusyLoadingError|LOADING", "the server is still loading its data; try again when it is done"),
    ("TimeoutError", f"the server does not answer within {ANSWER_S:.0f} s; check it"),
    ("ConnectionError", "no Redis answers there ({text}); start it or correct the address"),
    ("", "the server refuses ({text}); check the server and the address"),
)


@contextmanager
def told(address: Address) -> Iterator[None]:
    """Say in one sentence what is wrong, where a command in the block fails.

    Raises:
        InputError: no server there, it refuses the user, it is full, or a key has another type.
    """
    from redis.exceptions import RedisError

    try:
        yield
    except RedisError as error:
        text = " ".join(str(error).split()).rstrip(".")
        said = f"{type(error).__name__}: {text}"
        meaning = next(meaning for words, meaning in _MEANINGS if re.search(words, said))
        raise InputError(f"{address}: {meaning.replace('{text}', text)}.") from error
