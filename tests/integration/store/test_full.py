"""A Redis without memory refuses a script whole, or does all of it: every script of ours."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest
from redis.asyncio import Redis

from shared.clock import StoreClock
from shared.domain.units import Instant, Millis
from shared.errors import StoreUnavailable
from shared.ports import (
    Commit,
    CommitResult,
    Committed,
    IdempotencyKey,
    Limit,
    OwnerHoldsEnough,
    OwnerLimits,
    SessionStore,
    Superseded,
    Wakeup,
)
from shared.store import connection as scripts
from shared.store.connection import Connection
from shared.store.keys import Keys
from shared.store.memory import RedisMemory
from shared.store.outbox import RedisOutbox
from shared.store.owed_pushes import RedisOwedPushes
from shared.store.probe import StoreProbe
from tests.integration.store.commits import FAR, new_session, outbox, writing

Fill = Callable[[], Awaitable[None]]

_OWNED: dict[str, Any] = {"owner": "tenant:alice", "load": 5}
_LIMIT = Limit("caller:alice", 4, Millis(60_000))
_MANY_BYTES = 1024 * 1024


@pytest.fixture
def keys() -> Keys:
    """One shard: each script keeps to one."""
    return Keys(1)


@dataclass
class Full:
    """A Redis that is filled after what comes before it in a test."""

    store: SessionStore
    outbox: RedisOutbox
    memory: RedisMemory
    owed: RedisOwedPushes
    redis: Redis
    fill: Fill

    async def contents(self) -> dict[bytes, bytes | None]:
        """All that is in it."""
        return {key: await self.redis.dump(key) async for key in self.redis.scan_iter("*")}

    async def refuses(self, work: Awaitable[Any]) -> None:
        """Fill it; `work` is then refused and has changed nothing."""
        await self.fill()
        before = await self.contents()
        with pytest.raises(StoreUnavailable):
            await work
        assert await self.contents() == before

    async def does(self, work: Awaitable[Any]) -> Any:
        """Fill it; `work` is then done. Returns its result."""
        await self.fill()
        before = await self.contents()
        result = await work
        assert await self.contents() != before
        return result

    async def committed(self, **more: Any) -> Commit:
        """A new session."""
        commit = writing(new_session(), **more)
        assert await self.store.commit(commit) == Committed()
        return commit


@pytest.fixture
async def full(
    connection: Connection, keys: Keys, store: SessionStore, redis: Redis, fill: Fill
) -> Full:
    """The Redis under test, with everything that runs scripts in it."""
    return Full(
        store,
        RedisOutbox(connection, keys),
        RedisMemory(connection, keys),
        RedisOwedPushes(connection, keys, StoreClock()),
        redis,
        fill,
    )


def _after(first: Commit, **more: Any) -> Commit:
    """The next change of the session of `first`."""
    kept = {"owner": first.owner, "load": first.load}
    return writing(_changed(first), first.operation_id, **(kept | more))


def _changed(first: Commit) -> Any:
    (change,) = first.changes
    return replace(change, session=replace(change.session, version=2, metadata={"a": "x" * 99}))


_OWNERS = [pytest.param({}, id="unowned"), pytest.param(_OWNED, id="owned")]
_KEYS = [pytest.param(False, id="without key"), pytest.param(True, id="with key")]
_GROWING = [
    pytest.param({}, id="plain"),
    pytest.param({"alarm_at": FAR}, id="alarm"),
    pytest.param({"changes": ()}, id="without entry"),
    pytest.param({"pushes": [b"one"]}, id="push"),
]


def _key_of(commit: Commit, has_key: bool) -> Commit:
    key = IdempotencyKey(commit.name, "k1", "fingerprint") if has_key else None
    return replace(commit, key=key)


@pytest.mark.parametrize("more", _GROWING)
@pytest.mark.parametrize("owned", _OWNERS)
@pytest.mark.parametrize("has_key", _KEYS)
async def test_a_creation_is_refused(
    full: Full, more: dict[str, Any], owned: dict[str, Any], has_key: bool
) -> None:
    await full.committed(**owned)
    # That one is forgotten by then. To drop it first would let the script through.
    later = _key_of(writing(new_session(), now=Instant(90_000), **more, **owned), has_key)
    await full.refuses(full.store.commit(later))


@pytest.mark.parametrize("more", _GROWING)
@pytest.mark.parametrize("owned", _OWNERS)
@pytest.mark.parametrize("has_key", _KEYS)
async def test_a_change_of_a_session_that_goes_on_is_refused(
    full: Full, more: dict[str, Any], owned: dict[str, Any], has_key: bool
) -> None:
    first = await full.committed(**owned)
    await full.refuses(full.store.commit(_key_of(_after(first, **more), has_key)))


@pytest.mark.parametrize("gone", [{"wake_at": None}, {"session": None, "wake_at": None}])
@pytest.mark.parametrize("owned", _OWNERS)
@pytest.mark.parametrize("has_key", _KEYS)
async def test_a_change_that_ends_or_deletes_a_session_is_done_whole(
    full: Full, gone: dict[str, Any], owned: dict[str, Any], has_key: bool
) -> None:
    first = await full.committed(**owned)
    last = _key_of(_after(first, **gone), has_key)
    assert await full.does(full.store.commit(last)) == Committed()
    loaded = await full.store.load(first.name, last.key)
    assert (loaded.stored is None) == (last.session is None)
    assert (loaded.recorded is not None) == has_key
    assert len(await outbox(full.redis)) == 2
    assert (await full.store.census()).live_sessions == 0


@pytest.mark.parametrize("owned", _OWNERS)
async def test_what_would_write_nothing_anyway_is_told(full: Full, owned: dict[str, Any]) -> None:
    first = await full.committed(**owned)
    await full.fill()
    before = await full.contents()
    overtaken = replace(_after(first), expected="another")
    results: list[CommitResult] = [await full.store.commit(c) for c in (overtaken, first)]
    assert isinstance(results[0], Superseded)
    assert results[1] == Committed()
    if owned:
        one_more = writing(new_session(), **owned, owner_may_hold=OwnerLimits(sessions=1))
        assert await full.store.commit(one_more) == OwnerHoldsEnough("sessions")
    assert await full.contents() == before


async def test_entries_are_taken_and_settled(full: Full) -> None:
    await full.committed()
    taken = await full.does(full.outbox.take("worker", 10, _MANY_BYTES))
    await full.does(full.outbox.settle(taken))
    assert await outbox(full.redis) == []


async def test_entries_are_taken_again_by_the_worker_that_has_them(full: Full) -> None:
    await full.committed()
    first = await full.outbox.take("worker", 10, _MANY_BYTES)
    assert await full.does(full.outbox.take("worker", 10, _MANY_BYTES)) == first


async def test_an_entry_is_parked(full: Full) -> None:
    await full.committed()
    (taken,) = await full.outbox.take("worker", 10, _MANY_BYTES)
    await full.does(full.outbox.park(taken, "no good"))
    assert (await full.store.census()).dead_letters == 1


@pytest.mark.parametrize("at", [None, Instant(3_000)])
async def test_due_sessions_are_claimed_and_released(full: Full, at: Instant | None) -> None:
    first = await full.committed(wake_at=Instant(1_000))
    wakeup = Wakeup(first.name, Instant(1_000))
    (claimed,) = await full.does(full.store.claim([wakeup], Instant(2_000)))
    await full.does(full.store.release(claimed, at))
    left = (await full.store.agendas(10))[0].wakeups
    assert left == (() if at is None else (Wakeup(first.name, at),))


async def test_owed_pushes_are_moved_and_dropped(full: Full) -> None:
    await full.owed.add("a-session")
    key = "{s0}:owed-pushes"
    await full.redis.zadd(key, {"a-session": 1024.0})
    (taken,) = (await full.does(full.owed.take(10))).pushes
    await full.does(full.owed.settle(taken))
    assert await full.redis.exists(key) == 0


async def test_an_alarm_is_set_anew(full: Full) -> None:
    first = await full.committed(alarm_at=Instant(5_000))
    await full.does(full.store.rearm(Wakeup(first.name, Instant(5_000)), Instant(9_000)))
    assert (await full.store.load(first.name)).alarm_at == 9_000


async def test_a_recovery_ends(full: Full) -> None:
    assert await full.memory.begin_recovery("us", ["{s0}"])
    await full.does(full.memory.end_recovery("us", ["{s0}"]))
    assert await full.memory.lost() == []


async def test_a_marker_of_an_older_release_stays_without_a_name(full: Full) -> None:
    await full.redis.set("{s0}:whole", "1")
    await full.fill()
    before = await full.contents()
    with suppress(StoreUnavailable):
        assert await full.memory.epochs() == {}  # over REST no epoch is ever read
    assert await full.contents() == before


async def test_those_who_were_counted_are_counted_on_and_others_are_not(full: Full) -> None:
    await full.store.load("a-session", limits=[_LIMIT])
    loaded = await full.does(full.store.load("a-session", limits=[_LIMIT]))
    assert [quota.remaining for quota in loaded.quotas] == [2]
    before = await full.contents()
    another = replace(_LIMIT, counter="caller:bob")
    assert (await full.store.load("a-session", limits=[another])).quotas == ()
    assert await full.contents() == before


async def test_entries_that_wait_are_read(full: Full) -> None:
    first = await full.committed()
    await full.fill()
    assert [m.session.name for m in await full.outbox.waiting(first.name)] == [first.name]


async def test_a_record_of_a_request_is_refused(full: Full) -> None:
    key = IdempotencyKey("a-scope", "k1", "fingerprint")
    await full.refuses(full.store.remember(key, b"record"))


async def test_the_probe_is_refused_as_a_change_is(
    full: Full, connection: Connection, keys: Keys
) -> None:
    await full.refuses(StoreProbe(connection, keys).check())


def test_every_script_is_tried_on_a_full_redis() -> None:
    folder = scripts._SCRIPTS
    tried = {"commit", "confirm", "count", "epoch", "page", "park", "probe", "rearm", "remember"}
    tried |= {"reschedule", "settle", "take"}
    assert {path.stem for path in folder.glob("*.lua")} == tried
