"""Presence in the store: the connections of instances, and their expiry."""

import pytest
from redis.asyncio import Redis

from shared.application.ports.presence import Connection, Presence
from shared.application.presence import presence_of
from shared.application.store_clock import StoreClock
from shared.domain.units import Instant
from shared.store.connection import StoreConnection
from shared.store.keys import StoreKeys
from shared.store.presence import ALIVE_MS, KEPT_MS, RedisPresence

NAME = "t:0b7e0a57-0000-4000-8000-000000000001"


@pytest.fixture
async def clock(redis: Redis) -> StoreClock:
    """The store's clock."""
    seconds, microseconds = await redis.time()
    clock = StoreClock()
    now = clock.now() / 1000
    clock.observe(now, now, seconds + microseconds / 1e6)
    return clock


@pytest.fixture
def presence(connection: StoreConnection, keys: StoreKeys, clock: StoreClock) -> RedisPresence:
    """The presence under test."""
    return RedisPresence(connection, keys, clock)


def of(*ids: str) -> Presence:
    """Return the presence with these connections."""
    return presence_of(
        [
            Connection(
                connection_id=one, role="host", transport="websocket", connected_at=Instant(1)
            )
            for one in ids
        ]
    )


def ids(presence: Presence) -> list[str]:
    """Return the ids of the listed connections."""
    return [one.connection_id for one in presence.connections]


async def test_the_connections_of_all_instances_are_read_together(presence: RedisPresence) -> None:
    for instance, connections in {"a": of("1", "3"), "b": of("2")}.items():
        await presence.keep_alive(instance)
        await presence.write(NAME, instance, connections)
        await presence.write(f"{NAME}9", instance, of("another session's"))
    found = await presence.read(NAME)
    assert (ids(found), found.summary.connected) == (["1", "2", "3"], 3)
    await presence.write(NAME, "a", None)
    assert ids(await presence.read(NAME)) == ["2"]


async def test_nothing_is_found_where_nothing_was_written(presence: RedisPresence) -> None:
    assert ids(await presence.read(NAME)) == []
    await presence.keep_alive("a")
    assert ids(await presence.read(NAME)) == []


async def test_an_instance_that_stops_takes_its_connections_with_it(
    presence: RedisPresence,
) -> None:
    for instance in ("a", "b"):
        await presence.keep_alive(instance)
        await presence.write(NAME, instance, of(instance))
    await presence.forget("a")
    assert ids(await presence.read(NAME)) == ["b"]


async def test_a_dead_instance_s_connections_vanish_a_minute_after_its_last_sign(
    presence: RedisPresence, redis: Redis, keys: StoreKeys
) -> None:
    for instance in ("dead", "alive"):
        assert not await presence.keep_alive(instance)
        await presence.write(NAME, instance, of(instance))
    instances = keys.presence_instances(keys.shard_of(NAME))
    assert 0 < await redis.pttl(instances) <= ALIVE_MS
    assert 0 < await redis.pttl(keys.presence(NAME, "dead")) <= KEPT_MS
    assert ids(await presence.read(NAME)) == ["alive", "dead"]

    await redis.zincrby(instances, -ALIVE_MS, "dead")  # as if a minute had passed
    assert ids(await presence.read(NAME)) == ["alive"]
    assert await presence.keep_alive("alive")
    assert await redis.zscore(instances, "dead") is None


async def test_an_instance_learns_that_the_store_does_not_know_it(
    presence: RedisPresence, redis: Redis
) -> None:
    assert not await presence.keep_alive("a")
    assert await presence.keep_alive("a")
    await redis.flushdb()
    assert not await presence.keep_alive("a")


async def test_a_connection_was_seen_at_the_last_sign_of_its_instance(
    presence: RedisPresence, redis: Redis, keys: StoreKeys
) -> None:
    await presence.keep_alive("a")
    await presence.write(NAME, "a", of("1"))
    (found,) = (await presence.read(NAME)).connections
    score = await redis.zscore(keys.presence_instances(keys.shard_of(NAME)), "a")
    assert found.seen_at == score


async def test_a_change_is_announced_on_the_channel_of_its_session(
    presence: RedisPresence, redis: Redis, keys: StoreKeys
) -> None:
    async with redis.pubsub() as subscriber:
        await subscriber.subscribe(keys.presence_channel(NAME))
        assert (await subscriber.get_message(timeout=10))["type"] == "subscribe"
        await presence.write(NAME, "a", of("1"))
        message = await subscriber.get_message(timeout=10)
    assert message is not None
    assert (message["type"], message["data"]) == ("message", b"")
