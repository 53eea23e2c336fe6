"""The contract of `SessionStore` and `DataLossDetector`, on every connection and number of
shards."""

from uuid import uuid4

import pytest
from redis.asyncio import Redis

from shared.application.errors import StoreUnavailable
from shared.application.ports.commit import (
    Committed,
    DuplicateRequest,
    IdempotencyKey,
    IdempotencyRecord,
    RevisionConflict,
)
from shared.application.ports.data_loss import DataLossDetector
from shared.application.ports.notifier import CommitNotification
from shared.application.ports.push_message import PushMessage
from shared.application.ports.session_store import SessionStore, WaitingWork, Wakeup
from shared.application.store_clock import StoreClock
from shared.domain.clocks import ClockOwner
from shared.domain.commands import Start
from shared.domain.events import Expiry
from shared.domain.transition import transition
from shared.domain.units import DAY, Instant, Millis
from shared.domain.values import replace
from shared.domain.virtual_clock import VirtualClock
from shared.store.commit_script import CommitFeatures
from shared.store.connection import StoreConnection
from shared.store.keys import StoreKeys
from shared.store.redis import NativeConnection
from shared.store.sessions import RedisSessionStore
from shared.store.upstash import UpstashConnection
from tests.integration.store.commits import FAR_FUTURE, commit_for, entries_in, new_session, outbox
from tests.integration.store.conftest import RecordingAnnouncer


async def wakeups_in(store: SessionStore, limit: int) -> tuple[Wakeup, ...]:
    """Return the next wake-ups of all shards, soonest first."""
    shards = await store.due_wakeups(limit)
    return tuple(sorted((w for shard in shards for w in shard.wakeups), key=lambda w: w.at))


async def test_an_unknown_session_is_not_found(store: SessionStore) -> None:
    loaded = await store.load(str(uuid4()))
    assert loaded.stored is None
    assert loaded.recorded is None
    assert loaded.now > 1_700_000_000_000


async def test_a_committed_session_is_loaded(store: SessionStore) -> None:
    change = new_session()
    commit = commit_for(change)
    assert await store.commit(commit) == Committed()
    loaded = await store.load(change.session.session_id)
    assert loaded.stored is not None
    assert loaded.stored.session == change.session
    assert loaded.stored.revision == commit.operation_id


async def test_several_sessions_are_loaded_in_the_requested_order(store: SessionStore) -> None:
    changes = [new_session() for _ in range(3)]
    for change in changes:
        await store.commit(commit_for(change))
    ids = [change.session.session_id for change in reversed(changes)]
    loaded = await store.load_many([*ids, str(uuid4())])
    found = [one.stored and one.stored.session.session_id for one in loaded.sessions]
    assert found == [*ids, None]
    assert max(one.now for one in loaded.sessions) == loaded.now


async def test_a_commit_on_an_older_state_writes_nothing(store: SessionStore, redis: Redis) -> None:
    created = new_session()
    first = commit_for(created)
    await store.commit(first)
    started = transition(created.session, Start(), Instant(2_000))
    winner = commit_for(started, first.operation_id)
    await store.commit(winner)
    loser = commit_for(
        started, first.operation_id, pushes=[PushMessage(b"{}")], retention_ms=Millis(1)
    )
    result = await store.commit(loser)
    assert isinstance(result, RevisionConflict)
    assert result.stored is not None
    assert result.stored.session == started.session
    assert result.stored.revision == winner.operation_id
    assert len(await outbox(redis)) == 2


async def test_a_second_creation_is_superseded_by_the_first(store: SessionStore) -> None:
    created = new_session()
    await store.commit(commit_for(created))
    assert isinstance(await store.commit(commit_for(created)), RevisionConflict)


async def test_a_commit_on_a_missing_session_is_superseded_without_a_state(
    store: SessionStore,
) -> None:
    assert await store.commit(commit_for(new_session(), "0123456789abcdef")) == RevisionConflict(
        None
    )


