"""Tenants share no sessions, ids, trails, pushes or keys (docs/security.md)."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import httpx
import pytest
from redis import Redis
from websockets.asyncio.client import connect

from infra.local.instance import Instance, running
from infra.local.postgres import EmbeddedPostgres
from infra.local.redis import embedded_redis
from tests.support import tokens
from tests.support.api import ApiClient, chess
from tests.support.live import LiveClient
from tests.support.tokens import SECRET, bearer

_METRICS_TOKEN = "4c1d9e07b25a83f6"
_TENANTS = ("acme", "globex", None)


def _host_token(tenant: str | None) -> str:
    return tokens.host(tenant=tenant) if tenant else tokens.host()


@pytest.fixture(scope="module")
def tenants_redis_url() -> Iterator[str]:
    """The URL of a Redis for this module."""
    with embedded_redis() as url:
        yield url


@pytest.fixture(scope="module")
def instance(postgres: EmbeddedPostgres, tenants_redis_url: str) -> Iterator[Instance]:
    """An instance with authentication."""
    settings = {
        "DATABASE_URL": postgres.url,
        "JWT_SECRET": SECRET,
        "METRICS_TOKEN": _METRICS_TOKEN,
        "STORE_SHARDS": "3",
    }
    with running(tenants_redis_url, **settings) as started:  # type: ignore[arg-type]
        yield started


@pytest.fixture
async def tenants(instance: Instance) -> AsyncIterator[list[ApiClient]]:
    """Clients of hosts with the same name: in two tenants, and without a tenant."""
    async with AsyncExitStack() as stack:
        yield [
            ApiClient(
                await stack.enter_async_context(
                    httpx.AsyncClient(
                        base_url=instance.url, headers=bearer(_host_token(tenant)), timeout=30
                    )
                )
            )
            for tenant in _TENANTS
        ]


async def test_tenants_can_use_the_same_session_id(tenants: list[ApiClient]) -> None:
    body = chess(session_id=str(uuid4()))
    for api in tenants:
        assert (await api.create(body)).status_code == 201
        assert (await api.create(body)).json()["error"]["code"] == "SESSION_EXISTS"
    acme, globex, no_tenant = tenants
    session_id = body["session_id"]
    await acme.do(session_id, "start")
    await acme.do(session_id, "switch")
    await globex.do(session_id, "cancel")
    seen = [await api.session(session_id) for api in tenants]
    assert [session["version"] for session in seen] == [3, 2, 1]
    await no_tenant.delete(session_id)
    assert [(await api.get(session_id)).status_code for api in tenants] == [200, 200, 404]


async def test_another_tenant_s_session_is_answered_404(tenants: list[ApiClient]) -> None:
    acme, *others = tenants
    session_id = await acme.started(chess())
    for api in others:
        answers = [
            await api.get(session_id),
            await api.do(session_id, "switch"),
            await api.http.get(f"/v1/sessions/{session_id}/events"),
            await api.http.get(f"/v1/sessions/{session_id}/replay?version=1"),
        ]
        assert [answer.status_code for answer in answers] == [404] * 4
    assert (await acme.session(session_id))["version"] == 2


async def test_each_tenant_has_its_own_trail(tenants: list[ApiClient]) -> None:
    body = chess(session_id=str(uuid4()))
    for api, reason in zip(tenants, ("one", "two", "three"), strict=True):
        session_id = await api.created(body)
        player = body["participants"][0]["participant_id"]
        await api.adjust(session_id, player, {"total_time_ms": 5_000, "reason": reason})
    for api, reason in zip(tenants, ("one", "two", "three"), strict=True):
        events = await _events(api, body["session_id"], 2)
        assert [event["version"] for event in events] == [1, 2]
        assert events[1]["metadata"]["reason"] == reason


async def _events(api: ApiClient, session_id: str, count: int) -> list[Any]:
    """Return the trail once it has so many events."""
    async with asyncio.timeout(30):
        while True:
            answer = await api.http.get(f"/v1/sessions/{session_id}/events")
            events: list[Any] = answer.json()["data"]["events"]
            if len(events) >= count:
                return events
            await asyncio.sleep(0.02)


async def test_pushes_go_only_to_followers_of_the_same_tenant(
    tenants: list[ApiClient], instance: Instance
) -> None:
    body = chess(session_id=str(uuid4()))
    session_id = body["session_id"]
    async with (
        connect(f"{instance.ws}?sessionId={session_id}&token={_host_token('acme')}") as one,
        connect(f"{instance.ws}?sessionId={session_id}&token={_host_token('globex')}") as two,
    ):
        acme, globex = LiveClient(one), LiveClient(two)
        await acme.until_type("CONNECTED")
        await globex.until_type("CONNECTED")
        await tenants[0].created(body)
        await acme.until_version(1)
        await tenants[1].created(body)
        await tenants[1].do(session_id, "start")
        await globex.until_version(2)
        await acme.send({"type": "PING"})
        await acme.until_type("PONG")
    kinds = [message["type"] for message in acme.received]
    assert kinds == ["CONNECTED", "STATE_UPDATE", "PONG"]


async def test_keys_in_the_store_contain_the_tenant(
    tenants: list[ApiClient], tenants_redis_url: str
) -> None:
    session_id = await tenants[0].started(chess())
    with Redis.from_url(tenants_redis_url, decode_responses=True) as redis:
        keys = set(redis.scan_iter(f"*{session_id}*"))
        deadlines = list(redis.scan_iter("*:deadlines"))
        watched = [key for key in deadlines if redis.zscore(key, f"acme:{session_id}")]
    assert {key.partition(":")[2] for key in keys} == {f"session:acme:{session_id}"}
    assert len(watched) == 1


async def test_protected_metrics_count_requests_per_tenant(
    tenants: list[ApiClient],
) -> None:
    http = tenants[0].http
    await tenants[0].created(chess())
    assert (await http.get("/metrics")).status_code == 401
    figures = (await http.get("/metrics", headers=bearer(_METRICS_TOKEN))).text
    assert 'synckairos_tenant_requests_total{tenant="acme"}' in figures


async def test_a_flag_falls_in_a_tenant_s_session_without_a_request(
    tenants: list[ApiClient], instance: Instance
) -> None:
    body = chess()
    for player in body["participants"]:
        player["total_time_ms"] = 1_000
    session_id = await tenants[0].created(body)
    url = f"{instance.ws}?sessionId={session_id}&token={_host_token('acme')}"
    async with connect(url) as socket:
        follower = LiveClient(socket)
        await follower.until_type("CONNECTED")
        await tenants[0].do(session_id, "start")
        assert (await follower.until_type("TIME_EXPIRED"))["sessionId"] == session_id
