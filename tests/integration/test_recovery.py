"""Sessions that Redis has lost are restored from the audit trail and the outbox."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from redis.asyncio import Redis

from infra.local.instance import Instance, running
from infra.local.postgres import EmbeddedPostgres
from infra.local.redis import embedded_redis
from shared.application.authorization import UNAUTHENTICATED_CALLER, Operation
from shared.application.authorization import authorize as permit_for
from shared.application.commit_builder import ChangeContext
from shared.application.errors import SessionExists
from shared.application.history import ReplayedStateReader
from shared.application.ports.audit_log import AuditLog, SessionSnapshot
from shared.application.ports.commit import Origin
from shared.application.recovery import Recovery, admit_all
from shared.application.session_loader import SessionLoader
from shared.application.session_service import SessionService
from shared.application.store_clock import StoreClock
from shared.audit.postgres import PostgresAuditLog
from shared.auth.rate_limits import RequestRateLimit
from shared.domain.commands import Complete, Create, Start, Switch
from shared.domain.events import SessionChange
from shared.domain.session import Session, SyncMode
from shared.domain.units import DAY, HOUR, Instant
from shared.store.data_loss import RedisDataLossDetector
from shared.store.keys import StoreKeys
from shared.store.outbox import RedisOutbox
from shared.store.sessions import RedisSessionStore
from tests.integration.conftest import new_database, stopped
from tests.support.api import LIVE_FIELDS, ApiClient, chess, error_of, participant
from tests.support.live import connect_live
from tests.support.native_redis import native_connection_of
from tests.support.scenarios import changes_of, entries_of, last_session, switched_session

_TIMEOUT_S = 30.0


@pytest.fixture(scope="module")
def flushed_redis_url() -> Iterator[str]:
    """The URL of a Redis that tests flush."""
    with embedded_redis() as url:
        yield url


@pytest.fixture(scope="module")
def trail_url(breakable_postgres: EmbeddedPostgres) -> Iterator[str]:
    """The URL of an audit trail for this module, so that no other sessions are restored."""
    with new_database(breakable_postgres, "trail_of_recovery") as url:
        yield url


@pytest.fixture(scope="module")
def pair(flushed_redis_url: str, trail_url: str) -> Iterator[tuple[Instance, Instance]]:
    """Two instances on that Redis and trail."""
    with (
        running(flushed_redis_url, DATABASE_URL=trail_url) as one,
        running(flushed_redis_url, DATABASE_URL=trail_url) as two,
    ):
        yield one, two


@pytest.fixture
async def api(pair: tuple[Instance, Instance]) -> AsyncIterator[ApiClient]:
    """A client of the first instance."""
    async with client_of(pair[0]) as one:
        yield one


@pytest.fixture
async def other(pair: tuple[Instance, Instance]) -> AsyncIterator[ApiClient]:
    """A client of the second instance."""
    async with client_of(pair[1]) as one:
        yield one


@pytest.fixture
async def redis(flushed_redis_url: str) -> AsyncIterator[Redis]:
    """A client of that Redis."""
    client = Redis.from_url(flushed_redis_url)
    yield client
    await client.aclose()


@asynccontextmanager
async def client_of(instance: Instance) -> AsyncIterator[ApiClient]:
    """Connect to `instance`."""
    async with httpx.AsyncClient(base_url=instance.url, timeout=30) as http:
        yield ApiClient(http)


async def wait_until_audited(redis: Redis) -> None:
    """Return when every entry is in the trail."""
    async with asyncio.timeout(_TIMEOUT_S):
        while await redis.xlen("{s0}:outbox"):
            await asyncio.sleep(0.01)


async def flush_when_audited(redis: Redis) -> None:
    """Flush Redis once every entry is in the trail."""
    await wait_until_audited(redis)
    await redis.flushall()


async def events_of(trail_url: str, session_id: str) -> list[tuple[int, str, int]]:
    """Return version, event and instant of every change in the trail."""
    log = PostgresAuditLog(trail_url)
    events = await log.events(session_id, 0, 1000)
    await log.close()
    return [(event.version, event.event, event.occurred_at) for event in events]


def without_times(session: dict[str, Any]) -> dict[str, Any]:
    """Return a session without the fields that change with time."""
    fixed = {name: value for name, value in session.items() if name not in LIVE_FIELDS}
    players = [
        {k: v for k, v in p.items() if k not in LIVE_FIELDS} for p in session["participants"]
    ]
    return fixed | {"participants": players}


async def test_restored_clocks_are_right_to_the_millisecond(
    api: ApiClient, other: ApiClient, redis: Redis
) -> None:
    ids = [await api.started(chess(increment_ms=100)) for _ in range(20)]
    for session_id in ids[::2]:
        await other.do(session_id, "switch")
    before = [await api.session(session_id) for session_id in ids]
    await flush_when_audited(redis)
    after = [await other.session(session_id) for session_id in ids]
    assert [without_times(session) for session in after] == [
        without_times(session) for session in before
    ]
    for was, is_now in zip(before, after, strict=True):
        passed = is_now["server_time_ms"] - was["server_time_ms"]
        assert passed > 0
        assert was["time_remaining_ms"] - is_now["time_remaining_ms"] == passed
    switched = await api.do(ids[0], "switch")
    assert switched.json()["data"]["version"] == before[0]["version"] + 1


async def test_a_restored_session_has_the_numbers_that_it_was_given(
    api: ApiClient, redis: Redis
) -> None:
    numbers: list[Any] = [1e20, 1.0, 1, -0.0, 1e16, 2**53 + 1, 2**64 - 1, 5e-324]
    session_id = await api.created(chess(metadata={"numbers": numbers}))
    before = (await api.session(session_id))["metadata"]
    await flush_when_audited(redis)
    after = (await api.session(session_id))["metadata"]
    assert repr(after["numbers"]) == repr(before["numbers"]) == repr(numbers)


async def test_a_session_in_parts_is_replayed_and_restored_from_differences(
    api: ApiClient, other: ApiClient, redis: Redis
) -> None:
    body = {"sync_mode": "per_participant", "participants": [participant() for _ in range(80)]}
    session_id = await api.started(body)
    answers = [(await api.do(session_id, "switch")).json()["data"] for _ in range(3)]
    before = await other.session(session_id)
    await flush_when_audited(redis)
    assert without_times(await other.session(session_id)) == without_times(before)
    answers += [(await api.do(session_id, "switch")).json()["data"] for _ in range(2)]
    await wait_until_audited(redis)
    assert [answer["version"] for answer in answers] == [3, 4, 5, 6, 7]
    for version in range(1, 8):
        path = f"/v1/sessions/{session_id}/replay?version={version}"
        replayed = (await other.http.get(path)).json()["data"]
        assert len(replayed["participants"]) == 80
        if version > 5:
            assert (
                replayed["active_participant_id"] == answers[version - 3]["active_participant_id"]
            )
            assert replayed["participants"][version - 3]["time_used_ms"] > 0
    await flush_when_audited(redis)
    assert (await other.session(session_id))["version"] == 7


@pytest.mark.parametrize("status", ["pending", "paused"])
async def test_a_pending_or_paused_session_is_restored_on_request(
    api: ApiClient, redis: Redis, status: str
) -> None:
    session_id = await api.created(chess())
    if status == "paused":
        await api.do(session_id, "start")
        await api.do(session_id, "pause")
    before = await api.session(session_id)
    await flush_when_audited(redis)
    after = await api.session(session_id)
    assert after["status"] == status
    assert after | {"server_time_ms": 0} == before | {"server_time_ms": 0}


async def test_an_advanced_test_session_is_restored_with_its_own_time(
    api: ApiClient, redis: Redis, trail_url: str
) -> None:
    session_id = await api.started(chess(test=True))
    await api.do(session_id, "advance", {"ms": 20_000})
    before = await api.session(session_id)
    await flush_when_audited(redis)
    after = await api.session(session_id)
    assert (after["version"], after["advanced_ms"]) == (3, 20_000)
    assert after["deadline_at"] == before["deadline_at"]
    assert before["server_time_ms"] <= after["server_time_ms"]
    expired = (await api.do(session_id, "advance", {"until": "next"})).json()["data"]
    assert (expired["version"], expired["updated_at"]) == (5, before["deadline_at"])
    await flush_when_audited(redis)
    events = await events_of(trail_url, session_id)
    assert [event for _, event, _ in events[2:]] == [
        "session_advanced",
        "time_expired",
        "session_advanced",
    ]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("GET", "/summary", None),
        ("POST", "/switch", {}),
        ("POST", "/pause", {}),
        ("POST", "/complete", {}),
        ("POST", "/cancel", {}),
        ("POST", "/participants", participant()),
        ("DELETE", "", None),
    ],
)
async def test_every_endpoint_restores_a_lost_session(
    api: ApiClient, redis: Redis, trail_url: str, method: str, path: str, body: Any
) -> None:
    session_id = await api.started({"sync_mode": "count_up", "participants": [participant()]})
    await flush_when_audited(redis)
    url = f"/v1/sessions/{session_id}{path}"
    answer = await api.http.request(method, url, json=body)
    assert answer.is_success, answer.text
    await wait_until_audited(redis)
    changes = 0 if method == "GET" else 1
    events = await events_of(trail_url, session_id)
    assert [version for version, _, _ in events] == list(range(1, 3 + changes))


async def test_a_batch_restores_lost_sessions(api: ApiClient, redis: Redis) -> None:
    ids = [await api.created(chess()) for _ in range(3)]
    await flush_when_audited(redis)
    requested_ids = [*ids, str(uuid4())]
    answer = (
        await api.http.post("/v1/sessions/batch", json={"session_ids": requested_ids})
    ).json()["data"]
    assert [session["session_id"] for session in answer["sessions"]] == ids
    assert answer["not_found"] == requested_ids[3:]


async def test_a_follower_receives_the_restored_state(
    api: ApiClient, redis: Redis, pair: tuple[Instance, Instance]
) -> None:
    session_id = await api.started(chess())
    async with connect_live(pair[1], session_id) as follower:
        await flush_when_audited(redis)
        await follower.send({"type": "RECONNECT"})
        assert (await follower.until_type("STATE_SYNC"))["state"]["version"] == 2
        await api.do(session_id, "switch")
        await follower.until_version(3)


async def test_a_lost_session_expires_at_its_deadline_without_a_request(
    api: ApiClient, redis: Redis, trail_url: str
) -> None:
    players = [participant(1_000), participant(60_000)]
    session_id = await api.started(
        chess(participants=players, action_on_timeout={"type": "end_session"})
    )
    session = await api.session(session_id)
    deadline = session["server_time_ms"] + session["time_remaining_ms"]
    await flush_when_audited(redis)
    async with asyncio.timeout(_TIMEOUT_S):
        while len(events := await events_of(trail_url, session_id)) < 3:
            await asyncio.sleep(0.02)
    assert events[2] == (3, "time_expired", deadline)


async def test_a_scheduled_command_of_a_lost_session_takes_effect_without_a_request(
    api: ApiClient, redis: Redis, trail_url: str
) -> None:
    session_id = await api.started(chess())
    now_ms = (await api.session(session_id))["server_time_ms"]
    instant = datetime.fromtimestamp((now_ms + 1_500) / 1000, UTC)
    body = {"add_ms": 60_000, "effective_at": instant.isoformat(timespec="milliseconds")}
    assert (await api.do(session_id, "adjust", body)).status_code == 200
    await flush_when_audited(redis)
    async with asyncio.timeout(_TIMEOUT_S):
        while len(events := await events_of(trail_url, session_id)) < 4:
            await asyncio.sleep(0.02)
    assert events[2:] == [
        (3, "command_scheduled", events[2][2]),
        (4, "time_adjusted", now_ms + 1_500),
    ]


async def test_a_session_that_starts_in_20_days_is_kept_and_restored_without_a_request(
    api: ApiClient, redis: Redis
) -> None:
    start_at = (datetime.now(UTC) + timedelta(days=20)).isoformat(timespec="milliseconds")
    session_id = await api.created(chess(start_at=start_at))
    before = await api.session(session_id)
    keys, start_ms = (
        StoreKeys(),
        Instant(round(datetime.fromisoformat(start_at).timestamp() * 1000)),
    )
    assert await redis.pttl(keys.session(session_id)) > 20 * DAY
    await flush_when_audited(redis)
    async with asyncio.timeout(_TIMEOUT_S):
        while await redis.zscore(keys.deadlines("{s0}"), session_id) != start_ms:
            await asyncio.sleep(0.02)
    assert await redis.pttl(keys.session(session_id)) > 20 * DAY
    assert without_times(await api.session(session_id)) == without_times(before)


async def test_ended_and_deleted_sessions_are_not_restored(api: ApiClient, redis: Redis) -> None:
    deleted, completed, cancelled = [await api.started(chess()) for _ in range(3)]
    await api.delete(deleted)
    await api.do(completed, "complete")
    await api.do(cancelled, "cancel")
    await flush_when_audited(redis)
    for session_id in (deleted, completed, cancelled):
        assert error_of(await api.get(session_id)) == (404, "SESSION_NOT_FOUND")
        assert error_of(await api.do(session_id, "switch")) == (404, "SESSION_NOT_FOUND")


async def check_refused_deletions(
    api: ApiClient, redis: Redis, session_id: str, *, stale: int, actual: int
) -> None:
    """Check that no deletion, nor a dry run of one, with the version `stale` restores a session."""
    path, headers = f"/v1/sessions/{session_id}", {"If-Match": f'"{stale}"'}
    for query in ("", "?dry_run=true"):
        refused = await api.http.delete(path + query, headers=headers)
        assert error_of(refused) == (412, "PRECONDITION_FAILED")
        assert refused.json()["error"]["details"] == {"actual_version": actual}
    assert not [key async for key in redis.scan_iter(f"*{session_id}*")]


async def test_a_refused_deletion_of_an_ended_session_restores_nothing(
    api: ApiClient, redis: Redis
) -> None:
    session_id = await api.started(chess())
    await api.do(session_id, "complete")
    await flush_when_audited(redis)
    path = f"/v1/sessions/{session_id}"
    await check_refused_deletions(api, redis, session_id, stale=2, actual=3)
    assert error_of(await api.get(session_id)) == (404, "SESSION_NOT_FOUND")
    deleted = await api.http.delete(path, headers={"If-Match": '"3"'})
    assert deleted.status_code == 204
    await wait_until_audited(redis)
    events = (await api.http.get(f"{path}/events")).json()["data"]["events"]
    assert events[-1]["event"] == "session_deleted"


async def test_concurrent_requests_restore_a_session_once(
    api: ApiClient, other: ApiClient, redis: Redis, trail_url: str
) -> None:
    session_id = await api.started(chess())
    await flush_when_audited(redis)
    changes = [client.do(session_id, "switch") for client in (api, other) * 10]
    reads = [client.get(session_id) for client in (api, other) * 10]
    answers = await asyncio.gather(*changes, *reads)
    assert {answer.status_code for answer in answers} == {200}
    versions = sorted(answer.json()["data"]["version"] for answer in answers[:20])
    assert versions == list(range(3, 23))
    await wait_until_audited(redis)
    events = await events_of(trail_url, session_id)
    assert [version for version, _, _ in events] == list(range(1, 23))
    assert not await redis.exists("{s0}:dead-letters")


async def test_a_used_id_cannot_be_used_again(api: ApiClient, redis: Redis) -> None:
    deleted, ended, running_on = [await api.started(chess()) for _ in range(3)]
    await api.delete(deleted)
    await api.do(ended, "complete")
    taken = (409, "SESSION_EXISTS")
    assert error_of(await api.create(chess(session_id=deleted))) == taken
    await flush_when_audited(redis)
    for session_id in (deleted, ended, running_on):
        assert error_of(await api.create(chess(session_id=session_id))) == taken


async def test_changes_in_the_outbox_are_restored_too(
    flushed_redis_url: str, redis: Redis, trail_url: str
) -> None:
    async with instance_without_worker(flushed_redis_url, trail_url, database=5) as (
        api,
        redis_of_api,
    ):
        session_id = await api.started(chess())
        await api.do(session_id, "switch")
        before = await api.session(session_id)
        await redis_of_api.delete(f"{{s0}}:session:{session_id}")
        assert await redis_of_api.xlen("{s0}:outbox") == 3
        assert without_times(await api.session(session_id)) == without_times(before)
        await redis_of_api.delete(f"{{s0}}:session:{session_id}")
        await api.delete(session_id)
        assert error_of(await api.get(session_id)) == (404, "SESSION_NOT_FOUND")


async def test_only_changes_that_were_not_audited_are_lost(
    flushed_redis_url: str, trail_url: str
) -> None:
    async with instance_without_worker(flushed_redis_url, trail_url, database=6) as (
        api,
        redis_of_api,
    ):
        session_id = await api.started(chess())
        states = [await api.session(session_id)]
        for _ in range(3):
            await api.do(session_id, "switch")
            states.append(await api.session(session_id))
        waiting: Any = await redis_of_api.xrange("{s0}:outbox")
        log = PostgresAuditLog(trail_url)
        await log.append([fields[b"entry"] for _, fields in waiting[:3]])
        await log.close()
        await redis_of_api.flushdb()
        lost = [state["version"] for state in states if state["version"] > 3]
        assert lost == [4, 5]
        assert without_times(await api.session(session_id)) == without_times(states[1])
        assert (await api.do(session_id, "switch")).json()["data"]["version"] == 4


@pytest.fixture
async def without_recovery(
    own_redis_url: str, trail_url: str
) -> AsyncIterator[tuple[ApiClient, Redis]]:
    """Clients of an instance without recovery and of its Redis.

    The Redis is its own: other instances on it would notice that it was flushed, and restore the
    sessions.
    """
    redis = Redis.from_url(own_redis_url)
    with running(own_redis_url, DATABASE_URL=trail_url, RECOVERY="off") as instance:
        async with client_of(instance) as api:
            yield api, redis
    await redis.aclose()


async def test_recovery_can_be_turned_off(without_recovery: tuple[ApiClient, Redis]) -> None:
    api, redis = without_recovery
    session_id = await api.created(chess())
    await flush_when_audited(redis)
    assert error_of(await api.get(session_id)) == (404, "SESSION_NOT_FOUND")


async def test_without_recovery_a_refused_deletion_restores_nothing(
    without_recovery: tuple[ApiClient, Redis], trail_url: str
) -> None:
    api, redis = without_recovery
    session_id = await api.started(chess())
    await flush_when_audited(redis)
    await check_refused_deletions(api, redis, session_id, stale=1, actual=2)
    path = f"/v1/sessions/{session_id}"
    deleted = await api.http.delete(path, headers={"If-Match": '"2"'})
    assert deleted.status_code == 204
    await wait_until_audited(redis)
    events = await events_of(trail_url, session_id)
    assert [version for version, _, _ in events] == [1, 2, 3]


async def test_without_recovery_a_deletion_names_the_version_that_is_due(
    without_recovery: tuple[ApiClient, Redis],
) -> None:
    api, redis = without_recovery
    session_id = await api.started(chess(participants=[participant(1_000)]))
    await flush_when_audited(redis)
    path, stale = f"/v1/sessions/{session_id}", {"If-Match": '"1"'}
    refused = {"details": {"actual_version": 2}}
    async with asyncio.timeout(_TIMEOUT_S):
        while refused["details"] == {"actual_version": 2}:
            await asyncio.sleep(0.01)
            answer = await api.http.delete(f"{path}?dry_run=true", headers=stale)
            assert answer.status_code == 412
            refused = answer.json()["error"]
    assert refused["details"] == {"actual_version": 3}
    deleted = await api.http.delete(path, headers={"If-Match": '"3"'})
    assert deleted.status_code == 204


@asynccontextmanager
async def instance_without_worker(
    redis_url: str, trail_url: str, database: int
) -> AsyncIterator[tuple[ApiClient, Redis]]:
    """Yield clients of an instance without an audit worker and of its Redis database."""
    url = f"{redis_url.rsplit('/', 1)[0]}/{database}"
    redis = Redis.from_url(url)
    with running(url, DATABASE_URL=trail_url, AUDIT_WORKER="off") as instance:
        async with client_of(instance) as api:
            yield api, redis
    await redis.aclose()


async def test_stored_sessions_go_on_while_the_audit_database_is_down(
    breakable_postgres: EmbeddedPostgres, own_trail: str, own_redis_url: str
) -> None:
    redis = Redis.from_url(own_redis_url)
    with running(own_redis_url, DATABASE_URL=own_trail) as instance:
        async with client_of(instance) as api:
            lost, kept = await api.started(chess()), await api.started(chess())
            await wait_until_audited(redis)
            with stopped(breakable_postgres):
                await redis.delete(f"{{s0}}:session:{lost}")
                ready = await api.http.get("/ready")
                assert ready.status_code == 200
                assert ready.json() == {
                    "status": "degraded",
                    "checks": {"redis": "up", "audit": "down"},
                    "reasons": {"audit": ready.json()["reasons"]["audit"]},
                }
                assert (await api.do(kept, "switch")).status_code == 200
                assert (await api.create(chess())).status_code == 201
                assert (await api.create(chess(session_id=str(uuid4())))).status_code == 201
                unsure = await api.get(lost)
                assert error_of(unsure) == (503, "STORE_UNAVAILABLE")
                assert "audit trail" in unsure.json()["error"]["message"]
            async with asyncio.timeout(_TIMEOUT_S):
                while (await api.get(lost)).status_code == 503:
                    await asyncio.sleep(0.02)
            assert (await api.session(lost))["version"] == 2
            await wait_until_audited(redis)
            assert (await api.http.get("/ready")).json()["status"] == "ready"
    await redis.aclose()


@dataclass(frozen=True)
class Archive:
    """A Redis database of the test's own, and the audit trail that it is restored from."""

    redis: Redis
    log: PostgresAuditLog

    @property
    def store(self) -> RedisSessionStore:
        """A store on the database."""
        return RedisSessionStore(native_connection_of(self.redis), StoreKeys(3), StoreClock())

    @property
    def recovery(self) -> Recovery:
        """A recovery from the trail into the database."""
        connection, keys = native_connection_of(self.redis), StoreKeys(3)
        memory, outbox = RedisDataLossDetector(connection, keys), RedisOutbox(connection, keys)
        return Recovery(self.store, memory, outbox, self.log)

    async def record(self, *stories: list[SessionChange]) -> None:
        """Write every change of `stories` into the trail."""
        await self.log.append([entry for changes in stories for entry in entries_of(changes)])

    async def stored_sessions(self, *names: str) -> list[Session | None]:
        """Return the store's sessions of these names, `None` for each that it lacks."""
        loaded = await self.store.load_many(names)
        return [found.stored.session if found.stored else None for found in loaded.sessions]


