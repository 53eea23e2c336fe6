"""Fixtures: an instance that pushes, with its own Redis and its own Realtime."""

from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis

from infra.local.redis import embedded_redis
from tests.integration.pushes.desk import PushHarness
from tests.support.broadcast_server import BroadcastServer


@pytest.fixture(scope="package")
def realtime_server() -> Iterator[BroadcastServer]:
    """The Realtime that all tests of this package share."""
    with BroadcastServer() as server:
        yield server


@pytest.fixture
def realtime(realtime_server: BroadcastServer) -> Iterator[BroadcastServer]:
    """The shared Realtime, reset: it accepts pushes and has received none."""
    realtime_server.begin()
    yield realtime_server
    realtime_server.release()


@pytest.fixture(scope="package")
def quiet_redis_url() -> Iterator[str]:
    """A Redis whose owed pushes no other worker takes."""
    with embedded_redis() as url:
        yield url


@pytest.fixture
async def redis(quiet_redis_url: str) -> AsyncIterator[Redis]:
    """A client of that Redis, which is empty."""
    client = Redis.from_url(quiet_redis_url)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
async def harness(redis: Redis, realtime: BroadcastServer) -> AsyncIterator[PushHarness]:
    """An instance that pushes, with timeouts so long that none ends."""
    harness = PushHarness(redis, realtime)
    await harness.store.time()
    yield harness
    await harness.pushes.close()
