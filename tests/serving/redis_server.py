"""A real Redis on loopback, with nothing in it and nothing kept."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REDIS = shutil.which("redis-server")
WHY_NOT = "needs redis-server (Debian: apt-get install redis-server)"


@contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[int]:
    """Port of a server that runs while the block does."""
    assert REDIS is not None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    quiet = ["--save", "", "--appendonly", "no", "--dir", str(folder), "--logfile", str(folder / "redis.log")]
    server = subprocess.Popen([REDIS, "--bind", "127.0.0.1", "--port", str(port), *quiet, *options])
    try:
        _wait(server, port)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait(server: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + 30
    while not _answers(port):
        if time.monotonic() > until or server.poll() is not None:
            raise RuntimeError(f"redis-server did not answer on port {port}")
        time.sleep(0.05)


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
