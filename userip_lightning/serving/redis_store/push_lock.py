"""One pusher at a time: a key that expires unless its holder renews it, and that fences all writes."""

from __future__ import annotations

import os
import platform
import secrets
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from userip_lightning.errors import InputError
from userip_lightning.serving.redis_store.layout import Layout

if TYPE_CHECKING:
    from redis.client import Pipeline

#: Seconds until the lock of a killed pusher is free. A pusher renews its own with every batch that it writes.
EXPIRY_S = 30.0


class PushLock:
    """Held while a process writes into a store; use it as a context manager.

    Every write is a transaction on the condition that the lock is still ours, so a pusher that was stopped
    for longer than its lock lasts writes nothing into what another one does.

    Args:
        layout: of the store.

    Raises:
        InputError: on entering, another process holds it; on writing, it was lost.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._mine = f"process {os.getpid()} on {platform.node()} {secrets.token_hex(8)}".encode()

    def __enter__(self) -> PushLock:
        client, key = self._layout.client, self._layout.lock
        if client.set(key, self._mine, nx=True, px=_milliseconds()):
            return self
        holder, left = client.get(key), client.pttl(key)
        who = "another process" if holder is None else holder.decode(errors="replace").rpartition(" ")[0]
        raise InputError(
            f"{self._layout.address}: {who} is writing there; wait until it is done (if it was killed, "
            f"{max(int(left), 0) / 1000:.0f} s from now) and run the same command again."
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from redis.exceptions import RedisError

        try:
            self.write(lambda pipe: pipe.delete(self._layout.lock), renew=False)
        except (RedisError, InputError):
            if kind is None:
                raise

    def write(self, commands: Callable[[Pipeline], object], renew: bool = True) -> list[Any]:
        """Do all that ``commands`` puts into a pipeline, or nothing of it; returns the answers.

        Raises:
            InputError: the lock is no longer ours.
        """
        from redis.exceptions import WatchError

        with self._layout.client.pipeline() as pipe:
            pipe.watch(self._layout.lock)
            ours = pipe.get(self._layout.lock) == self._mine
            pipe.multi()
            commands(pipe)
            if renew:
                pipe.pexpire(self._layout.lock, _milliseconds())
            try:
                if ours:
                    answers: list[Any] = pipe.execute()
                    return answers
            except WatchError:
                pass
        raise InputError(
            f"{self._layout.address}: this process stood still for more than {EXPIRY_S:.0f} s and lost its "
            "lock; run the same command again."
        )


def _milliseconds() -> int:
    return int(EXPIRY_S * 1000)
