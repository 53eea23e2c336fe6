"""Owed pushes: none is lost, and each is taken by only one worker at a time."""

import asyncio
import time
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from shared.application.ports.pending_pushes import PendingPush, PendingPushes
from shared.application.store_clock import StoreClock
from shared.domain.units import Instant
from shared.store.connection import StoreConnection
from shared.store.keys import StoreKeys
from shared.store.pending_pushes import RedisPendingPushes

_LIMIT = 10
_LEASE_MS = 10_000


def now_ms() -> Instant:
    """Return the current time; the local Redis has the same clock."""
    return Instant(time.time_ns() // 1_000_000)


class DueTimes:
    """Reads when owed pushes are due, and makes them due without waiting."""

    def __init__(self, redis: Redis, keys: StoreKeys) -> None:
        self._redis = redis
        self._keys = keys

    async def of(self, name: str) -> Instant:
        """Return when the push is due."""
        score = await self._redis.zscore(self._keys.pending_pushes(self._keys.shard_of(name)), name)
        assert score is not None
        return Instant(int(score) // 1024)

    async def expire(self, name: str, tries: int) -> None:
        """Set the push's due time to the past, as if a postponement or lease had ended."""
        key = self._keys.pending_pushes(self._keys.shard_of(name))
        assert await self._redis.zadd(key, {name: (now_ms() - 1) * 1024 + tries}, xx=True, ch=True)


@pytest.fixture
def due_times(redis: Redis, keys: StoreKeys) -> DueTimes:
    """The due-time setter for the store under test."""
    return DueTimes(redis, keys)


@pytest.fixture
def late_clock() -> StoreClock:
    """A clock two seconds behind the store's: pushes added by it are due at once."""
    clock = StoreClock()
    moment = time.monotonic()
    clock.observe(moment, moment, time.time() - 2)
    return clock


@pytest.fixture
def owed(connection: StoreConnection, keys: StoreKeys, late_clock: StoreClock) -> PendingPushes:
    """The owed pushes under test, on the late clock."""
    return RedisPendingPushes(connection, keys, late_clock)


def names(pushes: tuple[PendingPush, ...]) -> list[str]:
    """Return the names of the sessions, sorted."""
    return sorted(push.name for push in pushes)


async def test_nothing_is_taken_when_nothing_is_owed(owed: PendingPushes) -> None:
    taken = await owed.take(_LIMIT)
    assert (taken.pushes, taken.next_in_ms) == ((), None)


async def test_an_owed_push_is_due_a_second_after_its_failure(
    connection: StoreConnection, keys: StoreKeys, due_times: DueTimes
) -> None:
    """The clock is a minute ahead of the store's, so that the push isn't due during the test."""
    clock = StoreClock()
    moment = time.monotonic()
    clock.observe(moment, moment, time.time() + 60)
    owed = RedisPendingPushes(connection, keys, clock)
    before = clock.now()
    await owed.add("a-session")
    after = clock.now()
    assert before + 1_000 <= await due_times.of("a-session") <= after + 1_000
    taken = await owed.take(_LIMIT)
    assert taken.pushes == ()
    assert taken.next_in_ms is not None
    assert 0 < taken.next_in_ms <= 61_010


async def test_repeated_failures_of_a_session_are_owed_once(owed: PendingPushes) -> None:
    was_new = [await owed.add(name) for name in ("one", "two", "acme:one", "one", "one")]
    assert was_new == [True, True, True, False, False]
    taken = await owed.take(_LIMIT)
    assert names(taken.pushes) == ["acme:one", "one", "two"]
    assert {push.tries for push in taken.pushes} == {1}


async def test_a_taken_push_is_not_taken_by_others(owed: PendingPushes) -> None:
    expected = [str(uuid4()) for _ in range(8)]
    for name in expected:
        await owed.add(name)
    batches = await asyncio.gather(*(owed.take(_LIMIT) for _ in range(4)))
    assert sorted(name for taken in batches for name in names(taken.pushes)) == sorted(expected)


async def test_at_most_the_limit_is_taken_oldest_first(
    connection: StoreConnection, late_clock: StoreClock
) -> None:
    owed = RedisPendingPushes(connection, StoreKeys(), late_clock)
    for name in "abc":
        await owed.add(name)
        moment = time.monotonic()
        late_clock.observe(moment, moment, time.time() - 1.5)
    first = await owed.take(1)
    assert names(first.pushes) == ["a"]
    assert names((await owed.take(_LIMIT)).pushes) == ["b", "c"]


async def test_the_limit_covers_all_shards(owed: PendingPushes) -> None:
    """The limit is what a worker can send before its claim ends, so it covers all shards."""
    expected = [f"session-{number}" for number in range(12)]
    for name in expected:
        await owed.add(name)
    first = await owed.take(5)
    assert len(first.pushes) == 5
    rest = await owed.take(_LIMIT)
    assert sorted(names(first.pushes) + names(rest.pushes)) == sorted(expected)


async def test_a_settled_push_is_no_longer_owed(owed: PendingPushes) -> None:
    await owed.add("a-session")
    (push,) = (await owed.take(_LIMIT)).pushes
    await owed.settle(push)
    assert (await owed.take(_LIMIT)).next_in_ms is None


async def test_a_postponed_push_returns_with_its_number_of_tries(
    owed: PendingPushes, due_times: DueTimes
) -> None:
    await owed.add("a-session")
    for tries in (1, 2, 3):
        (push,) = (await owed.take(_LIMIT)).pushes
        assert push.tries == tries
        await owed.postpone(push, Instant(now_ms() + 60_000))
        taken = await owed.take(_LIMIT)
        assert taken.pushes == ()
        assert taken.next_in_ms is not None
        assert 0 < taken.next_in_ms <= 60_010
        await due_times.expire("a-session", tries)


async def test_a_taken_push_returns_when_its_lease_ends(
    owed: PendingPushes, due_times: DueTimes
) -> None:
    await owed.add("a-session")
    (first,) = (await owed.take(_LIMIT)).pushes
    ahead = await owed.take(_LIMIT)
    assert ahead.pushes == ()
    assert ahead.next_in_ms is not None
    assert 0 < ahead.next_in_ms <= _LEASE_MS
    await due_times.expire("a-session", first.tries)
    (second,) = (await owed.take(_LIMIT)).pushes
    assert second.tries == 2


@pytest.mark.parametrize("end", ["settle", "postpone"])
async def test_a_failure_after_the_push_was_taken_is_kept(
    connection: StoreConnection, keys: StoreKeys, owed: PendingPushes, end: str
) -> None:
    await owed.add("a-session")
    (push,) = (await owed.take(_LIMIT)).pushes
    await owed.add("a-session")
    if end == "settle":
        await owed.settle(push)
    else:
        await owed.postpone(push, Instant(now_ms() + 60_000))
    (again,) = (await owed.take(_LIMIT)).pushes
    assert (again.name, again.tries) == ("a-session", 1)


async def test_a_failure_at_the_instant_a_claim_ends_is_kept(
    connection: StoreConnection, keys: StoreKeys, owed: PendingPushes
) -> None:
    await owed.add("a-session")
    (push,) = (await owed.take(_LIMIT)).pushes
    colliding = StoreClock()
    colliding.now = lambda: Instant(push.due_at - 1_000)  # type: ignore[method-assign] # is stopped
    await RedisPendingPushes(connection, keys, colliding).add("a-session")
    await owed.settle(push)
    assert (await owed.take(_LIMIT)).next_in_ms is not None


async def test_the_number_of_tries_is_capped_by_the_score_s_encoding(
    owed: PendingPushes, due_times: DueTimes
) -> None:
    await owed.add("a-session")
    await due_times.expire("a-session", 1023)
    (push,) = (await owed.take(_LIMIT)).pushes
    assert push.tries == 1023
    await owed.settle(push)
    assert (await owed.take(_LIMIT)).next_in_ms is None
