"""Supabase's clients receive missed states after an outage and reconnect after a disconnect."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from infra.local.postgres import EmbeddedPostgres
from infra.local.realtime import LocalRealtime, local_realtime
from infra.local.realtime.faults import Outage
from infra.local.redis import embedded_redis
from infra.local.supabase import LocalSupabase
from tests.integration.realtime.clients import PUSH_CLIENTS, subscribed
from tests.support.api import ApiClient, api_client, chess
from tests.support.target import running_service

pytestmark = pytest.mark.http

_TIMEOUT_S = 30.0


@pytest.fixture(scope="module")
def project(postgres: EmbeddedPostgres, supabase: LocalSupabase) -> Iterator[LocalRealtime]:
    """A project into which the tests inject faults."""
    with local_realtime(postgres.url, upstream=supabase.url) as server:
        yield server


@pytest.fixture(scope="module")
def url(project: LocalRealtime) -> Iterator[str]:
    """The URL of a service that uses the project."""
    with (
        embedded_redis() as redis_url,
        running_service(redis_url, **project.settings()) as service_url,
    ):
        yield service_url


@pytest.fixture
async def api(project: LocalRealtime, url: str) -> AsyncIterator[ApiClient]:
    """A client of the service; resets all faults after the test."""
    async with api_client(url, timeout=20) as api:
        yield api
    project.faults.outage = None
    project.faults.rejects_sockets = False


@pytest.mark.parametrize("kind", ["python", "supabase-js"])
@pytest.mark.parametrize("outage", ["error", "hang"])
async def test_a_state_that_could_not_be_pushed_is_pushed_after_the_outage(
    project: LocalRealtime, api: ApiClient, outage: Outage, kind: str
) -> None:
    session_id = str(uuid4())
    subscription = (await api.http.get(f"/v1/sessions/{session_id}/realtime")).json()["data"]
    async with subscribed(kind, subscription) as client:
        await api.created(chess(session_id=session_id))
        await client.next_message("STATE_UPDATE")
        hindered = project.faults.failed_requests
        project.faults.outage = outage
        started = await api.do(session_id, "start")
        assert started.status_code == 200
        async with asyncio.timeout(_TIMEOUT_S):
            while project.faults.failed_requests == hindered:
                await asyncio.sleep(0.01)
        project.faults.outage = None
        synced = await client.next_message("STATE_SYNC")
    assert (synced["state"]["version"], synced["state"]["status"]) == (2, "running")


@pytest.mark.parametrize("kind", PUSH_CLIENTS[1:])
async def test_a_disconnected_client_reconnects(
    project: LocalRealtime, api: ApiClient, kind: str
) -> None:
    session_id = await api.started(chess())
    subscription = (await api.http.get(f"/v1/sessions/{session_id}/realtime")).json()["data"]
    async with subscribed(kind, subscription) as client:
        project.faults.drop_connections()
        await client.until_status("SUBSCRIBED")
        await api.do(session_id, "pause")
        assert (await client.message_of_version(3))["cause"] == "session_paused"
