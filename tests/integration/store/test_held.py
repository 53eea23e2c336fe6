"""Bytes and load of an owner's sessions are counted and limited."""

import random
from typing import Any

import pytest
from redis.asyncio import Redis

from shared.application.ports.commit import (
    Commit,
    CommitResult,
    Committed,
    IdempotencyKey,
    OwnerLimits,
    QuotaExceeded,
)
from shared.application.ports.push_message import PushMessage
from shared.application.ports.session_store import SessionStore
from shared.domain.events import SessionChange
from shared.domain.units import DAY, HOUR, Instant, Millis
from shared.domain.values import replace
from shared.store.commit_script import limits_per_shard
from shared.store.keys import StoreKeys
from tests.fuzz.extent import IS_FULL
from tests.integration.store.commits import commit_for, new_session

ALICE = "tenant:alice"
_USAGE_KEY = f"{{s0}}:held:{ALICE}"
_BYTES_EXCEEDED = QuotaExceeded("bytes")
_LOAD_EXCEEDED = QuotaExceeded("load")
_SESSION_OVERHEAD, _ANSWER_OVERHEAD, _TOMBSTONE = 1024, 256, 256


@pytest.fixture
def keys() -> StoreKeys:
    """One shard: an owner's usage is counted per shard."""
    return StoreKeys(1)


def alices_commit(change: SessionChange, first: Commit | None = None, **more: Any) -> Commit:
    """Return a commit of one of Alice's sessions; `first` is the session's previous commit."""
    expected = first.operation_id if first else None
    return commit_for(change, expected, **{"owner": ALICE} | more)


def with_size(change: SessionChange, size: int) -> SessionChange:
    """Return the change with about `size` more bytes of metadata in its session."""
    return replace(change, session=replace(change.session, metadata={"pad": "x" * size}))


def byte_limit(most: int) -> dict[str, Any]:
    """Return the commit's field that limits the owner's bytes to `most`."""
    return {"owner_limits": OwnerLimits(bytes=most)}


async def counted_bytes(redis: Redis) -> int:
    """Return the bytes counted for Alice."""
    total: Any = await redis.hget(_USAGE_KEY, "#bytes")
    return int(total or 0)


async def create_session(store: SessionStore, size: int = 0, **more: Any) -> Commit:
    """Create a session of Alice's; return the commit."""
    commit = alices_commit(with_size(new_session(), size), **more)
    assert await store.commit(commit) == Committed()
    return commit


def ending_commit(first: Commit, **more: Any) -> Commit:
    """Return the commit that ends the session of `first`."""
    return alices_commit(first.changes[0], first, wake_at=None, **more)


async def test_a_session_counts_with_its_size_and_overhead(
    store: SessionStore, redis: Redis
) -> None:
    await create_session(store, 10_000)
    small = await create_session(store)
    assert (
        10_000 + 2 * _SESSION_OVERHEAD
        < await counted_bytes(redis)
        < 10_000 + 3_500 + 2 * _SESSION_OVERHEAD
    )
    for _ in range(3):
        small = alices_commit(small.changes[0], small)
        assert await store.commit(small) == Committed()
    assert await counted_bytes(redis) < 10_000 + 3_500 + 2 * _SESSION_OVERHEAD


async def test_a_creation_above_the_byte_limit_is_refused_and_writes_nothing(
    store: SessionStore, redis: Redis
) -> None:
    await create_session(store, 10_000)
    before = {key: await redis.dump(key) async for key in redis.scan_iter("*")}
    refused = alices_commit(
        with_size(new_session(), 10_000), pushes=[PushMessage(b"one")], **byte_limit(20_000)
    )
    assert await store.commit(refused) == _BYTES_EXCEEDED
    assert {key: await redis.dump(key) async for key in redis.scan_iter("*")} == before
    assert await store.commit(replace(refused, **byte_limit(30_000))) == Committed()