async def test_a_repeated_commit_is_recognised_after_later_commits(
    store: SessionStore, redis: Redis
) -> None:
    created = new_session()
    first = commit_for(created)
    await store.commit(first)
    second = commit_for(created, first.operation_id)
    third = commit_for(created, second.operation_id)
    await store.commit(second)
    await store.commit(third)
    assert await store.commit(first) == Committed()
    assert await store.commit(second) == Committed()
    assert len(await outbox(redis)) == 3


async def test_the_audit_entry_has_actor_event_and_resulting_state(
    store: SessionStore, redis: Redis
) -> None:
    change = new_session()
    await store.commit(commit_for(change))
    (entry,) = await outbox(redis)
    assert entry["event"] == "session_created"
    assert (entry["actor"], entry["request_id"]) == ("host", "request-1")
    assert entry["version"] == entry["state_snapshot"]["version"] == 1
    assert entry["state_snapshot"]["session_id"] == change.session.session_id


async def test_an_idempotent_commit_leaves_a_record_of_its_answer(
    store: SessionStore, redis: Redis
) -> None:
    change = new_session()
    name = change.session.name
    key = IdempotencyKey(name, "k1", "fingerprint")
    await store.commit(commit_for(change, key=key))
    recorded = (await store.load(name, key)).recorded
    assert recorded
    ((entry_id, _),) = await entries_in(redis)
    assert recorded == IdempotencyRecord("fingerprint", name, 1, Instant(2_000), None, entry_id)
    again = commit_for(change, "whatever", key=key)
    assert await store.commit(again) == DuplicateRequest(recorded)
    elsewhere = replace(key, key="k2")
    assert (await store.load(name, elsewhere)).recorded is None


async def test_the_record_of_a_switch_has_the_expiry(store: SessionStore) -> None:
    change = new_session()
    first = commit_for(change)
    await store.commit(first)
    expiry = Expiry(ClockOwner("anna", "red"), {"type": "notify", "extra": [1, None]})
    switched = replace(change, session=replace(change.session, version=2), expiry=expiry)
    key = IdempotencyKey(change.session.name, "k1", "fingerprint")
    await store.commit(commit_for(switched, first.operation_id, key=key))
    recorded = (await store.load(change.session.name, key)).recorded
    assert recorded
    assert (recorded.name, recorded.version, recorded.expiry) == (None, 2, expiry)


async def test_the_record_of_a_deletion_has_no_version(store: SessionStore) -> None:
    change = new_session()
    first = commit_for(change)
    await store.commit(first)
    key = IdempotencyKey(change.session.name, "k1", "fingerprint")
    await store.commit(commit_for(change, first.operation_id, key=key, session=None))
    recorded = (await store.load(change.session.name, key)).recorded
    assert recorded
    assert recorded.version is None
    assert recorded.session is None


@pytest.mark.parametrize("metadata", [{"a": "short"}, {"a": "long " * 1000, "b": "\n"}])
async def test_without_a_trail_the_record_holds_the_session_and_no_entry_is_written(
    connection: StoreConnection, keys: StoreKeys, redis: Redis, metadata: dict[str, str]
) -> None:
    means = CommitFeatures(audits=False, remembers=False)
    store = RedisSessionStore(connection, keys, StoreClock(), features=means)
    change = new_session()
    change = replace(change, session=replace(change.session, metadata=metadata))
    key = IdempotencyKey(change.session.name, "k1", "fingerprint")
    await store.commit(commit_for(change, key=key))
    recorded = (await store.load(change.session.name, key)).recorded
    assert recorded
    assert recorded.session == change.session
    assert recorded.entry_id == ""
    assert len(await redis.get(keys.answer(key)) or b"") < 2048
    assert await entries_in(redis) == []


async def test_pushes_are_published_in_order_with_the_commit(
    store: SessionStore, keys: StoreKeys, redis: Redis
) -> None:
    change = new_session()
    async with redis.pubsub() as pubsub:
        await pubsub.subscribe(keys.push_channel(change.session.session_id))
        await pubsub.get_message(timeout=30)
        await store.commit(commit_for(change, pushes=[PushMessage(b"one"), PushMessage(b"two")]))
        received = [await pubsub.get_message(timeout=30) for _ in range(2)]
    assert [message and message["data"] for message in received] == [b"one", b"two"]


