"""Rate limits are counted in a sliding window while sessions are loaded, on every connection."""

import asyncio
import random
import time

import pytest
from redis.asyncio import Redis

from infra.local.upstash import LocalUpstash
from shared.application.ports.rate_limit import RateLimit, RateLimitState
from shared.application.ports.session_store import SessionStore
from shared.application.store_clock import StoreClock
from shared.domain.units import HOUR, Instant, Millis
from shared.store.connection import StoreConnection
from shared.store.keys import StoreKeys
from shared.store.sessions import RedisSessionStore
from tests.support.native_redis import native_connection_of, upstash_connection_to

WINDOW = Millis(1_000)
LIMIT = RateLimit("caller:alice", 4, WINDOW)


class ManualClock(StoreClock):
    """A clock that tests set."""

    def __init__(self) -> None:
        super().__init__()
        self.at = Instant(1_800_000_000_000)

    @property
    def was_measured(self) -> bool:
        """Always true: the clock needs no samples."""
        return True

    def now(self) -> Instant:
        """Return the set instant."""
        return self.at

    def advance(self, ms: int) -> None:
        """Advance the clock; a negative `ms` sets it back."""
        self.at = Instant(self.at + ms)


@pytest.fixture
def clock() -> ManualClock:
    """The clock of the store under test."""
    return ManualClock()


@pytest.fixture
def store(connection: StoreConnection, keys: StoreKeys, clock: ManualClock) -> RedisSessionStore:
    """The store under test, on the test's clock."""
    return RedisSessionStore(connection, keys, clock)


async def count_request(store: SessionStore, limit: RateLimit = LIMIT) -> RateLimitState:
    """Count one request; return the resulting quota."""
    (quota,) = (await store.load("a-session", limits=[limit])).quotas
    assert quota.limit == limit
    return quota


async def count_accepted(store: SessionStore, tries: int, limit: RateLimit = LIMIT) -> int:
    """Make `tries` requests at one instant; return how many fit into the limit."""
    return [(await count_request(store, limit)).is_exceeded for _ in range(tries)].count(False)


async def test_exactly_the_limit_is_accepted(store: SessionStore) -> None:
    quotas = [await count_request(store) for _ in range(6)]
    assert [quota.is_exceeded for quota in quotas] == [False] * 4 + [True] * 2
    assert [quota.remaining for quota in quotas] == [3, 2, 1, 0, 0, 0]


async def test_a_limit_is_shared_by_all_connections(
    redis: Redis, quiet_upstash: LocalUpstash, keys: StoreKeys
) -> None:
    upstash = upstash_connection_to(quiet_upstash)
    stores = [
        RedisSessionStore(connection, keys, StoreClock())
        for connection in (native_connection_of(redis), upstash)
    ]
    limit = RateLimit("caller:alice", 25, Millis(60_000))
    quotas = await asyncio.gather(*(count_request(store, limit) for store in stores * 30))
    await upstash.close()
    fitting = [quota.remaining for quota in quotas if not quota.is_exceeded]
    assert sorted(fitting) == list(range(25))


async def test_several_limits_are_counted_separately_and_returned_in_order(
    store: SessionStore,
) -> None:
    one, two = RateLimit("caller:alice", 1, WINDOW), RateLimit("switches:a-session", 2, WINDOW)
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


async def test_while_requests_fit_frees_in_ms_is_the_rest_of_the_window(
    store: SessionStore, clock: ManualClock
) -> None:
    assert (await count_request(store)).retry_after_ms == WINDOW
    clock.advance(300)
    assert (await count_request(store)).retry_after_ms == WINDOW - 300