async def test_growth_of_a_session_is_counted_and_shrinking_frees_bytes(
    store: SessionStore, redis: Redis
) -> None:
    first = await create_session(store)
    small = await counted_bytes(redis)
    larger = alices_commit(with_size(first.changes[0], 9_000), first, **byte_limit(small + 8_000))
    assert await store.commit(larger) == _BYTES_EXCEEDED
    larger = replace(larger, **byte_limit(small + 10_000))
    assert await store.commit(larger) == Committed()
    assert await counted_bytes(redis) >= small + 8_000
    again = alices_commit(first.changes[0], larger, **byte_limit(1))
    assert await store.commit(again) == Committed()
    assert await counted_bytes(redis) == small


async def test_an_owner_above_the_byte_limit_can_still_end_delete_and_change_sessions(
    store: SessionStore,
) -> None:
    first, second, third = [await create_session(store) for _ in range(3)]
    key = IdempotencyKey("a session", "k1", "fingerprint")
    assert await store.commit(ending_commit(first, key=key, **byte_limit(1))) == Committed()
    gone = replace(ending_commit(second, **byte_limit(1)), session=None)
    assert await store.commit(gone) == Committed()
    assert (
        await store.commit(alices_commit(third.changes[0], third, **byte_limit(1))) == Committed()
    )


async def test_an_ended_session_counts_until_its_retention_has_passed(
    store: SessionStore, redis: Redis
) -> None:
    first = await create_session(store, 5_000)
    full = await counted_bytes(redis)
    await store.commit(ending_commit(first, retention_ms=DAY))
    assert await counted_bytes(redis) == full
    just_before = alices_commit(new_session(), now=Instant(2_000 + DAY), **byte_limit(full))
    assert await store.commit(just_before) == _BYTES_EXCEEDED
    an_hour_later = replace(just_before, now=Instant(2_000 + DAY + HOUR))
    assert await store.commit(an_hour_later) == Committed()
    assert await counted_bytes(redis) < full


async def test_a_deleted_session_frees_all_bytes_but_its_tombstone(
    store: SessionStore, redis: Redis
) -> None:
    first = await create_session(store, 5_000)
    await store.commit(replace(ending_commit(first, retention_ms=DAY), session=None))
    assert await counted_bytes(redis) == _TOMBSTONE
    later = alices_commit(new_session(), now=Instant(2_000 + DAY + HOUR))
    await store.commit(later)
    assert _SESSION_OVERHEAD < await counted_bytes(redis) < _SESSION_OVERHEAD + 1_500


async def test_sessions_past_their_retention_free_their_bytes(
    store: SessionStore, redis: Redis
) -> None:
    for _ in range(5):
        await create_session(store, 5_000)
    full = await counted_bytes(redis)
    late = alices_commit(new_session(), now=Instant(62_000), **byte_limit(full))
    assert await store.commit(late) == Committed()
    assert await counted_bytes(redis) < full / 5
    assert set(await redis.hkeys(_USAGE_KEY)) == {
        b"#bytes",
        b"#load",
        b"#swept",
        b"#minute",
        b"#written",
        late.name.encode(),
    }


async def test_many_expired_sessions_are_swept_in_batches_by_successive_creations(
    store: SessionStore, redis: Redis
) -> None:
    for _ in range(150):
        await create_session(store)
    for _ in range(2):
        assert await store.commit(alices_commit(new_session(), now=Instant(62_000))) == Committed()
    sizes: Any = await redis.hgetall(_USAGE_KEY)
    assert len([name for name in sizes if not name.startswith(b"#")]) == 2


