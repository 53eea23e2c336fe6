"""Limits: counted with the load, in a window that slides, alike by every way to a Redis."""

import asyncio
import random
import time

import pytest
from redis.asyncio import Redis

from infra.local.upstash import LocalUpstash
from shared.clock import StoreClock
from shared.domain.units import HOUR, Instant, Millis
from shared.ports import Limit, Quota, SessionStore
from shared.store.connection import Connection
from shared.store.keys import Keys
from shared.store.sessions import RedisSessionStore
from tests.support.native_redis import native_connection_of, upstash_connection_to

WINDOW = Millis(1_000)
LIMIT = Limit("caller:alice", 4, WINDOW)


class SetClock(StoreClock):
    """A clock that shows what a test wants it to."""

    def __init__(self) -> None:
        super().__init__()
        self.at = Instant(1_800_000_000_000)

    @property
    def was_measured(self) -> bool:
        """It needs no measuring."""
        return True

    def now(self) -> Instant:
        """What it was set to."""
        return self.at

    def move(self, ms: int) -> None:
        """Forward, or back where that is less than nothing."""
        self.at = Instant(self.at + ms)


@pytest.fixture
def clock() -> SetClock:
    """What time the store believes it is."""
    return SetClock()


@pytest.fixture
def store(connection: Connection, keys: Keys, clock: SetClock) -> RedisSessionStore:
    """The store under test, on a clock that is set."""
    return RedisSessionStore(connection, keys, clock)


async def take(store: SessionStore, limit: Limit = LIMIT) -> Quota:
    """How the limit stands once one more was asked for."""
    (quota,) = (await store.load("a-session", limits=[limit])).quotas
    assert quota.limit == limit
    return quota


async def lets_through(store: SessionStore, tries: int, limit: Limit = LIMIT) -> int:
    """How many of so many tries at one instant fit."""
    return [(await take(store, limit)).is_exceeded for _ in range(tries)].count(False)


async def test_so_many_fit_and_no_more(store: SessionStore) -> None:
    quotas = [await take(store) for _ in range(6)]
    assert [quota.is_exceeded for quota in quotas] == [False] * 4 + [True] * 2
    assert [quota.remaining for quota in quotas] == [3, 2, 1, 0, 0, 0]


async def test_a_limit_holds_for_all_connections_at_once(
    redis: Redis, quiet_upstash: LocalUpstash, keys: Keys
) -> None:
    upstash = upstash_connection_to(quiet_upstash)
    stores = [
        RedisSessionStore(connection, keys, StoreClock())
        for connection in (native_connection_of(redis), upstash)
    ]
    limit = Limit("caller:alice", 25, Millis(60_000))
    quotas = await asyncio.gather(*(take(store, limit) for store in stores * 30))
    await upstash.close()
    fitting = [quota.remaining for quota in quotas if not quota.is_exceeded]
    assert sorted(fitting) == list(range(25))


async def test_several_limits_are_counted_apart_and_told_in_order(store: SessionStore) -> None:
    one, two = Limit("caller:alice", 1, WINDOW), Limit("switches:a-session", 2, WINDOW)
    await store.load("a-session", limits=[two])
    for expected in [(False, False), (True, True)]:
        quotas = (await store.load("a-session", limits=[one, two])).quotas
        assert [quota.limit for quota in quotas] == [one, two]
        assert tuple(quota.is_exceeded for quota in quotas) == expected


async def test_a_load_of_several_sessions_counts_once(store: SessionStore) -> None:
    loaded = await store.load_many(["a", "b", "c"], [LIMIT])
    assert [quota.remaining for quota in loaded.quotas] == [3]
    assert len(loaded.sessions) == 3
    assert (await store.load_many(["a"])).quotas == ()


async def test_while_one_more_fits_the_present_window_is_what_passes(
    store: SessionStore, clock: SetClock
) -> None:
    assert (await take(store)).frees_in_ms == WINDOW
    clock.move(300)
    assert (await take(store)).frees_in_ms == WINDOW - 300