@pytest.fixture
async def archive(flushed_redis_url: str, own_trail: str) -> AsyncIterator[Archive]:
    """An archive whose Redis database is empty."""
    redis = Redis.from_url(f"{flushed_redis_url.rsplit('/', 1)[0]}/7")
    await redis.flushdb()
    log = PostgresAuditLog(own_trail)
    yield Archive(redis, log)
    await log.close()
    await redis.aclose()


async def test_only_sessions_of_a_shard_that_lost_its_data_are_restored(
    archive: Archive,
) -> None:
    games = [switched_session() for _ in range(12)]
    await archive.record(*games)
    assert await archive.recovery.restore_all() == 12
    assert await archive.recovery.restore_all() == 0
    lost = [last_session(changes).name for changes in games]
    lost = [name for name in lost if StoreKeys(3).shard_of(name) == "{s1}"]
    async for key in archive.redis.scan_iter("{s1}:*"):
        await archive.redis.delete(key)
    assert await archive.recovery.restore_all() == len(lost) > 0
    assert all(await archive.stored_sessions(*lost))


async def test_a_session_past_its_retention_is_restored_on_request_only(
    archive: Archive,
) -> None:
    changes = switched_session()
    session = last_session(changes)
    await archive.record(changes)
    long_after = Instant(session.updated_at + 1_000 * HOUR)
    recovery = archive.recovery
    name = session.session_id
    assert await recovery.restore({name: long_after}, admit_all, include_expired=False) == {}
    restored = await recovery.restore({name: long_after}, admit_all)
    assert restored[name].session == session