async def test_a_new_earliest_wake_up_is_published(
    store: SessionStore, keys: StoreKeys, redis: Redis
) -> None:
    late, early = new_session(), new_session()
    early = replace(early, session=replace(early.session, session_id=late.session.session_id))
    async with redis.pubsub() as pubsub:
        for shard in keys.all_shards:
            await pubsub.subscribe(keys.wake_channel(shard))
            await pubsub.get_message(timeout=30)
        commit = commit_for(late)
        await store.commit(commit)
        await store.commit(commit_for(early, commit.operation_id, wake_at=Instant(5_000)))
        received = [await pubsub.get_message(timeout=30) for _ in range(2)]
    assert [int(m["data"]) for m in received if m] == [FAR_FUTURE, 5_000]


async def test_a_session_is_kept_for_its_retention(store: SessionStore, redis: Redis) -> None:
    change = new_session()
    await store.commit(commit_for(change, retention_ms=Millis(90_000)))
    (key,) = [key async for key in redis.scan_iter("*:session:*")]
    assert 80_000 < await redis.pttl(key) <= 90_000


async def test_a_deleted_session_leaves_only_its_audit_entries(
    store: SessionStore, redis: Redis
) -> None:
    change = new_session()
    commit = commit_for(change)
    await store.commit(commit)
    await store.commit(commit_for(change, commit.operation_id, session=None))
    loaded = await store.load(change.session.session_id)
    assert (loaded.stored, loaded.is_deleted) == (None, True)
    assert (await wakeups_in(store, 10)) == ()
    assert len(await outbox(redis)) == 2


async def test_an_id_is_never_used_twice(store: SessionStore, redis: Redis) -> None:
    change = new_session()
    commit = commit_for(change)
    await store.commit(commit)
    await store.commit(commit_for(change, commit.operation_id, session=None))
    assert await store.commit(commit_for(change)) == RevisionConflict(None)
    assert not (await store.load(str(uuid4()))).is_deleted


async def test_a_shard_is_lost_until_its_recovery_has_ended(
    memory: DataLossDetector, keys: StoreKeys
) -> None:
    shards = keys.all_shards
    assert await memory.lost() == shards
    assert await memory.begin_recovery("me", shards) == shards
    assert await memory.begin_recovery("you", shards) == []
    assert await memory.begin_recovery("me", shards) == shards
    await memory.end_recovery("you", shards)
    assert await memory.lost() == shards
    await memory.end_recovery("me", shards[1:])
    assert await memory.lost() == shards[:1]
    await memory.end_recovery("me", shards[:1])
    assert await memory.lost() == []


async def test_several_instances_recover_different_shards(
    memory: DataLossDetector, keys: StoreKeys
) -> None:
    first, *others = keys.all_shards
    assert await memory.begin_recovery("me", [first]) == [first]
    assert await memory.begin_recovery("you", keys.all_shards) == others


async def test_a_shard_that_loses_its_data_during_recovery_stays_lost(
    memory: DataLossDetector, keys: StoreKeys, redis: Redis
) -> None:
    await memory.begin_recovery("me", keys.all_shards)
    await redis.flushdb()
    await memory.end_recovery("me", keys.all_shards)
    assert await memory.lost() == keys.all_shards


async def test_the_first_entry_of_an_empty_outbox_notifies_the_worker(
    store: SessionStore, keys: StoreKeys, recorder: RecordingAnnouncer, redis: Redis
) -> None:
    async with redis.pubsub() as pubsub:
        for shard in keys.all_shards:
            await pubsub.subscribe(keys.outbox_channel(shard))
            await pubsub.get_message(timeout=30)
        change = new_session()
        commit = commit_for(change)
        await store.commit(commit)
        await store.commit(commit_for(change, commit.operation_id))
        assert (await pubsub.get_message(timeout=30) or {})["type"] == "message"
        assert await pubsub.get_message(timeout=0.05) is None
    assert [news.outbox_was_empty for news in recorder.news] == [True, False]


