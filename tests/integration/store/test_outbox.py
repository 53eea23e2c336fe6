"""The outbox by every way to reach a Redis: bounded batches, and no memory needed to empty it."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError

from shared.audit.ports import Delivery
from shared.store.connection import Connection
from shared.store.keys import Keys
from shared.store.outbox import RedisOutbox

_SHARD = "{s0}"
_MANY = 200
_MANY_BYTES = 1024 * 1024


@pytest.fixture
def keys() -> Keys:
    """One shard: the outbox takes from each shard by itself."""
    return Keys(1)


@pytest.fixture
def outbox(connection: Connection, keys: Keys) -> RedisOutbox:
    """The outbox under test."""
    return RedisOutbox(connection, keys)


@pytest.fixture
def stream(keys: Keys) -> str:
    """Where its entries wait."""
    return keys.outbox(_SHARD)


async def put(redis: Redis, stream: str, *sizes: int) -> list[str]:
    """Put entries of `sizes` bytes into `stream`; returns their ids."""
    added: list[Any] = [await redis.xadd(stream, {"entry": "x" * size}) for size in sizes]
    return [stream_id.decode() for stream_id in added]


def ids(taken: list[Delivery]) -> list[str]:
    """Where the entries waited."""
    return [delivery.id for delivery in taken]


async def test_a_batch_holds_no_more_bytes_than_asked_for(
    outbox: RedisOutbox, redis: Redis, stream: str
) -> None:
    put_in = await put(redis, stream, *[1_000] * 30)
    taken = await outbox.take("worker", _MANY, 10_500)
    assert ids(taken) == put_in[:10]


async def test_an_entry_larger_than_a_batch_is_taken_alone(
    outbox: RedisOutbox, redis: Redis, stream: str
) -> None:
    put_in = await put(redis, stream, 50_000, 10, 10)
    assert ids(await outbox.take("worker", _MANY, 1_000)) == put_in[:1]


async def test_a_large_entry_lets_no_later_one_go_before_it(
    outbox: RedisOutbox, redis: Redis, stream: str
) -> None:
    put_in = await put(redis, stream, 10, 50_000, 10, 10)
    assert ids(await outbox.take("worker", _MANY, 1_000)) == put_in[:1]


@pytest.mark.parametrize("most_bytes", [1, 2_500, _MANY_BYTES])
@pytest.mark.parametrize("limit", [1, 7, _MANY])
async def test_batch_by_batch_every_entry_comes_once_and_in_order(
    outbox: RedisOutbox, redis: Redis, stream: str, limit: int, most_bytes: int
) -> None:
    put_in = await put(redis, stream, *[10, 900, 4_000, 50] * 10)
    came: list[str] = []
    while taken := await outbox.take("worker", limit, most_bytes):
        assert len(taken) <= limit
        came += ids(taken)
        await outbox.settle(taken)
    assert came == put_in
    assert await redis.xlen(stream) == 0


async def test_what_another_worker_left_comes_first_then_what_is_new(
    outbox: RedisOutbox, redis: Redis, stream: str, keys: Keys
) -> None:
    put_in = await put(redis, stream, *[100] * 12)
    await outbox.take("dead", 10, _MANY_BYTES)
    await redis.delete(keys.drainer(_SHARD))
    assert ids(await outbox.take("alive", _MANY, _MANY_BYTES)) == put_in


async def test_an_entry_that_is_parked_twice_is_one_dead_letter(
    outbox: RedisOutbox, redis: Redis, stream: str, keys: Keys
) -> None:
    await put(redis, stream, 100)
    (delivery,) = await outbox.take("worker", _MANY, _MANY_BYTES)
    await outbox.park(delivery, "no good")
    await outbox.park(delivery, "no good")
    letters: Any = await redis.xrange(keys.dead_letters(_SHARD))
    ((_, letter),) = letters
    assert letter[b"reason"] == b"no good"
    assert await redis.xlen(stream) == 0


async def test_a_redis_without_memory_is_emptied(
    outbox: RedisOutbox,
    redis: Redis,
    stream: str,
    keys: Keys,
    fill: Callable[[], Awaitable[None]],
) -> None:
    await put(redis, stream, *[1_000] * 50)
    await fill()
    with pytest.raises(OutOfMemoryError):
        await redis.set(str(uuid4()), "x")
    first, *others = await outbox.take("worker", _MANY, _MANY_BYTES)
    assert len(others) == 49
    await outbox.park(first, "no good")
    await outbox.settle(others)
    assert await redis.xlen(stream) == 0
    assert await redis.xlen(keys.dead_letters(_SHARD)) == 1
    pending: Any = await redis.xpending(stream, "audit")
    assert pending["pending"] == 0