async def test_sessions_of_two_tenants_with_one_id_are_restored_separately(
    archive: Archive,
) -> None:
    session_id = str(uuid4())
    acme = changes_of(Start(), Switch(), session_id=session_id, tenant="acme", owner="host-1")
    zenith = changes_of(Start(), session_id=session_id, tenant="zenith", owner="host-1")
    without_tenant = switched_session()
    await archive.record(acme, zenith, without_tenant)
    assert await archive.recovery.restore_all() == 3
    names = [f"acme:{session_id}", f"zenith:{session_id}", session_id, f"Acme:{session_id}"]
    assert await archive.stored_sessions(*names) == [
        last_session(acme),
        last_session(zenith),
        None,
        None,
    ]
    other_id = last_session(without_tenant).session_id
    assert await archive.stored_sessions(other_id, f"acme:{other_id}") == [
        last_session(without_tenant),
        None,
    ]


async def test_a_tenant_s_session_is_restored_by_its_full_name_only(archive: Archive) -> None:
    changes = changes_of(Start(), tenant="acme", owner="host-1")
    session = last_session(changes)
    await archive.record(changes)
    recovery, now = archive.recovery, session.updated_at
    for other_name in (session.session_id, f"zenith:{session.session_id}"):
        assert not await recovery.knows(other_name)
        assert await recovery.restore({other_name: now}, admit_all) == {}
    assert await recovery.knows(session.name)
    restored = await recovery.restore({session.name: now}, admit_all)
    assert restored[session.name].session == session
    assert await archive.stored_sessions(session.name, session.session_id) == [session, None]


