"""On a Redis without memory every Lua script is either refused or executed completely."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from redis.asyncio import Redis

from shared.application.errors import StoreUnavailable
from shared.application.ports.api_keys import ApiKey
from shared.application.ports.commit import (
    Commit,
    CommitResult,
    Committed,
    IdempotencyKey,
    OwnerLimits,
    QuotaExceeded,
    RevisionConflict,
)
from shared.application.ports.join_codes import JoinCode, Joined, JoinRequest
from shared.application.ports.push_message import PushMessage
from shared.application.ports.rate_limit import RateLimit
from shared.application.ports.session_store import SessionStore, Wakeup
from shared.application.ports.webhooks import Attempt, Recipient, Webhook, WebhookMessage
from shared.application.store_clock import StoreClock
from shared.domain.units import Instant, Millis
from shared.domain.values import replace
from shared.store import connection as scripts
from shared.store.api_key_registry import RedisApiKeyRegistry
from shared.store.connection import StoreConnection
from shared.store.data_loss import RedisDataLossDetector
from shared.store.join_codes import RedisJoinCodes
from shared.store.keys import StoreKeys
from shared.store.outbox import RedisOutbox
from shared.store.pending_pushes import RedisPendingPushes
from shared.store.webhook_queue import RedisWebhookQueue
from shared.store.webhook_registry import RedisWebhookRegistry
from shared.store.write_probe import StoreProbe
from tests.integration.store.commits import FAR_FUTURE, commit_for, new_session, outbox

Fill = Callable[[], Awaitable[None]]

_OWNED: dict[str, Any] = {"owner": "tenant:alice", "load": 5}
_LIMIT = RateLimit("caller:alice", 4, Millis(60_000))
_MANY_BYTES = 1024 * 1024


@pytest.fixture
def keys() -> StoreKeys:
    """One shard: no script touches more than one."""
    return StoreKeys(1)


@dataclass
class FullStore:
    """The store on a Redis that a test can fill up."""

    store: SessionStore
    outbox: RedisOutbox
    memory: RedisDataLossDetector
    owed: RedisPendingPushes
    redis: Redis
    fill: Fill

    async def contents(self) -> dict[bytes, bytes | None]:
        """Return all keys with their serialized values."""
        return {key: await self.redis.dump(key) async for key in self.redis.scan_iter("*")}

    async def assert_refused(self, work: Awaitable[Any]) -> None:
        """Fill the Redis; assert that `work` is refused and changes nothing."""
        await self.fill()
        before = await self.contents()
        with pytest.raises(StoreUnavailable):
            await work
        assert await self.contents() == before

    async def assert_succeeds(self, work: Awaitable[Any]) -> Any:
        """Fill the Redis; assert that `work` succeeds and changes something; return its result."""
        await self.fill()
        before = await self.contents()
        result = await work
        assert await self.contents() != before
        return result

    async def create_session(self, **more: Any) -> Commit:
        """Create a session; return the commit."""
        commit = commit_for(new_session(), **more)
        assert await self.store.commit(commit) == Committed()
        return commit


@pytest.fixture
async def full_store(
    connection: StoreConnection, keys: StoreKeys, store: SessionStore, redis: Redis, fill: Fill
) -> FullStore:
    """The Redis under test with all parts of the store that run scripts."""
    return FullStore(
        store,
        RedisOutbox(connection, keys),
        RedisDataLossDetector(connection, keys),
        RedisPendingPushes(connection, keys, StoreClock()),
        redis,
        fill,
    )


def _next_commit(first: Commit, **more: Any) -> Commit:
    """Return a commit of the session's next change after `first`."""
    kept = {"owner": first.owner, "load": first.load}
    return commit_for(_changed(first), first.operation_id, **(kept | more))


def _changed(first: Commit) -> Any:
    (change,) = first.changes
    return replace(change, session=replace(change.session, version=2, metadata={"a": "x" * 99}))


