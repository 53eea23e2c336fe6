"""Fixtures: the store over each kind of connection, on one shard and on several."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
from redis.asyncio import Redis

from infra.local.redis import embedded_redis
from infra.local.upstash import LocalUpstash, local_upstash
from shared.application.ports.data_loss import DataLossDetector
from shared.application.ports.notifier import CommitNotification
from shared.application.ports.session_store import SessionStore
from shared.application.store_clock import StoreClock
from shared.store.commit_script import CommitFeatures
from shared.store.connection import StoreConnection
from shared.store.data_loss import RedisDataLossDetector
from shared.store.keys import StoreKeys
from shared.store.sessions import RedisSessionStore
from tests.support.native_redis import native_connection_of, upstash_connection_to

_MEANS = CommitFeatures(sets_alarms=True)


@pytest.fixture(scope="package")
def quiet_redis_url() -> Iterator[str]:
    """A Redis on which no instance publishes; a server's channels aren't separated by database."""
    with embedded_redis() as url:
        yield url


@pytest.fixture
async def redis(quiet_redis_url: str) -> AsyncIterator[Redis]:
    """A plain client of the store's database, which is empty."""
    client = Redis.from_url(quiet_redis_url)
    await client.flushdb()
    yield client
    await client.aclose()


@pytest.fixture
async def fill(redis: Redis) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """A function that leaves the Redis without free memory or eviction until the test ends."""

    async def fill() -> None:
        used = (await redis.info("memory"))["used_memory"]
        await redis.config_set("maxmemory-policy", "noeviction")
        await redis.config_set("maxmemory", used // 2)

    yield fill
    await redis.config_set("maxmemory", 0)


@pytest.fixture(scope="package")
def quiet_upstash(quiet_redis_url: str) -> Iterator[LocalUpstash]:
    """The same Redis over Upstash's REST protocol."""
    with local_upstash(quiet_redis_url) as endpoint:
        yield endpoint


@pytest.fixture(params=["native", "upstash"])
async def connection(redis: Redis, request: Any) -> AsyncIterator[StoreConnection]:
    """A native connection, and one over Upstash's REST protocol."""
    if request.param == "upstash":
        endpoint: LocalUpstash = request.getfixturevalue("quiet_upstash")
        upstash = upstash_connection_to(endpoint)
        yield upstash
        await upstash.close()
    else:
        yield native_connection_of(redis)


class RecordingAnnouncer:
    """An notifier that records its news."""

    def __init__(self) -> None:
        self.news: list[CommitNotification] = []

    async def notify(self, news: CommitNotification) -> None:
        """See `Notifier`."""
        self.news.append(news)


@pytest.fixture
def recorder() -> RecordingAnnouncer:
    """Records the announced news."""
    return RecordingAnnouncer()


@pytest.fixture(params=[1, 5])
def keys(request: Any) -> StoreKeys:
    """One shard, and five."""
    return StoreKeys(request.param)


@pytest.fixture
def store(
    connection: StoreConnection, keys: StoreKeys, recorder: RecordingAnnouncer
) -> SessionStore:
    """The store under test."""
    return RedisSessionStore(connection, keys, StoreClock(), features=_MEANS, notifier=recorder)


@pytest.fixture
def memory(connection: StoreConnection, keys: StoreKeys) -> DataLossDetector:
    """The data-loss detector of the store under test."""
    return RedisDataLossDetector(connection, keys)