async def test_a_store_that_does_not_publish_publishes_nothing(
    connection: StoreConnection, keys: StoreKeys, redis: Redis
) -> None:
    store = RedisSessionStore(
        connection, keys, StoreClock(), features=CommitFeatures(publishes=False)
    )
    change = new_session()
    async with redis.pubsub() as pubsub:
        await pubsub.psubscribe("*")
        await pubsub.get_message(timeout=30)
        await store.commit(commit_for(change, pushes=[PushMessage(b"one")], wake_at=Instant(1)))
        await redis.publish("the end", "")
        assert (await pubsub.get_message(timeout=30) or {})["channel"] == b"the end"


async def test_an_alarm_is_set_unless_an_earlier_one_is_pending(
    store: SessionStore, recorder: RecordingAnnouncer
) -> None:
    """Five commits, each given as (next wake-up, time of the commit)."""
    change, revision = new_session(), None
    for alarm_at, now in [
        (5_000, 1_000),
        (6_000, 2_000),
        (4_000, 3_000),
        (7_000, 4_000),
        (None, 0),
    ]:
        commit = commit_for(
            change, revision, alarm_at=alarm_at and Instant(alarm_at), now=Instant(now)
        )
        assert await store.commit(commit) == Committed()
        revision = commit.operation_id
    assert [news.alarm_at for news in recorder.news] == [5_000, None, 4_000, 7_000, None]
    assert (await store.load(change.session.session_id)).alarm_at == 7_000


async def test_a_new_alarm_replaces_the_one_that_went_off(
    store: SessionStore, recorder: RecordingAnnouncer
) -> None:
    change = new_session()
    session_id = change.session.session_id
    await store.commit(commit_for(change, alarm_at=Instant(5_000)))
    await store.reschedule_alarm(Wakeup(session_id, Instant(5_000)), Instant(9_000))
    assert recorder.news[-1] == CommitNotification(session_id, Instant(9_000))
    assert (await store.load(session_id)).alarm_at == 9_000
    await store.reschedule_alarm(Wakeup(session_id, Instant(5_000)), Instant(7_000))
    assert (await store.load(session_id)).alarm_at == 9_000


async def test_a_commit_repeated_after_a_lost_reply_is_announced_again(
    store: SessionStore, recorder: RecordingAnnouncer
) -> None:
    commit = commit_for(new_session(), alarm_at=Instant(5_000))
    for _ in range(2):
        assert await store.commit(commit) == Committed()
    assert (
        recorder.news
        == [CommitNotification(commit.name, Instant(5_000), outbox_was_empty=True)] * 2
    )


async def test_due_wake_ups_are_ordered_and_limited(store: SessionStore) -> None:
    instants = [Instant(3_000), Instant(1_000), Instant(2_000)]
    for at in instants:
        await store.commit(commit_for(new_session(), wake_at=at))
    assert [wakeup.at for wakeup in await wakeups_in(store, 10)] == sorted(instants)
    assert (await wakeups_in(store, 1))[0].at == 1_000


async def test_an_ended_session_has_no_wake_up(store: SessionStore) -> None:
    change = new_session()
    commit = commit_for(change)
    await store.commit(commit)
    await store.commit(commit_for(change, commit.operation_id, wake_at=None))
    assert (await wakeups_in(store, 10)) == ()
    assert (await store.statistics()).live_sessions == 0


async def test_a_wake_up_is_claimed_only_once(store: SessionStore) -> None:
    change = new_session()
    await store.commit(commit_for(change, wake_at=Instant(1_000)))
    due = await wakeups_in(store, 10)
    lease = Instant(2_000)
    assert await store.claim(due, lease) == [Wakeup(change.session.session_id, lease)]
    assert await store.claim(due, lease) == []


async def test_an_unfinished_claim_comes_due_again(store: SessionStore) -> None:
    await store.commit(commit_for(new_session(), wake_at=Instant(1_000)))
    await store.claim((await wakeups_in(store, 10)), Instant(2_000))
    again = await wakeups_in(store, 10)
    assert [wakeup.at for wakeup in again] == [2_000]
    assert len(await store.claim(again, Instant(3_000))) == 1


