"""Debian's redis-server on loopback, on a free port, with nothing kept on disk."""

import shutil
import socket
import subprocess
import time
from types import TracebackType

from userip_lightning.serving.redis_store import Address

PROGRAM = "redis-server"
INSTALLED = shutil.which(PROGRAM) is not None


def free_port() -> int:
    """Of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RedisServer:
    """Runs while the block does.

    Args:
        options: further ones of redis-server, such as ``--requirepass secret``.
    """

    def __init__(self, *options: str) -> None:
        self.port = free_port()
        own = ("--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
        self._words = (PROGRAM, *own, *options)

    def url(self, prefix: str, user: str = "") -> str:
        return f"redis://{user}127.0.0.1:{self.port}/{prefix}"

    def address(self, prefix: str) -> Address:
        return Address.parse(self.url(prefix))

    def __enter__(self) -> "RedisServer":
        self._process = subprocess.Popen(self._words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            assert self._process.poll() is None, f"{PROGRAM} ended with {self._process.returncode}"
            time.sleep(0.05)
        raise AssertionError(f"{PROGRAM} does not answer")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
