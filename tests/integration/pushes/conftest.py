"""An instance that pushes, with a Redis and a Realtime of its own."""

from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis

from infra.local.redis import embedded_redis
from tests.integration.pushes.desk import Desk
from tests.support.broadcast_server import BroadcastServer, broadcast_server


@pytest.fixture(scope="package")
def realtime_server() -> Iterator[BroadcastServer]:
    """One for all tests here."""
    with broadcast_server() as server:
        yield server


@pytest.fixture
def realtime(realtime_server: BroadcastServer) -> Iterator[BroadcastServer]:
    """It works, and has heard nothing."""
    realtime_server.begin()
    yield realtime_server
    realtime_server.release()


@pytest.fixture(scope="package")
def quiet_redis_url() -> Iterator[str]:
    """A Redis whose owed pushes nobody else sees to."""
    with embedded_redis() as url:
        yield url


@pytest.fixture
async def redis(quiet_redis_url: str) -> AsyncIterator[Redis]:
    """A client of it, empty."""
    client = Redis.from_url(quiet_redis_url)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
async def desk(redis: Redis, realtime: BroadcastServer) -> AsyncIterator[Desk]:
    """An instance that pushes, with all the time in the world."""
    desk = Desk(redis, realtime)
    await desk.store.time()
    yield desk
    await desk.pushes.close()
