"""A store that can't count requests still loads sessions, and logs the failure."""

import logging
from collections.abc import Iterator

import pytest
from redis.asyncio import Redis

from infra.local.redis import embedded_redis
from infra.local.upstash import local_upstash
from shared.application.errors import StoreUnavailable
from shared.application.ports.commit import IdempotencyKey
from shared.application.ports.rate_limit import RateLimit
from shared.application.ports.session_store import SessionStore
from shared.application.store_clock import StoreClock
from shared.domain.units import Millis
from shared.store.connection import StoreConnection
from shared.store.keys import StoreKeys
from shared.store.sessions import RedisSessionStore
from tests.integration.store.commits import commit_for, new_session
from tests.support.native_redis import native_connection_of, upstash_connection_to

LIMITS = [RateLimit("caller:alice", 4, Millis(1_000)), RateLimit("switches:x", 4, Millis(1_000))]


@pytest.fixture
def own_redis_url() -> Iterator[str]:
    """A Redis that the test makes unusable."""
    with embedded_redis() as url:
        yield url


async def test_a_redis_without_memory_is_still_readable(own_redis_url: str) -> None:
    redis = Redis.from_url(own_redis_url)
    with local_upstash(own_redis_url) as endpoint:
        upstash = upstash_connection_to(endpoint)
        for connection in (native_connection_of(redis), upstash):
            store = RedisSessionStore(connection, StoreKeys(), StoreClock())
            await redis.flushall()
            commit = commit_for(new_session())
            await store.commit(commit)
            await redis.config_set("maxmemory", 1)
            await _assert_read_uncounted(store, commit.name)
            with pytest.raises(StoreUnavailable):
                await store.commit(commit_for(new_session()))
            await redis.config_set("maxmemory", 0)
            assert len((await store.load(commit.name, limits=LIMITS)).quotas) == 2
            await redis.config_set("maxmemory", 1)
            counted_before = await store.load(commit.name, limits=LIMITS)
            assert [quota.remaining for quota in counted_before.quotas] == [2, 2]
            await redis.config_set("maxmemory", 0)
        await upstash.close()
    await redis.aclose()


async def _assert_read_uncounted(store: SessionStore, name: str) -> None:
    loaded = await store.load(name, limits=LIMITS)
    assert loaded.stored is not None
    assert loaded.quotas == ()
    several = await store.load_many([name, "another"], LIMITS)
    assert [one.stored is not None for one in several.sessions] == [True, False]
    assert several.quotas == ()


async def test_if_one_of_several_limits_is_not_counted_no_quota_is_returned(
    store: SessionStore, keys: StoreKeys, redis: Redis
) -> None:
    await redis.lpush(keys.counter(LIMITS[1].counter), "not a counter")
    assert (await store.load("a-session", limits=LIMITS)).quotas == ()


async def test_a_recorded_answer_is_found_with_and_without_counting(
    store: SessionStore, keys: StoreKeys, redis: Redis
) -> None:
    change = new_session()
    key = IdempotencyKey(change.session.name, "k1", "fingerprint")
    await store.commit(commit_for(change, key=key))
    counted = await store.load(change.session.name, key, LIMITS)
    assert counted.recorded
    assert counted.recorded.fingerprint == "fingerprint"
    assert [quota.remaining for quota in counted.quotas] == [3, 3]
    await redis.delete(keys.counter(LIMITS[0].counter))
    await redis.lpush(keys.counter(LIMITS[0].counter), "not a counter")
    uncounted = await store.load(change.session.name, key, LIMITS)
    assert uncounted.recorded == counted.recorded
    assert uncounted.stored == counted.stored
    assert uncounted.quotas == ()


async def test_each_outage_of_counting_is_logged_once(
    store: SessionStore, keys: StoreKeys, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    counter = keys.counter(LIMITS[0].counter)
    with caplog.at_level(logging.WARNING, "synckairos.limits"):
        for _ in range(2):
            await redis.delete(counter)
            await store.load("a-session", limits=LIMITS)
            await redis.delete(counter)
            await redis.lpush(counter, "not a counter")
            for _ in range(3):
                await store.load("a-session", limits=LIMITS)
                await store.load("a-session")
    messages = [record.message for record in caplog.records if record.name == "synckairos.limits"]
    assert len(messages) == 2
    assert all("WRONGTYPE" in message for message in messages)


async def test_an_unreadable_session_is_an_outage(
    connection: StoreConnection, keys: StoreKeys, redis: Redis
) -> None:
    store = RedisSessionStore(connection, keys, StoreClock())
    await redis.set(keys.session("a-session"), "not a session")
    with pytest.raises(StoreUnavailable):
        await store.load("a-session")
    with pytest.raises(StoreUnavailable):
        await store.load("a-session", limits=LIMITS)
