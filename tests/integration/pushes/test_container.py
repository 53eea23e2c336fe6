"""The container pushes in the background: no change waits for Supabase, and failed pushes are
retried."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from infra.local.instance import Instance, environment_without_databases, running
from infra.local.postgres import EmbeddedPostgres
from infra.local.redis import embedded_redis
from infra.local.supabase import PUBLISHABLE_KEY, SECRET_KEY
from shared.store.keys import StoreKeys
from tests.integration.pushes.desk import PushHarness
from tests.support.api import CERTIFICATES, ApiClient, api_client, chess
from tests.support.broadcast_server import BroadcastServer
from tests.support.scenarios import switched_session


def settings(realtime: BroadcastServer, postgres: EmbeddedPostgres) -> Any:
    """Return the settings of an instance that pushes."""
    return {
        "DATABASE_URL": postgres.url,
        "SUPABASE_URL": realtime.url,
        "SUPABASE_SERVICE_ROLE_KEY": SECRET_KEY,
        "SUPABASE_PUBLISHABLE_KEY": PUBLISHABLE_KEY,
        "SUPABASE_JWT_SECRET": "3f9c2b7d51e84a06bb1f7c20d94e6a85",
    }


@pytest.fixture(scope="module")
def own_redis() -> Iterator[str]:
    """The Redis of this module's instances."""
    with embedded_redis() as url:
        yield url


@pytest.fixture(scope="module")
def instances(
    own_redis: str, realtime_server: BroadcastServer, postgres: EmbeddedPostgres
) -> Iterator[tuple[Instance, Instance]]:
    """Two instances that push and retry each other's failed pushes."""
    with ExitStack() as stack:
        push_settings = settings(realtime_server, postgres)
        yield (
            stack.enter_context(running(own_redis, **push_settings)),
            stack.enter_context(running(own_redis, **push_settings)),
        )


@pytest.fixture
async def api(
    instances: tuple[Instance, Instance], realtime: BroadcastServer
) -> AsyncIterator[ApiClient]:
    """A client of the first instance."""
    async with api_client(instances[0].url) as api:
        yield api


@pytest.fixture
async def plain_redis(own_redis: str) -> AsyncIterator[Redis]:
    """A client of the instances' Redis."""
    client = Redis.from_url(own_redis)
    yield client
    await client.aclose()


async def next_push(realtime: BroadcastServer, session_id: str) -> list[tuple[str, Any]]:
    """Wait for the next request with pushes of that session; return their types and versions."""
    while True:
        sent = await realtime.arrival()
        if sent.messages[0]["topic"] == f"session:{session_id}":
            return sent.told


async def test_a_change_is_pushed(api: ApiClient, realtime: BroadcastServer) -> None:
    session_id = await api.started(chess())
    assert (await api.delete(session_id)).status_code == 204
    pushed = [await next_push(realtime, session_id) for _ in range(3)]
    assert pushed == [[("STATE_UPDATE", 1)], [("STATE_UPDATE", 2)], [("SESSION_DELETED", None)]]


async def test_an_expiry_is_pushed_without_a_request(
    api: ApiClient, realtime: BroadcastServer
) -> None:
    body = {"sync_mode": "global", "total_time_ms": 1_000, "warn_at_ms": [500], "participants": []}
    session_id = await api.started(body)
    pushed = [await next_push(realtime, session_id) for _ in range(5)]
    assert pushed[2:] == [
        [("TIME_WARNING", None)],
        [("TIME_EXPIRED", None)],
        [("STATE_UPDATE", 3)],
    ]


async def test_changes_do_not_wait_for_pushes_and_a_burst_is_coalesced(
    own_redis: str, realtime: BroadcastServer, postgres: EmbeddedPostgres
) -> None:
    """The changes are answered while Supabase holds the push of the first one."""
    module, push_settings = "tests.support.patient_server", settings(realtime, postgres)
    with running(own_redis, module=module, **push_settings) as instance:
        async with api_client(instance.url) as api:
            session_id = await api.created(chess())
            await next_push(realtime, session_id)
            realtime.hold()
            for verb in ("start", "switch", "pause"):
                assert (await api.do(session_id, verb)).status_code == 200
            assert await next_push(realtime, session_id) == [("STATE_UPDATE", 2)]
            realtime.release()
            assert await next_push(realtime, session_id) == [("STATE_UPDATE", 4)]


async def test_a_failed_push_is_retried_by_only_one_of_two_instances(
    api: ApiClient, realtime: BroadcastServer, plain_redis: Redis
) -> None:
    realtime.status = 503
    session_id = await api.created(chess())
    await next_push(realtime, session_id)
    while await plain_redis.zscore(owed_pushes_key(session_id), session_id) is None:
        await asyncio.sleep(0.01)  # the failure is noted after the response
    realtime.begin()
    assert await next_push(realtime, session_id) == [("STATE_SYNC", 1)]
    while await plain_redis.zscore(owed_pushes_key(session_id), session_id) is not None:
        await asyncio.sleep(0.01)
    topics = [message["topic"] for sent in realtime.sent for message in sent.messages]
    assert topics.count(f"session:{session_id}") == 1


async def test_no_alarm_is_set_where_a_deadline_loop_runs(
    api: ApiClient, plain_redis: Redis
) -> None:
    session_id = await api.started(chess())
    assert await plain_redis.hexists(StoreKeys().session(session_id), "state")
    assert not await plain_redis.hexists(StoreKeys().session(session_id), "alarm")


async def test_metrics_include_pushes(
    api: ApiClient, instances: tuple[Instance, Instance], realtime: BroadcastServer
) -> None:
    await next_push(realtime, await api.created(chess()))
    text = (await api.http.get("/metrics")).text
    for name in ("sent_total", "failed_total", "coalesced_total", "retried_total", "lost_total"):
        assert f"\nsynckairos_push_{name} " in text
    assert "\nsynckairos_push_duration_ms_bucket" in text


async def test_a_push_in_flight_at_shutdown_is_owed(
    own_redis: str, realtime: BroadcastServer, postgres: EmbeddedPostgres, plain_redis: Redis
) -> None:
    realtime.hold()
    push_settings = settings(realtime, postgres) | {"AUDIT_WORKER": "off"}
    with running(own_redis, **push_settings) as instance:
        async with httpx.AsyncClient(
            verify=CERTIFICATES, base_url=instance.url, timeout=30
        ) as http:
            session_id = await ApiClient(http).created(chess())
    assert await plain_redis.zscore(owed_pushes_key(session_id), session_id) is not None


async def test_the_audit_worker_process_retries_failed_pushes(
    own_redis_url: str, realtime: BroadcastServer, postgres: EmbeddedPostgres
) -> None:
    client = Redis.from_url(own_redis_url)
    change = switched_session()[-1]
    harness = PushHarness(client, realtime, keys=StoreKeys())
    await harness.commit(change)
    await harness.owed.add(change.session.name)
    push_settings = {"REDIS_URL": own_redis_url, **settings(realtime, postgres)}
    command = [sys.executable, "-m", "functions.container.audit_worker"]
    worker = subprocess.Popen(command, env=environment_without_databases() | push_settings)
    try:
        assert await next_push(realtime, change.session.name) == [("STATE_SYNC", 5)]
    finally:
        worker.terminate()
        worker.wait()
        await harness.pushes.close()
        await client.aclose()


def owed_pushes_key(session_id: str) -> str:
    """Return the key of the owed pushes of the session's shard."""
    return StoreKeys().pending_pushes(StoreKeys().shard_of(session_id))
