"""Sessions with many participants: stored in parts, on every connection and number of shards."""

import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from shared.application.commit_builder import build_restoring_commit
from shared.application.errors import StoreUnavailable
from shared.application.ports.commit import (
    Commit,
    Committed,
    IdempotencyKey,
    OwnerLimits,
    QuotaExceeded,
    RevisionConflict,
)
from shared.application.session_encoding import encode_session
from shared.application.session_parts import MOST_UNDIVIDED
from shared.application.store_clock import StoreClock
from shared.domain.commands import (
    AddParticipant,
    AdjustClocks,
    Command,
    NewParticipant,
    RemoveParticipant,
    Start,
    Switch,
)
from shared.domain.events import SessionChange
from shared.domain.session import Session
from shared.domain.transition import transition
from shared.domain.units import Instant, Millis
from shared.domain.values import replace
from shared.store.connection import StoreConnection
from shared.store.keys import StoreKeys
from shared.store.sessions import RedisSessionStore
from tests.integration.store.commits import commit_for, outbox
from tests.support.large_sessions import large_session
from tests.support.measured_connection import MeasuredConnection

_LARGE = MOST_UNDIVIDED + 6


def next_commit(change: SessionChange, last: Commit, **more: Any) -> Commit:
    """Return the commit of `change`, which follows the commit `last`."""
    return commit_for(change, last.operation_id, **{"base": last.session} | more)


def changed(commit: Commit, command: Command) -> SessionChange:
    """Return the change that `command` makes to the session of `commit`."""
    assert commit.session
    return transition(commit.session, command, Instant(commit.session.updated_at + 1_000))


def new_store(connection: StoreConnection, keys: StoreKeys) -> RedisSessionStore:
    """Return the store of an instance that has just started."""
    return RedisSessionStore(connection, keys, StoreClock())


async def created(store: RedisSessionStore, participants: int = _LARGE, **more: Any) -> Commit:
    """Create a session; return the commit."""
    commit = commit_for(large_session(participants), **more)
    assert await store.commit(commit) == Committed()
    return commit


async def committed(store: RedisSessionStore, commit: Commit) -> Commit:
    """Make the commit."""
    assert await store.commit(commit) == Committed()
    return commit


async def loaded(store: RedisSessionStore, name: str) -> Session | None:
    """Return the session that the store loads."""
    found = (await store.load(name)).stored
    return found.session if found else None


def random_command(session: Session, chance: random.Random) -> Command:
    """Return a command that the session admits, with a size that goes up and down."""
    others = [
        p.participant_id
        for p in session.participants
        if p.participant_id != session.active_participant_id
    ]
    leaves = len(others) >= _LARGE or (len(others) > 1 and chance.random() < 0.5)
    newcomer = NewParticipant(f"newcomer {session.version}", total_time_ms=Millis(60_000))
    return chance.choice(
        [
            RemoveParticipant(chance.choice(others)) if leaves else AddParticipant(newcomer),
            Switch(chance.choice(others)),
            AdjustClocks(add_ms=Millis(chance.randint(1, 9))),
        ]
    )


@pytest.mark.parametrize("seed", range(3))
async def test_random_changes_by_several_instances_read_back_as_the_whole_session(
    connection: StoreConnection, keys: StoreKeys, seed: int
) -> None:
    chance = random.Random(seed)
    stores = [new_store(connection, keys) for _ in range(2)]
    commit = await created(stores[0], MOST_UNDIVIDED)
    commit = await committed(stores[0], next_commit(changed(commit, Start()), commit))
    for _ in range(30):
        assert commit.session
        change = changed(commit, random_command(commit.session, chance))
        commit = await committed(chance.choice(stores), next_commit(change, commit))
        for store in (chance.choice(stores), new_store(connection, keys)):
            assert await loaded(store, commit.name) == commit.session