_OWNERS = [pytest.param({}, id="unowned"), pytest.param(_OWNED, id="owned")]
_KEYS = [pytest.param(False, id="without key"), pytest.param(True, id="with key")]
_GROWING = [
    pytest.param({}, id="plain"),
    pytest.param({"alarm_at": FAR_FUTURE}, id="alarm"),
    pytest.param({"changes": ()}, id="without entry"),
    pytest.param({"pushes": [PushMessage(b"one")]}, id="push"),
]


def _with_key(commit: Commit, has_key: bool) -> Commit:
    key = IdempotencyKey(commit.name, "k1", "fingerprint") if has_key else None
    return replace(commit, key=key)


@pytest.mark.parametrize("more", _GROWING)
@pytest.mark.parametrize("owned", _OWNERS)
@pytest.mark.parametrize("has_key", _KEYS)
async def test_a_creation_is_refused_without_memory(
    full_store: FullStore, more: dict[str, Any], owned: dict[str, Any], has_key: bool
) -> None:
    await full_store.create_session(**owned)
    # The first session has expired by then. Removing it first would free memory for the script.
    later = _with_key(commit_for(new_session(), now=Instant(90_000), **more, **owned), has_key)
    await full_store.assert_refused(full_store.store.commit(later))


@pytest.mark.parametrize("more", _GROWING)
@pytest.mark.parametrize("owned", _OWNERS)
@pytest.mark.parametrize("has_key", _KEYS)
async def test_a_change_of_a_session_that_stays_live_is_refused(
    full_store: FullStore, more: dict[str, Any], owned: dict[str, Any], has_key: bool
) -> None:
    first = await full_store.create_session(**owned)
    await full_store.assert_refused(
        full_store.store.commit(_with_key(_next_commit(first, **more), has_key))
    )


@pytest.mark.parametrize("gone", [{"wake_at": None}, {"session": None, "wake_at": None}])
@pytest.mark.parametrize("owned", _OWNERS)
@pytest.mark.parametrize("has_key", _KEYS)
async def test_a_change_that_ends_or_deletes_a_session_is_executed_completely(
    full_store: FullStore, gone: dict[str, Any], owned: dict[str, Any], has_key: bool
) -> None:
    first = await full_store.create_session(**owned)
    last = _with_key(_next_commit(first, **gone), has_key)
    assert await full_store.assert_succeeds(full_store.store.commit(last)) == Committed()
    loaded = await full_store.store.load(first.name, last.key)
    assert (loaded.stored is None) == (last.session is None)
    assert (loaded.recorded is not None) == has_key
    assert len(await outbox(full_store.redis)) == 2
    assert (await full_store.store.statistics()).live_sessions == 0
    assert await full_store.redis.zcard("{s0}:live::") == 0
    assert await full_store.redis.zcard("{s0}:ended::") == (last.session is not None)


@pytest.mark.parametrize("owned", _OWNERS)
async def test_commits_that_write_nothing_get_their_usual_results(
    full_store: FullStore, owned: dict[str, Any]
) -> None:
    first = await full_store.create_session(**owned)
    await full_store.fill()
    before = await full_store.contents()
    overtaken = replace(_next_commit(first), expected="another")
    results: list[CommitResult] = [await full_store.store.commit(c) for c in (overtaken, first)]
    assert isinstance(results[0], RevisionConflict)
    assert results[1] == Committed()
    if owned:
        one_more = commit_for(new_session(), **owned, owner_limits=OwnerLimits(sessions=1))
        assert await full_store.store.commit(one_more) == QuotaExceeded("sessions")
    assert await full_store.contents() == before


async def test_outbox_entries_are_taken_and_settled(full_store: FullStore) -> None:
    await full_store.create_session()
    taken = await full_store.assert_succeeds(full_store.outbox.take("worker", 10, _MANY_BYTES))
    await full_store.assert_succeeds(full_store.outbox.settle(taken))
    assert await outbox(full_store.redis) == []