async def test_outbox_entries_of_one_tenant_do_not_affect_another_tenant(archive: Archive) -> None:
    session_id = str(uuid4())
    acme = switched_session(session_id=session_id, tenant="acme")
    zenith = switched_session(session_id=session_id, tenant="zenith")
    await archive.record(acme[:3], zenith[:3])
    # On every shard, so that only their names distinguish them.
    for entry in [*entries_of(acme[3:4]), *entries_of(zenith[3:])]:
        for shard in StoreKeys(3).all_shards:
            await archive.redis.xadd(StoreKeys(3).outbox(shard), {"entry": entry})
    assert await archive.recovery.restore_all() == 2
    names = [last_session(acme).name, last_session(zenith).name]
    assert await archive.stored_sessions(*names) == [acme[3].session, last_session(zenith)]
    for name, session in zip(names, (acme[3].session, last_session(zenith)), strict=True):
        await archive.redis.delete(StoreKeys(3).session(name))
        restored = await archive.recovery.restore({name: session.updated_at}, admit_all)
        assert restored[name].session == session


class CountingTrail(PostgresAuditLog):
    """A trail that counts how often a session is looked up."""

    lookups = 0

    async def last(self, name: str) -> SessionSnapshot | None:
        self.lookups += 1
        return await super().last(name)


