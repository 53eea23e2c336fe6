"""Replies of the outbox have a bounded size, and the entries that didn't fit come next."""

from collections.abc import Sequence
from typing import Any

import pytest
from redis.asyncio import Redis

from shared.application.ports.audit_log import QueuedEntry
from shared.store.connection import StoreConnection
from shared.store.keys import StoreKeys
from shared.store.outbox import RedisOutbox
from tests.support.measured_connection import MeasuredConnection
from tests.support.scenarios import entries_of, last_session, switched_session

_MAX_BYTES = 1 << 20
_KILOBYTE = 1_000
_SIZES = [1, 1, 1, 300, 300, 300, 300, 1, 1500, 1, *[1] * 40, 700, 700, 1]
"""kB of the outbox's entries, oldest first. The size of an entry doesn't predict the next one's."""


async def add_entries(redis: Redis, keys: StoreKeys, sizes: Sequence[int] = _SIZES) -> list[str]:
    """Add entries of `sizes` kB to the outbox; return their ids, oldest first."""
    outbox = keys.outbox(keys.all_shards[0])
    added: list[Any] = [await redis.xadd(outbox, {"entry": b"x" * size * 1_000}) for size in sizes]
    return [stream_id.decode() for stream_id in added]


def ids(taken: Sequence[QueuedEntry]) -> list[str]:
    """Return the entries' ids in the stream."""
    return [delivery.id for delivery in taken]


async def test_every_entry_is_delivered_once_in_order_in_bounded_replies(
    redis: Redis, connection: StoreConnection
) -> None:
    keys, measured = StoreKeys(1), MeasuredConnection(connection)
    outbox, added, received = (
        RedisOutbox(measured, keys),
        await add_entries(redis, keys),
        list[str](),
    )
    while taken := await outbox.take("worker", 20):
        assert len(taken) <= 20
        received += ids(taken)
        await outbox.settle(taken)
    assert received == added
    largest_entry = max(_SIZES) * _KILOBYTE
    assert largest_entry < measured.largest <= largest_entry + 100


async def test_a_reply_is_filled_up_to_the_size_limit(
    redis: Redis, connection: StoreConnection
) -> None:
    keys, measured = StoreKeys(1), MeasuredConnection(connection)
    await add_entries(redis, keys, [100] * 30)
    taken = await RedisOutbox(measured, keys).take("worker", 200)
    assert len(taken) == 10
    assert measured.largest <= _MAX_BYTES


async def test_small_entries_are_limited_by_their_number(
    redis: Redis, connection: StoreConnection
) -> None:
    keys = StoreKeys(1)
    added = await add_entries(redis, keys, [1] * 300)
    assert ids(await RedisOutbox(connection, keys).take("worker", 200)) == added[:200]


async def test_undelivered_entries_survive_the_death_of_the_worker(
    redis: Redis, connection: StoreConnection
) -> None:
    keys, outbox = StoreKeys(1), RedisOutbox(connection, StoreKeys(1))
    added = await add_entries(redis, keys, [600] * 6)
    assert len(await outbox.take("dead", 200)) == 1
    await redis.delete(keys.outbox_lease(keys.all_shards[0]))
    received = list[str]()
    while taken := await outbox.take("next", 200):
        received += ids(taken)
        await outbox.settle(taken)
    assert received == added


async def test_a_worker_can_take_entries_after_those_it_has(
    redis: Redis, connection: StoreConnection
) -> None:
    keys, outbox = StoreKeys(1), RedisOutbox(connection, StoreKeys(1))
    (shard,) = keys.all_shards
    added = await add_entries(redis, keys, [1] * 9)
    first = await outbox.take("worker", 3)
    second = await outbox.take("worker", 3, after={shard: first[-1].id})
    third = await outbox.take("worker", 9, after={shard: second[-1].id})
    assert ids(first) + ids(second) + ids(third) == added
    assert await outbox.take("worker", 9, after={shard: third[-1].id}) == []
    assert ids(await outbox.take("worker", 9)) == added


async def test_the_limits_cover_all_shards_and_no_shard_starves(
    redis: Redis, connection: StoreConnection
) -> None:
    keys = StoreKeys(4)
    outbox = RedisOutbox(connection, keys)
    for shard in keys.all_shards:
        for _ in range(20):
            await redis.xadd(keys.outbox(shard), {"entry": b"x" * 300 * _KILOBYTE})
    seen = set[str]()
    for _ in range(8):
        taken = await outbox.take("worker", 200)
        assert sum(len(delivery.entry or b"") for delivery in taken) <= _MAX_BYTES + 300_000
        seen |= {delivery.shard for delivery in taken}
        await outbox.settle(taken)
    assert seen == set(keys.all_shards)
    assert len(await outbox.take("worker", 2)) == 2


async def test_a_lease_is_renewed_only_by_its_holder(
    redis: Redis, connection: StoreConnection
) -> None:
    keys, outbox = StoreKeys(1), RedisOutbox(connection, StoreKeys(1))
    (shard,) = keys.all_shards
    await add_entries(redis, keys, [1])
    await outbox.take("worker", 1)
    await redis.pexpire(keys.outbox_lease(shard), 300)
    await outbox.renew("another", [shard])
    assert await redis.pttl(keys.outbox_lease(shard)) <= 300
    await outbox.renew("worker", [shard])
    assert await redis.pttl(keys.outbox_lease(shard)) > 300
    await redis.delete(keys.outbox_lease(shard))
    await outbox.renew("worker", [shard])
    assert not await redis.exists(keys.outbox_lease(shard))


@pytest.mark.parametrize("method", ["waiting", "newest"])
async def test_waiting_entries_are_read_in_bounded_replies(
    redis: Redis, connection: StoreConnection, method: str
) -> None:
    keys, measured, changes = (
        StoreKeys(1),
        MeasuredConnection(connection),
        switched_session(switches=20),
    )
    outbox, session = RedisOutbox(measured, keys), last_session(changes)
    await add_entries(redis, keys, [1, 1, 1, *[400] * 12])
    for entry in entries_of(changes):
        await redis.xadd(keys.outbox(keys.all_shards[0]), {"entry": entry})
    await add_entries(redis, keys, [400] * 5)
    if method == "waiting":
        moments = await outbox.waiting(session.name)
        assert [m.session for m in moments] == [change.session for change in changes]
    else:
        assert {name: m.session for name, m in (await outbox.newest(keys.all_shards)).items()} == {
            session.name: session
        }
    assert measured.largest <= _MAX_BYTES + 2_000