async def test_a_worker_takes_its_own_unsettled_entries_again(full_store: FullStore) -> None:
    await full_store.create_session()
    first = await full_store.outbox.take("worker", 10, _MANY_BYTES)
    assert (
        await full_store.assert_succeeds(full_store.outbox.take("worker", 10, _MANY_BYTES)) == first
    )


async def test_an_entry_is_parked(full_store: FullStore) -> None:
    await full_store.create_session()
    (taken,) = await full_store.outbox.take("worker", 10, _MANY_BYTES)
    await full_store.assert_succeeds(full_store.outbox.move_to_dead_letters(taken, "no good"))
    assert (await full_store.store.statistics()).dead_letters == 1


@pytest.mark.parametrize("at", [None, Instant(3_000)])
async def test_due_sessions_are_claimed_and_released(
    full_store: FullStore, at: Instant | None
) -> None:
    first = await full_store.create_session(wake_at=Instant(1_000))
    wakeup = Wakeup(first.name, Instant(1_000))
    (claimed,) = await full_store.assert_succeeds(full_store.store.claim([wakeup], Instant(2_000)))
    await full_store.assert_succeeds(full_store.store.release(claimed, at))
    left = (await full_store.store.due_wakeups(10))[0].wakeups
    assert left == (() if at is None else (Wakeup(first.name, at),))


async def test_owed_pushes_are_moved_and_dropped(full_store: FullStore) -> None:
    await full_store.owed.add("a-session")
    key = "{s0}:owed-pushes"
    await full_store.redis.zadd(key, {"a-session": 1024.0})
    (taken,) = (await full_store.assert_succeeds(full_store.owed.take(10))).pushes
    await full_store.assert_succeeds(full_store.owed.settle(taken))
    assert await full_store.redis.exists(key) == 0


async def test_webhooks_get_their_messages_and_record_attempts(
    full_store: FullStore, connection: StoreConnection, keys: StoreKeys
) -> None:
    queue = RedisWebhookQueue(connection, keys)
    message = WebhookMessage("a.1", "time.expired", b"{}", 1)
    for name in ("a", "b"):
        await full_store.assert_succeeds(
            queue.add([(Recipient("hook", name), message)], Instant(1))
        )
    first, second = (await full_store.assert_succeeds(queue.take(10))).deliveries
    attempt = Attempt(Instant(1), "a.1", "time.expired", 1, "delivered")
    await full_store.assert_succeeds(queue.record(first, attempt))
    await full_store.assert_succeeds(queue.discard(second))
    assert [done for _, done in await queue.attempts("hook", None, 10)] == [attempt]


async def test_a_new_webhook_is_refused(
    full_store: FullStore, connection: StoreConnection, keys: StoreKeys
) -> None:
    registry = RedisWebhookRegistry(connection, keys)
    old, new = (Webhook(name, "https://a.example", ("*",), Instant(1), ()) for name in ("a", "b"))
    await registry.add(None, old, 10)
    await full_store.assert_refused(registry.add(None, new, 10))
    await full_store.assert_refused(registry.replace(None, old, replace(old, off_reason="410")))


async def test_a_new_api_key_is_refused(
    full_store: FullStore, connection: StoreConnection, keys: StoreKeys
) -> None:
    registry = RedisApiKeyRegistry(connection, keys)
    key = ApiKey("id", "a digest", "a name", "service", "x", None, Instant(1), "service:x")
    await full_store.assert_refused(registry.add(key, most=1))