@dataclass
class Creator:
    """Creates sessions as an instance does, with ids that a client chose."""

    archive: Archive
    log: CountingTrail

    def __post_init__(self) -> None:
        connection, keys = native_connection_of(self.archive.redis), StoreKeys(3)
        self.connection = connection
        self.store = RedisSessionStore(connection, keys, StoreClock())
        memory, outbox = RedisDataLossDetector(connection, keys), RedisOutbox(connection, keys)
        self.recovery = Recovery(self.store, memory, outbox, self.log)
        state = SessionLoader(self.store, self.recovery)
        self.service = SessionService(
            self.store, state, ReplayedStateReader(self.store, outbox, self.log)
        )

    async def create(self, session_id: str) -> None:
        """Create a session with that id. Raises `SessionExists`."""
        authorization = permit_for(
            UNAUTHENTICATED_CALLER, Operation.CREATE, None, RequestRateLimit()
        )
        spec = Create(session_id, SyncMode.COUNT_UP)
        await self.service.create(authorization, spec, ChangeContext(Origin("test")))


@pytest.fixture
async def creator(archive: Archive, own_trail: str) -> AsyncIterator[Creator]:
    """A creator that has read the ids in the trail; the outbox is empty."""
    log = CountingTrail(own_trail)
    creator = Creator(archive, log)
    await creator.recovery.restore_all()
    yield creator
    await log.close()