async def test_the_window_slides(store: SessionStore, clock: ManualClock) -> None:
    """The four requests of the previous window lose weight: one more fits 1 ms after its end, and
    then one each quarter of a window."""
    assert await count_accepted(store, 9) == 4
    clock.advance(WINDOW)
    assert await count_accepted(store, 9) == 0
    for _ in range(4):
        clock.advance(1)
        assert await count_accepted(store, 9) == 1
        clock.advance(WINDOW // 4 - 1)
        assert await count_accepted(store, 9) == 0


async def test_a_refused_request_fits_one_window_later(
    store: SessionStore, clock: ManualClock
) -> None:
    assert await count_accepted(store, 9) == 4
    refused = await count_request(store)
    assert refused.retry_after_ms == WINDOW + 1


@pytest.mark.parametrize("later", [2 * WINDOW, 2 * WINDOW + 1, 5 * WINDOW // 2, HOUR])
async def test_after_two_windows_the_whole_limit_is_free_again(
    store: SessionStore, clock: ManualClock, later: int
) -> None:
    assert await count_accepted(store, 9) == 4
    clock.advance(later)
    first = await count_request(store)
    assert first.remaining == 3
    assert await count_accepted(store, 9) == 3


async def test_under_constant_overload_no_window_exceeds_the_limit(
    store: SessionStore, clock: ManualClock
) -> None:
    counted = []
    for _ in range(120):
        if not (await count_request(store)).is_exceeded:
            counted.append(clock.at)
        clock.advance(50)
    fullest = max(sum(start <= at < start + WINDOW for at in counted) for start in counted)
    assert fullest == LIMIT.most
    assert len(counted) >= 3 * (120 * 50 // WINDOW)


async def test_a_request_fits_exactly_at_the_reported_instant(
    store: SessionStore, clock: ManualClock
) -> None:
    rng = random.Random(1)
    for round_ in range(12):
        limit = RateLimit(f"caller:{round_}", rng.randint(1, 5), Millis(rng.randint(10, 999)))
        while not (quota := await count_request(store, limit)).is_exceeded:
            clock.advance(rng.randint(0, limit.window_ms // limit.most))
        assert 0 < quota.retry_after_ms <= 2 * limit.window_ms
        clock.advance(quota.retry_after_ms - 1)
        assert (await count_request(store, limit)).retry_after_ms == 1
        clock.advance(1)
        assert not (await count_request(store, limit)).is_exceeded


async def test_the_last_accepted_request_reports_when_the_next_one_fits(
    store: SessionStore, clock: ManualClock
) -> None:
    quotas = [await count_request(store) for _ in range(4)]
    assert quotas[-1].remaining == 0
    clock.advance(quotas[-1].retry_after_ms - 1)
    assert (await count_request(store)).is_exceeded
    clock.advance(1)
    assert not (await count_request(store)).is_exceeded


async def test_refused_requests_are_not_counted(store: SessionStore, clock: ManualClock) -> None:
    assert await count_accepted(store, 4) == 4
    first = await count_request(store)
    for _ in range(20):
        clock.advance(10)
        assert (await count_request(store)).is_exceeded
    assert (await count_request(store)).retry_after_ms == first.retry_after_ms - 200


async def test_a_lowered_limit_takes_effect_at_once(
    store: SessionStore, clock: ManualClock
) -> None:
    assert await count_accepted(store, 4) == 4
    quota = await count_request(store, lower := RateLimit(LIMIT.counter, 2, WINDOW))
    assert (quota.is_exceeded, quota.remaining) == (True, 0)
    clock.advance(quota.retry_after_ms)
    assert await count_accepted(store, 2, lower) == 1


@pytest.mark.parametrize("back", [1, 400, 5_000, HOUR])
async def test_a_clock_set_back_blocks_for_at_most_two_windows(
    store: SessionStore, clock: ManualClock, back: int
) -> None:
    assert await count_accepted(store, 9) == 4
    clock.advance(-back)
    quota = await count_request(store)
    assert quota.is_exceeded
    assert quota.retry_after_ms <= 2 * WINDOW
    clock.advance(quota.retry_after_ms)
    assert not (await count_request(store)).is_exceeded
    clock.advance(2 * WINDOW)
    assert await count_accepted(store, 9) == 4


async def test_a_clock_that_jumps_ahead_starts_a_new_window(
    store: SessionStore, clock: ManualClock
) -> None:
    assert await count_accepted(store, 9) == 4
    clock.advance(HOUR)
    assert await count_accepted(store, 9) == 4
    clock.advance(-HOUR)
    assert await count_accepted(store, 9) == 0


async def test_slightly_different_clocks_accept_no_more_requests(
    connection: StoreConnection, keys: StoreKeys
) -> None:
    minute = RateLimit(LIMIT.counter, LIMIT.most, Millis(60_000))  # Redis keeps it for two
    ahead, behind = ManualClock(), ManualClock()
    ahead.advance(1_800)
    stores = [RedisSessionStore(connection, keys, clock) for clock in (ahead, behind)]
    fitting = 0
    for _ in range(40):
        fitting += sum([not (await count_request(store, minute)).is_exceeded for store in stores])
        for clock in (ahead, behind):
            clock.advance(1_200)
    assert fitting == LIMIT.most


async def test_a_counter_is_kept_for_two_windows(
    store: SessionStore, keys: StoreKeys, redis: Redis
) -> None:
    minute = RateLimit(LIMIT.counter, 4, Millis(60_000))
    await count_accepted(store, 9, minute)
    assert 60_000 < await redis.pttl(keys.counter(minute.counter)) <= 120_000
    assert [key async for key in redis.scan_iter("*")] == [keys.counter(minute.counter).encode()]


async def test_refused_requests_write_nothing(
    store: SessionStore, keys: StoreKeys, redis: Redis
) -> None:
    await count_accepted(store, 4)
    counter = keys.counter(LIMIT.counter)
    await redis.pexpire(counter, HOUR)
    stored = await redis.get(counter)
    assert await count_accepted(store, 5) == 0
    assert await redis.get(counter) == stored
    assert await redis.pttl(counter) > 2 * WINDOW


async def test_the_store_s_clock_is_used_once_it_is_known(
    connection: StoreConnection, keys: StoreKeys, redis: Redis
) -> None:
    counter = keys.counter(LIMIT.counter)
    clock = StoreClock()
    store = RedisSessionStore(connection, keys, clock)
    await count_request(store)
    assert abs(await window_start(redis, counter) - time.time() * 1000) < 60_000
    await redis.delete(counter)
    moment = time.monotonic()
    clock.observe(moment, moment, time.time() + HOUR / 1000)
    await count_request(store)
    assert abs(await window_start(redis, counter) - time.time() * 1000 - HOUR) < 60_000


async def window_start(redis: Redis, counter: str) -> Instant:
    """Return when the current window of a counter began."""
    stored = await redis.get(counter)
    assert stored
    return Instant(int(stored.split()[0]))


@pytest.mark.parametrize("stored", ["", "nonsense", "1 2", "-5 1 1", "? 1800000000000 0 4"])
async def test_an_invalid_counter_starts_a_new_window(
    store: SessionStore, keys: StoreKeys, redis: Redis, stored: str
) -> None:
    await redis.set(keys.counter(LIMIT.counter), stored)
    assert await count_accepted(store, 9) == 4


async def test_counting_continues_after_redis_has_lost_the_scripts(
    store: SessionStore, redis: Redis
) -> None:
    await count_request(store)
    await redis.script_flush()
    assert (await count_request(store)).remaining == 2