async def test_the_window_slides(store: SessionStore, clock: SetClock) -> None:
    """Of four counted in the window before one weighs no more, then every quarter another one."""
    assert await lets_through(store, 9) == 4
    clock.move(WINDOW)
    assert await lets_through(store, 9) == 0
    for _ in range(4):
        clock.move(1)
        assert await lets_through(store, 9) == 1
        clock.move(WINDOW // 4 - 1)
        assert await lets_through(store, 9) == 0


async def test_who_waits_for_a_window_finds_room(store: SessionStore, clock: SetClock) -> None:
    assert await lets_through(store, 9) == 4
    refused = await take(store)
    assert refused.frees_in_ms == WINDOW + 1


@pytest.mark.parametrize("later", [2 * WINDOW, 2 * WINDOW + 1, 5 * WINDOW // 2, HOUR])
async def test_after_two_windows_all_is_free_again(
    store: SessionStore, clock: SetClock, later: int
) -> None:
    assert await lets_through(store, 9) == 4
    clock.move(later)
    first = await take(store)
    assert first.remaining == 3
    assert await lets_through(store, 9) == 3


async def test_under_a_flood_no_window_holds_more_than_the_limit(
    store: SessionStore, clock: SetClock
) -> None:
    counted = []
    for _ in range(120):
        if not (await take(store)).is_exceeded:
            counted.append(clock.at)
        clock.move(50)
    fullest = max(sum(start <= at < start + WINDOW for at in counted) for start in counted)
    assert fullest == LIMIT.most
    assert len(counted) >= 3 * (120 * 50 // WINDOW)


async def test_one_fits_at_the_very_instant_that_was_told_and_not_before(
    store: SessionStore, clock: SetClock
) -> None:
    chance = random.Random(1)
    for round_ in range(12):
        limit = Limit(f"caller:{round_}", chance.randint(1, 5), Millis(chance.randint(10, 999)))
        while not (quota := await take(store, limit)).is_exceeded:
            clock.move(chance.randint(0, limit.window_ms // limit.most))
        assert 0 < quota.frees_in_ms <= 2 * limit.window_ms
        clock.move(quota.frees_in_ms - 1)
        assert (await take(store, limit)).frees_in_ms == 1
        clock.move(1)
        assert not (await take(store, limit)).is_exceeded


async def test_the_last_that_fits_says_when_the_next_does(
    store: SessionStore, clock: SetClock
) -> None:
    quotas = [await take(store) for _ in range(4)]
    assert quotas[-1].remaining == 0
    clock.move(quotas[-1].frees_in_ms - 1)
    assert (await take(store)).is_exceeded
    clock.move(1)
    assert not (await take(store)).is_exceeded


async def test_what_exceeds_a_limit_is_not_counted(store: SessionStore, clock: SetClock) -> None:
    assert await lets_through(store, 4) == 4
    first = await take(store)
    for _ in range(20):
        clock.move(10)
        assert (await take(store)).is_exceeded
    assert (await take(store)).frees_in_ms == first.frees_in_ms - 200


async def test_a_limit_that_was_lowered_holds_at_once(store: SessionStore, clock: SetClock) -> None:
    assert await lets_through(store, 4) == 4
    quota = await take(store, lower := Limit(LIMIT.counter, 2, WINDOW))
    assert (quota.is_exceeded, quota.remaining) == (True, 0)
    clock.move(quota.frees_in_ms)
    assert await lets_through(store, 2, lower) == 1


@pytest.mark.parametrize("back", [1, 400, 5_000, HOUR])
async def test_a_clock_that_goes_back_blocks_for_two_windows_at_the_most(
    store: SessionStore, clock: SetClock, back: int
) -> None:
    assert await lets_through(store, 9) == 4
    clock.move(-back)
    quota = await take(store)
    assert quota.is_exceeded
    assert quota.frees_in_ms <= 2 * WINDOW
    clock.move(quota.frees_in_ms)
    assert not (await take(store)).is_exceeded
    clock.move(2 * WINDOW)
    assert await lets_through(store, 9) == 4


async def test_a_clock_that_jumps_ahead_begins_anew(store: SessionStore, clock: SetClock) -> None:
    assert await lets_through(store, 9) == 4
    clock.move(HOUR)
    assert await lets_through(store, 9) == 4
    clock.move(-HOUR)
    assert await lets_through(store, 9) == 0


async def test_clocks_a_little_apart_let_no_more_through(
    connection: Connection, keys: Keys
) -> None:
    ahead, behind = SetClock(), SetClock()
    ahead.move(30)
    stores = [RedisSessionStore(connection, keys, clock) for clock in (ahead, behind)]
    fitting = 0
    for _ in range(40):
        fitting += sum([not (await take(store)).is_exceeded for store in stores])
        for clock in (ahead, behind):
            clock.move(20)
    assert fitting == LIMIT.most


async def test_a_counter_is_kept_for_two_windows(
    store: SessionStore, keys: Keys, redis: Redis
) -> None:
    minute = Limit(LIMIT.counter, 4, Millis(60_000))
    await lets_through(store, 9, minute)
    assert 60_000 < await redis.pttl(keys.counter(minute.counter)) <= 120_000
    assert [key async for key in redis.scan_iter("*")] == [keys.counter(minute.counter).encode()]


async def test_what_exceeds_a_limit_writes_nothing(
    store: SessionStore, keys: Keys, redis: Redis
) -> None:
    await lets_through(store, 4)
    counter = keys.counter(LIMIT.counter)
    await redis.pexpire(counter, HOUR)
    kept = await redis.get(counter)
    assert await lets_through(store, 5) == 0
    assert await redis.get(counter) == kept
    assert await redis.pttl(counter) > 2 * WINDOW


async def test_the_time_is_the_stores_once_it_is_known(
    connection: Connection, keys: Keys, redis: Redis
) -> None:
    counter = keys.counter(LIMIT.counter)
    clock = StoreClock()
    store = RedisSessionStore(connection, keys, clock)
    await take(store)
    assert abs(await began(redis, counter) - time.time() * 1000) < 5_000
    await redis.delete(counter)
    moment = time.monotonic()
    clock.observe(moment, moment, time.time() + HOUR / 1000)
    await take(store)
    assert abs(await began(redis, counter) - time.time() * 1000 - HOUR) < 5_000


async def began(redis: Redis, counter: str) -> Instant:
    """When the present window of a counter began."""
    kept = await redis.get(counter)
    assert kept
    return Instant(int(kept.split()[0]))


@pytest.mark.parametrize("kept", ["", "nonsense", "1 2", "-5 1 1", "? 1800000000000 0 4"])
async def test_a_counter_that_holds_nonsense_begins_anew(
    store: SessionStore, keys: Keys, redis: Redis, kept: str
) -> None:
    await redis.set(keys.counter(LIMIT.counter), kept)
    assert await lets_through(store, 9) == 4


async def test_a_redis_that_has_forgotten_every_script_counts_all_the_same(
    store: SessionStore, redis: Redis
) -> None:
    await take(store)
    await redis.script_flush()
    assert (await take(store)).remaining == 2