async def test_an_instance_reads_the_participants_only_if_it_does_not_know_the_revision(
    connection: StoreConnection, keys: StoreKeys
) -> None:
    ours, theirs = MeasuredConnection(connection), new_store(connection, keys)
    store = new_store(ours, keys)
    first = await created(store)
    second = await committed(store, next_commit(changed(first, Start()), first))
    trips, received = await trips_and_bytes(store, ours, second)
    assert trips == 1
    assert received < 1_000
    third = await committed(theirs, next_commit(changed(second, Switch()), second))
    trips, received = await trips_and_bytes(store, ours, third)
    assert trips == 2
    assert received > 100 * _LARGE
    fresh = MeasuredConnection(connection)
    assert await loaded(new_store(fresh, keys), first.name)
    assert fresh.round_trips == 1


async def trips_and_bytes(
    store: RedisSessionStore, connection: MeasuredConnection, expected: Commit
) -> tuple[int, int]:
    """Load the session that `expected` left; return the round trips and bytes that this took."""
    connection.round_trips, connection.received = 0, 0
    assert await loaded(store, expected.name) == expected.session
    return connection.round_trips, connection.received


async def test_sessions_of_any_size_are_loaded_together(
    connection: StoreConnection, keys: StoreKeys
) -> None:
    ours, theirs = new_store(connection, keys), new_store(connection, keys)
    commits = [await created(ours, size) for size in (2, _LARGE, 3, _LARGE)]
    commits[1] = await committed(theirs, next_commit(changed(commits[1], Start()), commits[1]))
    many = await ours.load_many([commit.name for commit in commits])
    found = [one.stored and one.stored.session for one in many.sessions]
    assert found == [commit.session for commit in commits]
    assert max(one.now for one in many.sessions) <= many.now


async def test_the_recorded_answer_is_read_with_the_newest_session(
    connection: StoreConnection, keys: StoreKeys
) -> None:
    ours, theirs = new_store(connection, keys), new_store(connection, keys)
    first = await created(ours)
    key = IdempotencyKey(first.name, "k1", "fingerprint")
    second = await committed(theirs, next_commit(changed(first, Start()), first, key=key))
    found = await ours.load(first.name, key)
    assert found.stored
    assert found.stored.session == second.session
    assert found.recorded
    assert found.recorded.version == 2


async def test_a_conflict_returns_the_whole_session(
    connection: StoreConnection, keys: StoreKeys
) -> None:
    store = new_store(connection, keys)
    first = await created(store)
    started = changed(first, Start())
    winner = await committed(store, next_commit(started, first))
    result = await store.commit(next_commit(started, first))
    assert isinstance(result, RevisionConflict)
    assert result.stored
    assert result.stored.session == winner.session
    assert result.stored.revision == winner.operation_id


async def test_a_repeated_commit_changes_nothing(
    connection: StoreConnection, keys: StoreKeys, redis: Redis
) -> None:
    store = new_store(connection, keys)
    first = await created(store)
    second = await committed(store, next_commit(changed(first, Start()), first))
    third = await committed(store, next_commit(changed(second, Switch()), second))
    before = await redis.hgetall(keys.session(first.name))
    assert [await store.commit(c) for c in (first, second, third)] == [Committed()] * 3
    assert await redis.hgetall(keys.session(first.name)) == before
    assert await loaded(new_store(connection, keys), first.name) == third.session


async def test_a_session_stored_by_an_earlier_release_is_read_and_changed(
    connection: StoreConnection, keys: StoreKeys, redis: Redis
) -> None:
    change = large_session(_LARGE)
    first = commit_for(change)
    earlier = {"operations": first.operation_id, "state": encode_session(change.session)}
    await redis.hset(keys.session(first.name), mapping=earlier)  # type: ignore[arg-type]
    store = new_store(connection, keys)
    assert await loaded(store, first.name) == change.session
    second = await committed(store, next_commit(changed(first, Start()), first))
    assert await loaded(new_store(connection, keys), first.name) == second.session
    third = await committed(store, next_commit(changed(second, Switch()), second))
    assert await loaded(new_store(connection, keys), first.name) == third.session
    assert len(await outbox(redis)) == 2


async def test_a_deleted_session_leaves_no_participants(
    connection: StoreConnection, keys: StoreKeys, redis: Redis
) -> None:
    store = new_store(connection, keys)
    first = await created(store)
    await committed(store, next_commit(first.changes[0], first, session=None, wake_at=None))
    assert await redis.hkeys(keys.session(first.name)) == [b"operations"]
    found = await store.load(first.name)
    assert (found.stored, found.is_deleted) == (None, True)


