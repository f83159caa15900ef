"""A Redis for all tests of a run, and a prefix for each."""

from collections.abc import Iterator

import pytest

from tests.serving.redis_server import INSTALLED, RedisServer
from userip_lightning.serving.redis_store import Address


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """Skipped where redis-server or its client is not installed."""
    pytest.importorskip("redis", reason="Python's redis client is not installed")
    if not INSTALLED:
        pytest.skip("redis-server is not installed (apt-get install redis-server)")
    with RedisServer() as server:
        yield server


@pytest.fixture
def store(redis_server: RedisServer, request: pytest.FixtureRequest) -> Address:
    """An address that no other test uses."""
    return redis_server.address(f"test{abs(hash(request.node.nodeid))}")
