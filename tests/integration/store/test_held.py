"""How many bytes and how much load an owner holds, and how much it may hold."""

import random
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from shared.domain.events import Change
from shared.domain.units import DAY, HOUR, Instant, Millis
from shared.ports import (
    Commit,
    CommitResult,
    Committed,
    IdempotencyKey,
    OwnerHoldsEnough,
    OwnerLimits,
    SessionStore,
)
from shared.store.commits import share_of_shard
from shared.store.keys import Keys
from tests.integration.store.commits import new_session, writing

ALICE = "tenant:alice"
_HELD = f"{{s0}}:held:{ALICE}"
_FULL = OwnerHoldsEnough("bytes")
_BUSY = OwnerHoldsEnough("load")
_AROUND_SESSION, _AROUND_ANSWER, _TOMBSTONE = 1024, 256, 256


@pytest.fixture
def keys() -> Keys:
    """One shard: what an owner holds is counted on each by itself."""
    return Keys(1)


def hers(change: Change, first: Commit | None = None, **more: Any) -> Commit:
    """A commit of a session of Alice's; `first` is the one before it."""
    expected = first.operation_id if first else None
    return writing(change, expected, **{"owner": ALICE} | more)


def sized(change: Change, size: int) -> Change:
    """The same change of a session that takes about `size` bytes more."""
    return replace(change, session=replace(change.session, metadata={"pad": "x" * size}))


def bytes_at_most(most: int) -> dict[str, Any]:
    """A limit for what the owner holds after the commit."""
    return {"owner_may_hold": OwnerLimits(bytes=most)}


async def held(redis: Redis) -> int:
    """Bytes that Alice holds."""
    total: Any = await redis.hget(_HELD, "#bytes")
    return int(total or 0)


async def made(store: SessionStore, size: int = 0, **more: Any) -> Commit:
    """A session of Alice's."""
    commit = hers(sized(new_session(), size), **more)
    assert await store.commit(commit) == Committed()
    return commit


def over(first: Commit, **more: Any) -> Commit:
    """The commit that ends the session of `first`."""
    return hers(first.changes[0], first, wake_at=None, **more)


async def test_a_session_counts_with_its_size_and_what_is_around_it(
    store: SessionStore, redis: Redis
) -> None:
    await made(store, 10_000)
    small = await made(store)
    assert 10_000 + 2 * _AROUND_SESSION < await held(redis) < 10_000 + 3_500 + 2 * _AROUND_SESSION
    for _ in range(3):
        small = hers(small.changes[0], small)
        assert await store.commit(small) == Committed()
    assert await held(redis) < 10_000 + 3_500 + 2 * _AROUND_SESSION


async def test_a_session_too_many_is_refused_whole(store: SessionStore, redis: Redis) -> None:
    await made(store, 10_000)
    before = {key: await redis.dump(key) async for key in redis.scan_iter("*")}
    refused = hers(sized(new_session(), 10_000), pushes=[b"one"], **bytes_at_most(20_000))
    assert await store.commit(refused) == _FULL
    assert {key: await redis.dump(key) async for key in redis.scan_iter("*")} == before
    assert await store.commit(replace(refused, **bytes_at_most(30_000))) == Committed()


async def test_a_session_that_grows_counts_and_one_that_shrinks_gives_back(
    store: SessionStore, redis: Redis
) -> None:
    first = await made(store)
    small = await held(redis)
    larger = hers(sized(first.changes[0], 9_000), first, **bytes_at_most(small + 8_000))
    assert await store.commit(larger) == _FULL
    larger = replace(larger, **bytes_at_most(small + 10_000))
    assert await store.commit(larger) == Committed()
    assert await held(redis) >= small + 8_000
    again = hers(first.changes[0], larger, **bytes_at_most(1))
    assert await store.commit(again) == Committed()
    assert await held(redis) == small


async def test_one_that_holds_too_much_can_still_end_and_delete_and_play(
    store: SessionStore,
) -> None:
    first, second, third = [await made(store) for _ in range(3)]
    key = IdempotencyKey("a session", "k1", "fingerprint")
    assert await store.commit(over(first, key=key, **bytes_at_most(1))) == Committed()
    gone = replace(over(second, **bytes_at_most(1)), session=None)
    assert await store.commit(gone) == Committed()
    assert await store.commit(hers(third.changes[0], third, **bytes_at_most(1))) == Committed()