async def test_a_lost_session_is_restored_whole(
    connection: StoreConnection, keys: StoreKeys, redis: Redis
) -> None:
    store = new_store(connection, keys)
    first = await created(store)
    second = await committed(store, next_commit(changed(first, Start()), first))
    await redis.flushdb()
    assert second.session
    restored = await committed(store, build_restoring_commit(second.session, Instant(5_000)))
    for each in (store, new_store(connection, keys)):
        assert await loaded(each, first.name) == second.session
    third = await committed(store, next_commit(changed(second, Switch()), restored))
    assert await loaded(new_store(connection, keys), first.name) == third.session


async def test_the_owner_is_charged_for_the_memory_of_all_participants(
    connection: StoreConnection, redis: Redis
) -> None:
    keys = StoreKeys()
    store = new_store(connection, keys)
    commit = await created(store, 200, owner="alice")
    for size in (200, 100, MOST_UNDIVIDED, 3):
        while len(commit.session.participants) > size:  # type: ignore[union-attr]
            assert commit.session
            last = commit.session.participants[-1].participant_id
            change = changed(commit, RemoveParticipant(last))
            commit = await committed(store, next_commit(change, commit, owner="alice"))
        memory = await redis.memory_usage(keys.session(commit.name), samples=0) or 0
        assert memory < await counted_bytes(redis) < 1.2 * memory + 1_024
    await committed(store, next_commit(commit.changes[0], commit, session=None, owner="alice"))
    assert await counted_bytes(redis) == 256


async def test_only_the_changed_participants_count_as_written(
    connection: StoreConnection, redis: Redis
) -> None:
    keys = StoreKeys()
    store = new_store(connection, keys)
    first = await created(store, 1_000, owner="alice", changes=())
    assert first.session
    assert await written_bytes(redis) > 100_000
    limit = OwnerLimits(written=await written_bytes(redis) + 2_000)
    more: dict[str, Any] = {"owner": "alice", "owner_limits": limit, "changes": ()}
    second = await committed(store, next_commit(changed(first, Start()), first, **more))
    every = changed(second, AdjustClocks(add_ms=Millis(1)))
    assert await store.commit(next_commit(every, second, **more)) == QuotaExceeded("written")
    assert await loaded(new_store(connection, keys), first.name) == second.session


async def counted_bytes(redis: Redis) -> int:
    """Return the bytes counted for Alice."""
    total: Any = await redis.hget(StoreKeys().held("{s0}", "alice"), "#bytes")
    return int(total)


async def written_bytes(redis: Redis) -> int:
    """Return the bytes that Alice's sessions wrote in this minute."""
    total: Any = await redis.hget(StoreKeys().held("{s0}", "alice"), "#written")
    return int(total)


@pytest.mark.parametrize("owner", [None, "alice"])
async def test_a_store_without_memory_refuses_a_change_and_executes_an_ending_completely(
    connection: StoreConnection,
    keys: StoreKeys,
    redis: Redis,
    fill: Callable[[], Awaitable[None]],
    owner: str | None,
) -> None:
    store = new_store(connection, keys)
    first = await created(store, owner=owner)
    second = await created(store, owner=owner)
    await fill()
    before = {key: await redis.dump(key) async for key in redis.scan_iter("*")}
    assert first.session
    leaver = first.session.participants[-1].participant_id
    for command in (Start(), RemoveParticipant(leaver)):
        with pytest.raises(StoreUnavailable):
            await store.commit(next_commit(changed(first, command), first, owner=owner))
    assert {key: await redis.dump(key) async for key in redis.scan_iter("*")} == before
    ending = next_commit(changed(first, RemoveParticipant(leaver)), first, owner=owner)
    ending = await committed(store, replace(ending, wake_at=None))
    assert await loaded(new_store(connection, keys), first.name) == ending.session
    gone = next_commit(second.changes[0], second, session=None, wake_at=None, owner=owner)
    await committed(store, gone)
    assert await redis.hkeys(keys.session(second.name)) == [b"operations"]