@pytest.mark.parametrize("owner", [None, "tenant:alice"])
async def test_a_new_join_code_is_refused_and_an_open_one_is_closed(
    full_store: FullStore, connection: StoreConnection, keys: StoreKeys, owner: str | None
) -> None:
    codes = RedisJoinCodes(connection, keys)
    code = JoinCode("BCDFGH", "1", "a", "tenant", "participant", FAR_FUTURE, 3)
    other = replace(code, code="JKMNPR", session_id="b")
    request, another = JoinRequest("key", "content"), JoinRequest("another", "content")
    assert await codes.open("a", code, None, owner)
    assert await codes.use(code, "ada", request, "token", owner) == Joined(code, "ada", "token")
    await full_store.assert_refused(codes.open("b", other, None, owner))
    await full_store.assert_refused(codes.use(code, "ben", another, "token", owner))
    await full_store.assert_succeeds(codes.give_back(code, "ada", request, owner))
    await full_store.assert_succeeds(codes.close("a"))
    assert await codes.find("a") is None


async def test_an_alarm_is_rescheduled(full_store: FullStore) -> None:
    first = await full_store.create_session(alarm_at=Instant(5_000))
    await full_store.assert_succeeds(
        full_store.store.reschedule_alarm(Wakeup(first.name, Instant(5_000)), Instant(9_000))
    )
    assert (await full_store.store.load(first.name)).alarm_at == 9_000


async def test_a_recovery_ends(full_store: FullStore) -> None:
    assert await full_store.memory.begin_recovery("us", ["{s0}"])
    await full_store.assert_succeeds(full_store.memory.end_recovery("us", ["{s0}"]))
    assert await full_store.memory.lost() == []


async def test_a_marker_of_an_older_release_gets_no_epoch(full_store: FullStore) -> None:
    await full_store.redis.set("{s0}:whole", "1")
    await full_store.fill()
    before = await full_store.contents()
    with suppress(StoreUnavailable):
        assert await full_store.memory.epochs() == {}  # epochs aren't read over REST
    assert await full_store.contents() == before


async def test_existing_counters_are_incremented_and_no_new_ones_are_created(
    full_store: FullStore,
) -> None:
    await full_store.store.load("a-session", limits=[_LIMIT])
    loaded = await full_store.assert_succeeds(full_store.store.load("a-session", limits=[_LIMIT]))
    assert [quota.remaining for quota in loaded.quotas] == [2]
    before = await full_store.contents()
    another = replace(_LIMIT, counter="caller:bob")
    assert (await full_store.store.load("a-session", limits=[another])).quotas == ()
    assert await full_store.contents() == before


async def test_waiting_outbox_entries_are_readable(full_store: FullStore) -> None:
    first = await full_store.create_session()
    await full_store.fill()
    assert [m.session.name for m in await full_store.outbox.waiting(first.name)] == [first.name]


async def test_waiting_work_is_counted(full_store: FullStore) -> None:
    await full_store.create_session()
    await full_store.fill()
    assert (await full_store.store.waiting_work()).entries == 1


@pytest.mark.parametrize("owner", [None, "tenant:alice"])
async def test_a_record_of_a_request_is_refused(full_store: FullStore, owner: str | None) -> None:
    key = IdempotencyKey("a-scope", "k1", "fingerprint")
    await full_store.assert_refused(full_store.store.remember(key, b"record", owner))


async def test_the_probe_is_refused_like_a_change(
    full_store: FullStore, connection: StoreConnection, keys: StoreKeys
) -> None:
    await full_store.assert_refused(StoreProbe(connection, keys).check())


def test_every_script_has_a_test_on_a_full_redis() -> None:
    folder = scripts._SCRIPTS
    tested = {
        "commit",
        "confirm",
        "count",
        "epoch",
        "page",
        "probe",
        "remember",
        "reschedule_alarm",
    }
    tested |= {"reschedule", "settle", "take", "work"}
    tested |= {
        "webhook_add",
        "webhook_discard",
        "webhook_open",
        "webhook_record",
        "webhook_register",
    }
    tested |= {"api_key_add", "join_close", "join_give_back", "join_open", "join_use"}
    # In test_api_keys.py, test_join_codes.py and test_token_revocations.py.
    tested |= {"api_key_find", "api_key_revoke", "join_guess", "revoke_tokens"}
    functions = {"usage"}  # of other scripts
    assert {path.stem for path in folder.glob("*.lua")} == tested | functions
