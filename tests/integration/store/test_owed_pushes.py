"""Pushes that are owed: none is forgotten, and each is one taker's."""

import asyncio
import time
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from shared.clock import StoreClock
from shared.domain.units import Instant
from shared.realtime.ports import OwedPush, OwedPushes
from shared.store.connection import Connection
from shared.store.keys import Keys
from shared.store.owed_pushes import RedisOwedPushes

_LIMIT = 10
_LEASE_MS = 10_000


def now_ms() -> Instant:
    """The time of the Redis on this machine."""
    return Instant(time.time_ns() // 1_000_000)


class Calendar:
    """Lets time pass for what is owed."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def expire(self, name: str, tries: int) -> None:
        """As if the time of a postponement, or of a lease, had passed."""
        key = self._keys.owed_pushes(self._keys.shard_of(name))
        assert await self._redis.zadd(key, {name: (now_ms() - 1) * 1024 + tries}, xx=True, ch=True)


@pytest.fixture
def calendar(redis: Redis, keys: Keys) -> Calendar:
    """Of the store under test."""
    return Calendar(redis, keys)


@pytest.fixture
def late() -> StoreClock:
    """A clock that is two seconds behind the store's: what fails by it is due at once."""
    clock = StoreClock()
    moment = time.monotonic()
    clock.observe(moment, moment, time.time() - 2)
    return clock


@pytest.fixture
def owed(connection: Connection, keys: Keys, late: StoreClock) -> OwedPushes:
    """What is under test."""
    return RedisOwedPushes(connection, keys, late)


def names(pushes: tuple[OwedPush, ...]) -> list[str]:
    """The sessions, sorted."""
    return sorted(push.name for push in pushes)


async def test_where_nothing_is_owed_nothing_is_taken(owed: OwedPushes) -> None:
    taken = await owed.take(_LIMIT)
    assert (taken.pushes, taken.next_in_ms) == ((), None)


async def test_it_is_due_a_second_after_it_failed(connection: Connection, keys: Keys) -> None:
    clock = StoreClock()
    moment = time.monotonic()
    clock.observe(moment, moment, time.time())
    owed = RedisOwedPushes(connection, keys, clock)
    await owed.add("a-session")
    taken = await owed.take(_LIMIT)
    assert taken.pushes == ()
    assert taken.next_in_ms is not None
    assert 500 < taken.next_in_ms <= 1_010


async def test_a_session_is_owed_once_however_often_it_failed(owed: OwedPushes) -> None:
    news = [await owed.add(name) for name in ("one", "two", "acme:one", "one", "one")]
    assert news == [True, True, True, False, False]
    taken = await owed.take(_LIMIT)
    assert names(taken.pushes) == ["acme:one", "one", "two"]
    assert {push.tries for push in taken.pushes} == {1}


async def test_what_one_has_taken_no_other_gets(owed: OwedPushes) -> None:
    expected = [str(uuid4()) for _ in range(8)]
    for name in expected:
        await owed.add(name)
    several = await asyncio.gather(*(owed.take(_LIMIT) for _ in range(4)))
    assert sorted(name for taken in several for name in names(taken.pushes)) == sorted(expected)


async def test_no_more_than_asked_for_are_taken_the_oldest_first(
    connection: Connection, late: StoreClock
) -> None:
    owed = RedisOwedPushes(connection, Keys(), late)
    for name in "abc":
        await owed.add(name)
        moment = time.monotonic()
        late.observe(moment, moment, time.time() - 1.5)
    first = await owed.take(1)
    assert names(first.pushes) == ["a"]
    assert names((await owed.take(_LIMIT)).pushes) == ["b", "c"]


async def test_no_more_than_asked_for_are_taken_of_all_shards_together(owed: OwedPushes) -> None:
    """A worker can see to no more before its claim ends, however many shards there are."""
    every = [f"session-{number}" for number in range(12)]
    for name in every:
        await owed.add(name)
    first = await owed.take(5)
    assert len(first.pushes) == 5
    rest = await owed.take(_LIMIT)
    assert sorted(names(first.pushes) + names(rest.pushes)) == sorted(every)


async def test_what_was_settled_is_owed_no_more(owed: OwedPushes) -> None:
    await owed.add("a-session")
    (push,) = (await owed.take(_LIMIT)).pushes
    await owed.settle(push)
    assert (await owed.take(_LIMIT)).next_in_ms is None


async def test_what_was_postponed_comes_again_and_says_how_often_it_was_tried(
    owed: OwedPushes, calendar: Calendar
) -> None:
    await owed.add("a-session")
    for tries in (1, 2, 3):
        (push,) = (await owed.take(_LIMIT)).pushes
        assert push.tries == tries
        await owed.postpone(push, Instant(now_ms() + 5_000))
        taken = await owed.take(_LIMIT)
        assert taken.pushes == ()
        assert taken.next_in_ms is not None
        assert 4_000 < taken.next_in_ms <= 5_010
        await calendar.expire("a-session", tries)


async def test_what_a_taker_leaves_behind_comes_again(owed: OwedPushes, calendar: Calendar) -> None:
    await owed.add("a-session")
    (first,) = (await owed.take(_LIMIT)).pushes
    ahead = await owed.take(_LIMIT)
    assert ahead.pushes == ()
    assert ahead.next_in_ms is not None
    assert _LEASE_MS - 1_000 < ahead.next_in_ms <= _LEASE_MS
    await calendar.expire("a-session", first.tries)
    (second,) = (await owed.take(_LIMIT)).pushes
    assert second.tries == 2


@pytest.mark.parametrize("end", ["settle", "postpone"])
async def test_a_failure_after_it_was_taken_is_not_forgotten(
    connection: Connection, keys: Keys, owed: OwedPushes, end: str
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


async def test_a_failure_in_the_very_instant_in_which_a_claim_ends_is_not_forgotten(
    connection: Connection, keys: Keys, owed: OwedPushes
) -> None:
    await owed.add("a-session")
    (push,) = (await owed.take(_LIMIT)).pushes
    colliding = StoreClock()
    colliding.now = lambda: Instant(push.due_at - 1_000)  # type: ignore[method-assign] # stands still
    await RedisOwedPushes(connection, keys, colliding).add("a-session")
    await owed.settle(push)
    assert (await owed.take(_LIMIT)).next_in_ms is not None


async def test_tries_are_counted_no_further_than_a_score_can_tell(
    owed: OwedPushes, calendar: Calendar
) -> None:
    await owed.add("a-session")
    await calendar.expire("a-session", 1023)
    (push,) = (await owed.take(_LIMIT)).pushes
    assert push.tries == 1023
    await owed.settle(push)
    assert (await owed.take(_LIMIT)).next_in_ms is None