async def test_recorded_answers_count_for_a_day(store: SessionStore, redis: Redis) -> None:
    commit = await create_session(store, retention_ms=Millis(10 * DAY))
    bare = await counted_bytes(redis)
    for n in range(10):
        key = IdempotencyKey(commit.name, f"k{n}", "f" * 32)
        commit = alices_commit(commit.changes[0], commit, key=key, retention_ms=Millis(10 * DAY))
        assert await store.commit(commit) == Committed()
    recorded = await counted_bytes(redis) - bare
    assert 10 * _ANSWER_OVERHEAD < recorded < 10 * 512
    key = IdempotencyKey(commit.name, "one more", "f" * 32)
    one_more = alices_commit(commit.changes[0], commit, key=key, **byte_limit(bare + recorded))
    assert await store.commit(one_more) == _BYTES_EXCEEDED
    later = replace(one_more, now=Instant(2_000 + DAY + HOUR))
    assert await store.commit(later) == Committed()
    assert await counted_bytes(redis) < bare + recorded / 5


@pytest.mark.parametrize("seed", range(8 if IS_FULL else 2))
async def test_the_totals_always_equal_the_sums_of_their_parts(
    store: SessionStore, redis: Redis, seed: int
) -> None:
    rng = random.Random(seed)
    live: list[Commit] = []
    now = 2_000
    for n in range(120):
        now += rng.choice([0, 10_000, 200_000, HOUR, 30 * HOUR if rng.random() < 0.1 else 0])
        live = [c for c in live if c.now + c.retention_ms > now]
        common: dict[str, Any] = {
            "now": Instant(now),
            "retention_ms": Millis(rng.choice([60_000, HOUR, DAY])),
            "load": rng.randrange(5),
            **byte_limit(rng.choice([40_000, 10**6])),
        }
        if rng.random() < 0.4:
            common["key"] = IdempotencyKey("any", f"k{n}", "f" * 32)
        before = rng.choice(live) if live and rng.random() < 0.7 else None
        change = with_size(before.changes[0] if before else new_session(), rng.randrange(4_000))
        commit = alices_commit(change, before, **common)
        ends = before is not None and rng.random() < 0.4
        if ends:
            commit = replace(commit, wake_at=None, retention_ms=DAY)
            commit = replace(commit, session=None) if rng.random() < 0.5 else commit
        result: CommitResult = await store.commit(commit)
        assert result in (Committed(), _BYTES_EXCEEDED)
        if result == Committed():
            live = [c for c in live if c.name != commit.name] + ([] if ends else [commit])
        await _assert_totals_match(redis)


async def _assert_totals_match(redis: Redis) -> None:
    found: Any = await redis.hgetall(_USAGE_KEY)
    parts: dict[str, str] = {name.decode(): value.decode() for name, value in found.items()}
    total, load = int(parts.pop("#bytes", 0)), int(parts.pop("#load", 0))
    for name in ("#swept", "#minute", "#written"):
        parts.pop(name, None)
    counted = [value.split() for name, value in parts.items() if not name.startswith("#")]
    due = [int(value) for name, value in parts.items() if name.startswith("#")]
    assert total == sum(int(size) for size, _ in counted) + sum(due)
    assert load == sum(int(each) for _, each in counted)
    assert min([total, load, *due]) >= 0


async def test_uncounted_sessions_of_older_versions_are_counted_from_their_next_change(
    store: SessionStore, redis: Redis
) -> None:
    first = await create_session(store, 5_000)
    full = await counted_bytes(redis)
    await redis.delete(_USAGE_KEY)
    again = alices_commit(first.changes[0], first)
    await store.commit(again)
    assert await counted_bytes(redis) == full
    await redis.delete(_USAGE_KEY)
    await store.commit(ending_commit(again, retention_ms=DAY))
    assert await counted_bytes(redis) == 0


async def test_sessions_that_an_older_version_has_ended_use_no_quota(
    store: SessionStore, redis: Redis
) -> None:
    """During an upgrade or after a rollback, version 2.0.0 removes them only from the live ones."""
    ended = [await create_session(store, 5_000, load=50) for _ in range(3)]
    await redis.zrem(f"{{s0}}:owned:{ALICE}", *(commit.name for commit in ended))
    one_more = alices_commit(with_size(new_session(), 5_000), **byte_limit(10_000))
    assert await store.commit(one_more) == Committed()
    assert await counted_bytes(redis) < 10_000
    await _assert_totals_match(redis)


