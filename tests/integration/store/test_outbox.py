"""The outbox delivers entries in order in bounded batches, and can be emptied without memory."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError

from shared.application.ports.audit_log import QueuedEntry
from shared.store.connection import StoreConnection
from shared.store.keys import StoreKeys
from shared.store.outbox import RedisOutbox

_SHARD = "{s0}"
_MAX_ENTRIES = 200
_MAX_BYTES = 1024 * 1024


@pytest.fixture
def keys() -> StoreKeys:
    """One shard: the outbox takes entries from each shard separately."""
    return StoreKeys(1)


@pytest.fixture
def outbox(connection: StoreConnection, keys: StoreKeys) -> RedisOutbox:
    """The outbox under test."""
    return RedisOutbox(connection, keys)


@pytest.fixture
def stream(keys: StoreKeys) -> str:
    """The key of the outbox's stream."""
    return keys.outbox(_SHARD)


async def add_entries(redis: Redis, stream: str, *sizes: int) -> list[str]:
    """Add entries of `sizes` bytes to `stream`; return their ids."""
    added: list[Any] = [await redis.xadd(stream, {"entry": "x" * size}) for size in sizes]
    return [stream_id.decode() for stream_id in added]


def ids(taken: list[QueuedEntry]) -> list[str]:
    """Return the entries' ids in the stream."""
    return [delivery.id for delivery in taken]


async def test_a_batch_has_at_most_the_requested_bytes(
    outbox: RedisOutbox, redis: Redis, stream: str
) -> None:
    added_ids = await add_entries(redis, stream, *[1_000] * 30)
    taken = await outbox.take("worker", _MAX_ENTRIES, 10_500)
    assert ids(taken) == added_ids[:10]


async def test_an_entry_larger_than_a_batch_is_taken_alone(
    outbox: RedisOutbox, redis: Redis, stream: str
) -> None:
    added_ids = await add_entries(redis, stream, 50_000, 10, 10)
    assert ids(await outbox.take("worker", _MAX_ENTRIES, 1_000)) == added_ids[:1]


async def test_no_entry_overtakes_a_large_one(
    outbox: RedisOutbox, redis: Redis, stream: str
) -> None:
    added_ids = await add_entries(redis, stream, 10, 50_000, 10, 10)
    assert ids(await outbox.take("worker", _MAX_ENTRIES, 1_000)) == added_ids[:1]


@pytest.mark.parametrize(("limit", "most_bytes"), [(1, _MAX_BYTES), (7, 2_500), (_MAX_ENTRIES, 1)])
async def test_every_entry_is_delivered_once_and_in_order(
    outbox: RedisOutbox, redis: Redis, stream: str, limit: int, most_bytes: int
) -> None:
    added_ids = await add_entries(redis, stream, *[10, 900, 4_000, 50] * 10)
    received: list[str] = []
    while taken := await outbox.take("worker", limit, most_bytes):
        assert len(taken) <= limit
        received += ids(taken)
        await outbox.settle(taken)
    assert received == added_ids
    assert await redis.xlen(stream) == 0


async def test_entries_left_by_another_worker_come_before_new_ones(
    outbox: RedisOutbox, redis: Redis, stream: str, keys: StoreKeys
) -> None:
    added_ids = await add_entries(redis, stream, *[100] * 12)
    await outbox.take("dead", 10, _MAX_BYTES)
    await redis.delete(keys.outbox_lease(_SHARD))
    assert ids(await outbox.take("alive", _MAX_ENTRIES, _MAX_BYTES)) == added_ids


async def test_an_entry_given_up_twice_becomes_one_dead_letter(
    outbox: RedisOutbox, redis: Redis, stream: str, keys: StoreKeys
) -> None:
    await add_entries(redis, stream, 100)
    (delivery,) = await outbox.take("worker", _MAX_ENTRIES, _MAX_BYTES)
    await outbox.move_to_dead_letters(delivery, "no good")
    await outbox.move_to_dead_letters(delivery, "no good")
    letters: Any = await redis.xrange(keys.dead_letters(_SHARD))
    ((_, letter),) = letters
    assert letter[b"reason"] == b"no good"
    assert await redis.xlen(stream) == 0


async def test_the_outbox_is_emptied_without_memory(
    outbox: RedisOutbox,
    redis: Redis,
    stream: str,
    keys: StoreKeys,
    fill: Callable[[], Awaitable[None]],
) -> None:
    await add_entries(redis, stream, *[1_000] * 50)
    await fill()
    with pytest.raises(OutOfMemoryError):
        await redis.set(str(uuid4()), "x")
    first, *others = await outbox.take("worker", _MAX_ENTRIES, _MAX_BYTES)
    assert len(others) == 49
    await outbox.move_to_dead_letters(first, "no good")
    await outbox.settle(others)
    assert await redis.xlen(stream) == 0
    assert await redis.xlen(keys.dead_letters(_SHARD)) == 1
    pending: Any = await redis.xpending(stream, "audit")
    assert pending["pending"] == 0