async def test_a_creation_with_a_client_s_id_does_not_query_the_trail(
    creator: Creator,
) -> None:
    session_id = str(uuid4())
    await creator.create(session_id)
    assert creator.log.lookups == 0
    with pytest.raises(SessionExists):
        await creator.create(session_id)
    assert creator.log.lookups == 0


async def test_an_id_that_is_only_in_the_trail_cannot_be_used_again(
    creator: Creator,
) -> None:
    changes = switched_session()
    await creator.archive.record(changes)
    again = Creator(creator.archive, creator.log)  # an instance that is started later
    await again.recovery.restore_all()
    with pytest.raises(SessionExists):
        await again.create(last_session(changes).session_id)
    assert again.log.lookups == 1


@pytest.mark.parametrize("loss", ["all", "a server that took over"])
async def test_a_creation_queries_the_trail_if_redis_may_have_lost_the_id(
    creator: Creator, loss: str
) -> None:
    """The id is recorded after the creator has read the trail; then Redis loses it."""
    changes = changes_of(Start(), Complete())
    await creator.archive.record(changes)
    if loss == "all":
        await creator.archive.redis.flushdb()
    else:  # connections break when a server dies
        await creator.archive.redis.client_kill_filter(_type="normal", skipme=True)
    with pytest.raises(SessionExists):
        await creator.create(last_session(changes).session_id)
    assert creator.log.lookups == 1
    await creator.recovery.restore_all()
    await creator.create(str(uuid4()))  # notices that a new epoch has begun, if nothing did before
    await creator.recovery.restore_all()
    lookups = creator.log.lookups
    await creator.create(str(uuid4()))
    assert creator.log.lookups == lookups