async def test_a_released_claim_is_rescheduled_or_dropped(
    store: SessionStore,
) -> None:
    await store.commit(commit_for(new_session(), wake_at=Instant(1_000)))
    (claimed,) = await store.claim((await wakeups_in(store, 10)), Instant(2_000))
    await store.release(claimed, Instant(1_500))
    (standing,) = await wakeups_in(store, 10)
    assert standing.at == 1_500
    await store.release(standing, None)
    assert (await wakeups_in(store, 10)) == ()


async def test_a_release_does_not_override_a_commit_in_between(store: SessionStore) -> None:
    change = new_session()
    commit = commit_for(change, wake_at=Instant(1_000))
    await store.commit(commit)
    (claimed,) = await store.claim((await wakeups_in(store, 10)), Instant(2_000))
    await store.commit(commit_for(change, commit.operation_id, wake_at=Instant(7_000)))
    await store.release(claimed, None)
    assert [wakeup.at for wakeup in await wakeups_in(store, 10)] == [7_000]


async def test_the_census_counts_sessions_and_outbox_entries(store: SessionStore) -> None:
    for _ in range(3):
        await store.commit(commit_for(new_session()))
    census = await store.statistics()
    assert (census.live_sessions, census.outbox_length) == (3, 3)


async def test_the_census_leaves_out_live_test_sessions(store: SessionStore) -> None:
    real, tested = new_session(), new_session()
    tested = replace(tested, session=replace(tested.session, virtual_clock=VirtualClock()))
    await store.commit(commit_for(real, now=FAR_FUTURE))
    commit = commit_for(tested, now=FAR_FUTURE, key=IdempotencyKey("scope", "key", "print"))
    await store.commit(commit)
    assert (await store.statistics()).live_sessions == 1
    ended = commit_for(tested, commit.operation_id, now=FAR_FUTURE, wake_at=None)
    await store.commit(ended)
    assert (await store.statistics()).live_sessions == 1
    deleted = commit_for(tested, ended.operation_id, now=FAR_FUTURE, wake_at=None, session=None)
    await store.commit(deleted)
    assert (await store.statistics()).live_sessions == 1


async def test_waiting_work_is_counted(store: SessionStore, redis: Redis) -> None:
    assert await store.waiting_work() == WaitingWork(True, 0, 0, 0)
    for wake_at in (Instant(1_000), None):
        await store.commit(commit_for(new_session(), wake_at=wake_at))
    assert await store.waiting_work() == WaitingWork(True, 1, 2, 0)


async def test_scripts_are_sent_again_after_redis_has_lost_them(
    store: SessionStore, redis: Redis
) -> None:
    await store.commit(commit_for(new_session()))
    await redis.script_flush()
    assert await store.commit(commit_for(new_session())) == Committed()


async def test_an_unreachable_store_is_unavailable() -> None:
    native = NativeConnection("redis://127.0.0.1:1/0")
    for connection in (native, UpstashConnection("http://127.0.0.1:1", "token")):
        unreachable = RedisSessionStore(connection, StoreKeys(), StoreClock())
        await _assert_unavailable(unreachable)
        await connection.close()


async def _assert_unavailable(unreachable: SessionStore) -> None:
    with pytest.raises(StoreUnavailable):
        await unreachable.load(str(uuid4()))
    with pytest.raises(StoreUnavailable):
        await unreachable.commit(commit_for(new_session()))


def test_a_new_session_id_is_on_the_shard_of_its_idempotency_key() -> None:
    keys = StoreKeys(5)
    scope = "create:k"
    ids = {keys.new_session_id(scope, None) for _ in range(5)}
    assert {keys.shard_of(name) for name in ids} == {keys.shard_of(scope)}
    assert len(ids) == 5


async def test_of_several_records_under_one_key_the_first_is_kept(
    store: SessionStore, keys: StoreKeys, redis: Redis
) -> None:
    key = IdempotencyKey(str(uuid4()), "k1", "fingerprint")
    assert await store.remember(key, b"one") == b"one"
    assert await store.remember(key, b"two") == b"one"
    assert await store.remember(replace(key, key="k2"), b"two") == b"two"
    left_ms = await redis.pttl(keys.record(key))
    assert 0 < left_ms <= DAY
