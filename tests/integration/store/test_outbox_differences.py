"""Waiting entries of large sessions: a snapshot is completed if the whole one waits too."""

import pytest
from redis.asyncio import Redis

from shared.application.ports.audit_log import SessionSnapshot
from shared.application.ports.commit import Commit, Committed, WholeSnapshot
from shared.application.snapshots import completed
from shared.application.store_clock import StoreClock
from shared.domain.commands import Start, Switch
from shared.domain.values import replace
from shared.store.commit_script import CommitFeatures
from shared.store.connection import StoreConnection
from shared.store.keys import StoreKeys
from shared.store.outbox import RedisOutbox
from shared.store.sessions import RedisSessionStore
from tests.integration.store.commits import entries_in
from tests.support.large_sessions import commits_of, large_session
from tests.support.measured_connection import MeasuredConnection


def snapshot_of(commit: Commit) -> SessionSnapshot:
    """Return the whole snapshot of the only change of `commit`."""
    (change,) = commit.changes
    return SessionSnapshot(change.session, change.type, change.occurred_at)


async def test_waiting_differences_are_completed_until_the_whole_snapshot_is_settled(
    connection: StoreConnection, keys: StoreKeys, redis: Redis
) -> None:
    store = RedisSessionStore(connection, keys, StoreClock())
    outbox = RedisOutbox(connection, keys)
    story = list(commits_of(large_session(80), Start(), Switch(), Switch()))
    assert [await store.commit(commit) for commit in story] == [Committed()] * 4
    name, (*_, last) = story[0].name, map(snapshot_of, story)
    assert await outbox.waiting(name) == list(map(snapshot_of, story))
    assert await outbox.newest(keys.all_shards) == {name: last}
    assert await outbox.newest_versions_of([name]) == {name: last}
    *_, (last_id, _) = await entries_in(redis)
    assert await outbox.entry(name, last_id) == last

    await outbox.settle(await outbox.take("worker", 1))
    for found in (
        (await outbox.waiting(name))[-1],
        (await outbox.newest(keys.all_shards))[name],
        (await outbox.newest_versions_of([name]))[name],
        await outbox.entry(name, last_id),
    ):
        assert found
        assert found.difference
        assert completed(found.difference, story[0].changes[0].session) == last.session


@pytest.mark.parametrize("audits", [True, False])
async def test_the_last_whole_snapshot_is_stored_unless_there_is_no_trail(
    connection: StoreConnection, keys: StoreKeys, audits: bool
) -> None:
    store = RedisSessionStore(
        connection, keys, StoreClock(), features=CommitFeatures(audits=audits)
    )
    created, started = commits_of(large_session(80), Start())
    await store.commit(created)
    await store.commit(started)
    fresh = RedisSessionStore(connection, keys, StoreClock())
    found = (await fresh.load(created.name)).stored
    assert found
    assert found.session == started.session
    assert found.last_whole == (started.last_whole if audits else None)
    assert started.last_whole == WholeSnapshot(1, created.operation_id)


async def test_a_change_of_one_participant_of_a_thousand_writes_no_other(
    connection: StoreConnection, keys: StoreKeys, redis: Redis
) -> None:
    measured = MeasuredConnection(connection)
    store = RedisSessionStore(measured, keys, StoreClock())
    created, *changes = commits_of(large_session(1_000), Start(), *[Switch()] * 3)
    await store.commit(replace(created, pushes=()))
    assert measured.sent > 2 * 140_000
    for commit in changes:
        measured.sent = 0
        await store.commit(replace(commit, pushes=()))
        assert measured.sent < 4_000
    *_, (_, entry) = await entries_in(redis)
    assert len(entry[b"entry"]) < 2_500