async def test_what_has_ended_counts_until_it_is_forgotten(
    store: SessionStore, redis: Redis
) -> None:
    first = await made(store, 5_000)
    full = await held(redis)
    await store.commit(over(first, retention_ms=DAY))
    assert await held(redis) == full
    just_before = hers(new_session(), now=Instant(2_000 + DAY), **bytes_at_most(full))
    assert await store.commit(just_before) == _FULL
    an_hour_later = replace(just_before, now=Instant(2_000 + DAY + HOUR))
    assert await store.commit(an_hour_later) == Committed()
    assert await held(redis) < full


async def test_what_is_deleted_gives_back_all_but_what_says_that_it_was(
    store: SessionStore, redis: Redis
) -> None:
    first = await made(store, 5_000)
    await store.commit(replace(over(first, retention_ms=DAY), session=None))
    assert await held(redis) == _TOMBSTONE
    later = hers(new_session(), now=Instant(2_000 + DAY + HOUR))
    await store.commit(later)
    assert _AROUND_SESSION < await held(redis) < _AROUND_SESSION + 1_500


async def test_what_is_forgotten_gives_back(store: SessionStore, redis: Redis) -> None:
    for _ in range(5):
        await made(store, 5_000)
    full = await held(redis)
    late = hers(new_session(), now=Instant(62_000), **bytes_at_most(full))
    assert await store.commit(late) == Committed()
    assert await held(redis) < full / 5
    assert set(await redis.hkeys(_HELD)) == {
        b"#bytes",
        b"#load",
        b"#swept",
        b"#minute",
        b"#written",
        late.name.encode(),
    }


async def test_more_than_are_swept_at_once_are_given_back_one_creation_after_another(
    store: SessionStore, redis: Redis
) -> None:
    for _ in range(150):
        await made(store)
    for _ in range(2):
        assert await store.commit(hers(new_session(), now=Instant(62_000))) == Committed()
    sizes: Any = await redis.hgetall(_HELD)
    assert len([name for name in sizes if not name.startswith(b"#")]) == 2


async def test_records_of_answers_count_for_a_day(store: SessionStore, redis: Redis) -> None:
    commit = await made(store, retention_ms=Millis(10 * DAY))
    bare = await held(redis)
    for n in range(10):
        key = IdempotencyKey(commit.name, f"k{n}", "f" * 32)
        commit = hers(commit.changes[0], commit, key=key, retention_ms=Millis(10 * DAY))
        assert await store.commit(commit) == Committed()
    recorded = await held(redis) - bare
    assert 10 * _AROUND_ANSWER < recorded < 10 * 512
    key = IdempotencyKey(commit.name, "one more", "f" * 32)
    one_more = hers(commit.changes[0], commit, key=key, **bytes_at_most(bare + recorded))
    assert await store.commit(one_more) == _FULL
    later = replace(one_more, now=Instant(2_000 + DAY + HOUR))
    assert await store.commit(later) == Committed()
    assert await held(redis) < bare + recorded / 5


@pytest.mark.parametrize("seed", range(8))
async def test_the_total_is_always_the_sum_of_its_parts(
    store: SessionStore, redis: Redis, seed: int
) -> None:
    chance = random.Random(seed)
    live: list[Commit] = []
    now = 2_000
    for n in range(120):
        now += chance.choice([0, 10_000, 200_000, HOUR, 30 * HOUR if chance.random() < 0.1 else 0])
        live = [c for c in live if c.now + c.retention_ms > now]
        common: dict[str, Any] = {
            "now": Instant(now),
            "retention_ms": Millis(chance.choice([60_000, HOUR, DAY])),
            "load": chance.randrange(5),
            **bytes_at_most(chance.choice([40_000, 10**6])),
        }
        if chance.random() < 0.4:
            common["key"] = IdempotencyKey("any", f"k{n}", "f" * 32)
        before = chance.choice(live) if live and chance.random() < 0.7 else None
        change = sized(before.changes[0] if before else new_session(), chance.randrange(4_000))
        commit = hers(change, before, **common)
        ends = before is not None and chance.random() < 0.4
        if ends:
            commit = replace(commit, wake_at=None, retention_ms=DAY)
            commit = replace(commit, session=None) if chance.random() < 0.5 else commit
        result: CommitResult = await store.commit(commit)
        assert result in (Committed(), _FULL)
        if result == Committed():
            live = [c for c in live if c.name != commit.name] + ([] if ends else [commit])
        await _adds_up(redis)