async def test_missed_deadlines_are_applied_once_the_audit_database_is_back(
    breakable_postgres: EmbeddedPostgres, own_trail: str, own_redis_url: str
) -> None:
    redis = Redis.from_url(own_redis_url)
    with running(own_redis_url, DATABASE_URL=own_trail) as instance:
        async with client_of(instance) as api:
            players = [participant(2_000), participant(60_000)]
            session_id = await api.started(chess(participants=players))
            session = await api.session(session_id)
            deadline = session["server_time_ms"] + session["time_remaining_ms"]
            await wait_until_audited(redis)
            with stopped(breakable_postgres):
                await redis.flushall()
                now = (await api.http.get("/v1/time")).json()["timestamp_ms"]
                await asyncio.sleep(max(0, deadline - now) / 1000)
            async with asyncio.timeout(_TIMEOUT_S):
                while len(events := await events_of(own_trail, session_id)) < 3:
                    await asyncio.sleep(0.02)
    assert events[2] == (3, "time_expired", deadline)
    await redis.aclose()


async def _changes_in_trail(log: AuditLog, ids: list[str]) -> set[tuple[str, int, str | None]]:
    """Return the session, version and request id of each change in the trail."""
    trails = {session_id: await log.events(session_id, 0, 10_000) for session_id in ids}
    return {(name, one.version, one.request_id) for name, trail in trails.items() for one in trail}