async def test_load_is_limited_when_it_grows_and_freed_when_it_falls(store: SessionStore) -> None:
    most = {"owner_limits": OwnerLimits(load=100)}
    first = await create_session(store, load=60)
    second = await create_session(store, load=0)
    busy = alices_commit(second.changes[0], second, load=50, **most)
    assert await store.commit(busy) == _LOAD_EXCEEDED
    slower = alices_commit(first.changes[0], first, load=50, **most)
    assert await store.commit(slower) == Committed()
    assert await store.commit(busy) == Committed()
    third = await create_session(store)
    start = alices_commit(third.changes[0], third, load=1, **most)
    assert await store.commit(start) == _LOAD_EXCEEDED
    assert await store.commit(ending_commit(slower)) == Committed()
    assert await store.commit(start) == Committed()


async def test_bytes_written_per_minute_are_limited_except_for_endings(
    store: SessionStore,
) -> None:
    most = {"owner_limits": OwnerLimits(written=25_000)}
    first = await create_session(store, 4_000)
    again = alices_commit(first.changes[0], first, **most)
    assert await store.commit(again) == Committed()
    refused = alices_commit(first.changes[0], again, **most)
    assert await store.commit(refused) == QuotaExceeded("written")
    by_itself = alices_commit(first.changes[0], again)
    assert await store.commit(by_itself) == Committed()
    late = alices_commit(first.changes[0], by_itself, now=Instant(60_000), **most)
    assert await store.commit(late) == Committed()
    for n in range(3):
        late = alices_commit(first.changes[0], late, now=Instant(60_001 + n))
        assert await store.commit(late) == Committed()
    assert await store.commit(ending_commit(late, now=Instant(61_000), **most)) == Committed()


@pytest.mark.parametrize("most", [1024 * 1024, 16 * 1024 * 1024])
@pytest.mark.parametrize("shards", [1, 3, 64])
def test_each_shard_gets_its_share_of_the_byte_limit(most: int, shards: int) -> None:
    share = limits_per_shard(OwnerLimits(bytes=most), StoreKeys(shards)).bytes
    assert share is not None
    assert most <= share * shards <= most + 4 * (most * shards * 64 * 1024) ** 0.5 + shards
    assert shards > 1 or share == most


async def test_records_of_requests_without_a_commit_are_counted_and_limited(
    store: SessionStore, redis: Redis, keys: StoreKeys
) -> None:
    first, second = (IdempotencyKey("a-session", name, "fingerprint") for name in ("k1", "k2"))
    record = b"x" * 144
    limits = OwnerLimits(bytes=2 * len(record) + 2 * _ANSWER_OVERHEAD - 1)
    for _ in range(2):
        assert await store.remember(first, record, ALICE, limits) == record
    assert await counted_bytes(redis) == len(record) + _ANSWER_OVERHEAD
    assert await store.remember(second, record, ALICE, limits) == _BYTES_EXCEEDED
    assert not await redis.exists(keys.record(second))
    assert await store.remember(second, record, "tenant:bob", limits) == record


async def test_the_bytes_of_records_are_given_back_when_they_have_expired(
    store: SessionStore, redis: Redis
) -> None:
    """A record was counted a day ago, and the owner has done nothing since."""
    this_hour = (await redis.time())[0] // 3600
    await redis.hset(
        _USAGE_KEY, mapping={"#swept": this_hour - 25, "#bytes": 900, f"#{this_hour}": 900}
    )
    key, record = IdempotencyKey("a-session", "k1", "fingerprint"), b"x" * 100
    own_bytes = len(record) + _ANSWER_OVERHEAD
    assert await store.remember(key, record, ALICE, OwnerLimits(bytes=own_bytes)) == record
    fields: Any = await redis.hgetall(_USAGE_KEY)
    assert fields == {
        b"#swept": b"%d" % this_hour,
        b"#bytes": b"%d" % own_bytes,
        b"#%d" % (this_hour + 25): b"%d" % own_bytes,
    }