async def _adds_up(redis: Redis) -> None:
    found: Any = await redis.hgetall(_HELD)
    parts: dict[str, str] = {name.decode(): value.decode() for name, value in found.items()}
    total, load = int(parts.pop("#bytes", 0)), int(parts.pop("#load", 0))
    for name in ("#swept", "#minute", "#written"):
        parts.pop(name, None)
    counted = [value.split() for name, value in parts.items() if not name.startswith("#")]
    due = [int(value) for name, value in parts.items() if name.startswith("#")]
    assert total == sum(int(size) for size, _ in counted) + sum(due)
    assert load == sum(int(each) for _, each in counted)
    assert min([total, load, *due]) >= 0


async def test_sessions_from_before_anything_was_counted_are_counted_from_their_next_change_on(
    store: SessionStore, redis: Redis
) -> None:
    first = await made(store, 5_000)
    full = await held(redis)
    await redis.delete(_HELD)
    again = hers(first.changes[0], first)
    await store.commit(again)
    assert await held(redis) == full
    await redis.delete(_HELD)
    await store.commit(over(again, retention_ms=DAY))
    assert await held(redis) == 0


async def test_sessions_that_an_older_version_has_ended_keep_no_room(
    store: SessionStore, redis: Redis
) -> None:
    """During an upgrade or after its undoing version 2.0.0 drops them from the live ones alone."""
    ended = [await made(store, 5_000, load=50) for _ in range(3)]
    await redis.zrem(f"{{s0}}:owned:{ALICE}", *(commit.name for commit in ended))
    one_more = hers(sized(new_session(), 5_000), **bytes_at_most(10_000))
    assert await store.commit(one_more) == Committed()
    assert await held(redis) < 10_000
    await _adds_up(redis)


async def test_load_is_bounded_where_it_grows_and_given_back(store: SessionStore) -> None:
    most = {"owner_may_hold": OwnerLimits(load=100)}
    first = await made(store, load=60)
    second = await made(store, load=0)
    busy = hers(second.changes[0], second, load=50, **most)
    assert await store.commit(busy) == _BUSY
    slower = hers(first.changes[0], first, load=50, **most)
    assert await store.commit(slower) == Committed()
    assert await store.commit(busy) == Committed()
    third = await made(store)
    start = hers(third.changes[0], third, load=1, **most)
    assert await store.commit(start) == _BUSY
    assert await store.commit(over(slower)) == Committed()
    assert await store.commit(start) == Committed()


async def test_bytes_written_are_bounded_in_each_minute_and_endings_go_on(
    store: SessionStore,
) -> None:
    most = {"owner_may_hold": OwnerLimits(written=25_000)}
    first = await made(store, 4_000)
    again = hers(first.changes[0], first, **most)
    assert await store.commit(again) == Committed()
    refused = hers(first.changes[0], again, **most)
    assert await store.commit(refused) == OwnerHoldsEnough("written")
    by_itself = hers(first.changes[0], again)
    assert await store.commit(by_itself) == Committed()
    late = hers(first.changes[0], by_itself, now=Instant(60_000), **most)
    assert await store.commit(late) == Committed()
    for n in range(3):
        late = hers(first.changes[0], late, now=Instant(60_001 + n))
        assert await store.commit(late) == Committed()
    assert await store.commit(over(late, now=Instant(61_000), **most)) == Committed()


@pytest.mark.parametrize("most", [1024 * 1024, 16 * 1024 * 1024])
@pytest.mark.parametrize("shards", [1, 3, 64])
def test_each_shard_has_its_share_of_the_bytes(most: int, shards: int) -> None:
    share = share_of_shard(OwnerLimits(bytes=most), Keys(shards)).bytes
    assert share is not None
    assert most <= share * shards <= most + 4 * (most * shards * 64 * 1024) ** 0.5 + shards
    assert shards > 1 or share == most
