"""The container pushes in the background: no change waits for Supabase, and none is forgotten."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from time import monotonic
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from infra.local.instance import Instance, environment_without_databases, running
from infra.local.postgres import EmbeddedPostgres
from infra.local.redis import embedded_redis
from infra.local.supabase import PUBLISHABLE_KEY, SECRET_KEY
from shared.store.keys import Keys
from tests.integration.pushes.desk import Desk
from tests.support.api import CERTIFICATES, ApiClient, api_client, chess
from tests.support.broadcast_server import BroadcastServer
from tests.support.scenarios import switched_session

_QUICK_S = 0.4
"""Less than a request to Supabase may take, and far more than an answer does."""


def settings(realtime: BroadcastServer, postgres: EmbeddedPostgres) -> Any:
    """What makes an instance push."""
    return {
        "DATABASE_URL": postgres.url,
        "SUPABASE_URL": realtime.url,
        "SUPABASE_SERVICE_ROLE_KEY": SECRET_KEY,
        "SUPABASE_PUBLISHABLE_KEY": PUBLISHABLE_KEY,
        "SUPABASE_JWT_SECRET": "3f9c2b7d51e84a06bb1f7c20d94e6a85",
    }


@pytest.fixture(scope="module")
def own_redis() -> Iterator[str]:
    """The Redis of the instances here."""
    with embedded_redis() as url:
        yield url


@pytest.fixture(scope="module")
def instances(
    own_redis: str, realtime_server: BroadcastServer, postgres: EmbeddedPostgres
) -> Iterator[tuple[Instance, Instance]]:
    """Two that push, and make up for what either could not push."""
    with ExitStack() as stack:
        start = settings(realtime_server, postgres)
        yield (
            stack.enter_context(running(own_redis, **start)),
            stack.enter_context(running(own_redis, **start)),
        )


@pytest.fixture
async def api(
    instances: tuple[Instance, Instance], realtime: BroadcastServer
) -> AsyncIterator[ApiClient]:
    """A client of one of them."""
    async with api_client(instances[0].url) as api:
        yield api


@pytest.fixture
async def plain(own_redis: str) -> AsyncIterator[Redis]:
    """To look behind the instances."""
    client = Redis.from_url(own_redis)
    yield client
    await client.aclose()


async def next_of(realtime: BroadcastServer, session_id: str) -> list[tuple[str, Any]]:
    """What is told next of that session."""
    while True:
        sent = await realtime.arrival()
        if sent.messages[0]["topic"] == f"session:{session_id}":
            return sent.told


async def test_a_change_is_pushed(api: ApiClient, realtime: BroadcastServer) -> None:
    session_id = await api.started(chess())
    assert (await api.delete(session_id)).status_code == 204
    told = [await next_of(realtime, session_id) for _ in range(3)]
    assert told == [[("STATE_UPDATE", 1)], [("STATE_UPDATE", 2)], [("SESSION_DELETED", None)]]


async def test_a_flag_that_falls_is_pushed_though_nobody_asks(
    api: ApiClient, realtime: BroadcastServer
) -> None:
    body = {"sync_mode": "global", "total_time_ms": 1_000, "warn_at_ms": [500], "participants": []}
    session_id = await api.started(body)
    told = [await next_of(realtime, session_id) for _ in range(4)]
    assert told[2:] == [
        [("TIME_WARNING", None)],
        [("TIME_EXPIRED", None), ("STATE_UPDATE", 3)],
    ]


async def test_no_change_waits_and_a_burst_is_two_pushes(
    api: ApiClient, realtime: BroadcastServer
) -> None:
    session_id = await api.created(chess())
    await next_of(realtime, session_id)
    realtime.hold()
    began = monotonic()
    for verb in ("start", "switch", "pause"):
        assert (await api.do(session_id, verb)).status_code == 200
    assert monotonic() - began < _QUICK_S
    assert await next_of(realtime, session_id) == [("STATE_UPDATE", 2)]
    realtime.release()
    assert await next_of(realtime, session_id) == [("STATE_UPDATE", 4)]


async def test_what_failed_is_made_up_for_once_though_two_instances_look(
    api: ApiClient, realtime: BroadcastServer, plain: Redis
) -> None:
    realtime.status = 503
    session_id = await api.started(chess())
    await next_of(realtime, session_id)
    while await plain.zscore(owed_of(session_id), session_id) is None:
        await asyncio.sleep(0.01)  # it is noted behind the answer
    realtime.begin()
    assert await next_of(realtime, session_id) == [("STATE_SYNC", 2)]
    while await plain.zscore(owed_of(session_id), session_id) is not None:
        await asyncio.sleep(0.01)
    topics = [message["topic"] for sent in realtime.sent for message in sent.messages]
    assert topics.count(f"session:{session_id}") == 1


async def test_no_alarm_is_set_where_a_loop_watches(api: ApiClient, plain: Redis) -> None:
    session_id = await api.started(chess())
    assert await plain.hexists(Keys().session(session_id), "state")
    assert not await plain.hexists(Keys().session(session_id), "alarm")


async def test_metrics_tell_of_pushes(
    api: ApiClient, instances: tuple[Instance, Instance], realtime: BroadcastServer
) -> None:
    await next_of(realtime, await api.created(chess()))
    text = (await api.http.get("/metrics")).text
    for name in ("sent_total", "failed_total", "coalesced_total", "retried_total", "lost_total"):
        assert f"\nsynckairos_push_{name} " in text
    assert "\nsynckairos_push_duration_ms_bucket" in text


async def test_what_is_being_pushed_when_it_stops_is_finished_or_owed(
    own_redis: str, realtime: BroadcastServer, postgres: EmbeddedPostgres, plain: Redis
) -> None:
    realtime.hold()
    start = settings(realtime, postgres) | {"AUDIT_WORKER": "off"}
    with running(own_redis, **start) as instance:
        async with httpx.AsyncClient(verify=CERTIFICATES, base_url=instance.url) as http:
            session_id = await ApiClient(http).created(chess())
    assert await plain.zscore(owed_of(session_id), session_id) is not None


async def test_the_audit_worker_s_own_process_makes_up_for_it_too(
    own_redis_url: str, realtime: BroadcastServer, postgres: EmbeddedPostgres
) -> None:
    client = Redis.from_url(own_redis_url)
    change = switched_session()[-1]
    desk = Desk(client, realtime, keys=Keys())
    await desk.commit(change)
    await desk.owed.add(change.session.name)
    start = {"REDIS_URL": own_redis_url, **settings(realtime, postgres)}
    command = [sys.executable, "-m", "functions.container.audit_worker"]
    worker = subprocess.Popen(command, env=environment_without_databases() | start)
    try:
        assert await next_of(realtime, change.session.name) == [("STATE_SYNC", 5)]
    finally:
        worker.terminate()
        worker.wait()
        await desk.pushes.close()
        await client.aclose()


def owed_of(session_id: str) -> str:
    """Where it is noted that the session is owed a push."""
    return Keys().owed_pushes(Keys().shard_of(session_id))