async def test_a_flush_under_load_loses_only_changes_that_were_not_audited(
    api: ApiClient, other: ApiClient, redis: Redis, trail_url: str
) -> None:
    ids = [await api.started(chess()) for _ in range(20)]
    acknowledged: list[tuple[str, int, str]] = []
    is_over, log = asyncio.Event(), PostgresAuditLog(trail_url)

    async def play(session_id: str) -> None:
        while not is_over.is_set():
            for client in (api, other):
                request_id = str(uuid4())
                answer = await client.do(session_id, "switch", headers={"X-Request-Id": request_id})
                assert answer.status_code == 200
                acknowledged.append((session_id, answer.json()["data"]["version"], request_id))
            await asyncio.sleep(0.05)

    async with asyncio.TaskGroup() as games:
        for session_id in ids:
            games.create_task(play(session_id))
        async with asyncio.timeout(_TIMEOUT_S):
            while len(audited := await _changes_in_trail(log, ids)) <= 100:
                await asyncio.sleep(0.05)
        before = len(acknowledged)
        await redis.flushall()
        flushed_at = (await api.http.get("/v1/time")).json()["timestamp_ms"]
        await asyncio.sleep(0.7)
        is_over.set()
    await wait_until_audited(redis)
    for session_id in ids:
        trail = await log.events(session_id, 0, 10_000)
        assert [event.version for event in trail] == list(range(1, len(trail) + 1))
        assert trail[-1].occurred_at > flushed_at, "the session goes on"
    kept = await _changes_in_trail(log, ids)
    await log.close()
    lost = [change for change in acknowledged if change not in kept]
    print(f"{len(lost)} of {len(acknowledged)} changes had not been audited: {lost}")
    assert audited <= kept
    assert all(acknowledged.index(change) < before + 2 * len(ids) for change in lost)
