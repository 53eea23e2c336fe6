"""Outages of the local Realtime server that tests inject."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import psycopg
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from infra.local.postgres import EmbeddedPostgres
from infra.local.realtime import LocalRealtime, local_realtime
from tests.integration.realtime.project import Sender, message, sending_to
from tests.integration.realtime.wire import raw_client

_TOPIC = "realtime:room"


@pytest.fixture(scope="module")
def server(postgres: EmbeddedPostgres) -> Iterator[LocalRealtime]:
    """A project into which the tests inject faults."""
    with local_realtime(postgres.url) as project:
        yield project


@pytest.fixture
async def sender(server: LocalRealtime) -> AsyncIterator[Sender]:
    """A sender to that project; resets all faults after the test."""
    async with sending_to(server.url) as sender:
        yield sender
    server.faults.outage = None
    server.faults.rejects_sockets = False


async def test_an_error_outage_answers_500(server: LocalRealtime, sender: Sender) -> None:
    server.faults.outage = "error"
    async with raw_client(server) as client:
        await client.join(_TOPIC)
        sent = await sender.batch(message("room", "said", private=False))
        assert sent.status_code == 500
        assert await client.receives_nothing()


async def test_a_hanging_outage_answers_only_after_its_end(
    server: LocalRealtime, sender: Sender
) -> None:
    server.faults.outage = "hang"
    async with raw_client(server) as client:
        await client.join(_TOPIC)
        sent = asyncio.create_task(sender.mark("room", private=False))
        with pytest.raises(httpx.ReadTimeout):
            await sender.http.post(
                "/realtime/v1/api/broadcast", json={}, timeout=httpx.Timeout(30, read=0.2)
            )
        assert await client.receives_nothing()
        server.faults.outage = None
        assert (await client.receive())["payload"]["event"] == "mark"
        await sent


async def test_dropped_connections_are_refused_until_sockets_are_allowed(
    server: LocalRealtime, sender: Sender
) -> None:
    async with raw_client(server) as client:
        server.faults.rejects_sockets = True
        server.faults.drop_connections()
        with pytest.raises(ConnectionClosedError) as closed:
            await client.receive()
        assert closed.value.rcvd is None
    with pytest.raises(InvalidStatus):
        async with raw_client(server):
            pass
    server.faults.rejects_sockets = False
    async with raw_client(server) as client:
        assert await client.receives_nothing()


async def test_the_server_stops_while_requests_hang_and_starts_again(
    postgres: EmbeddedPostgres,
) -> None:
    with local_realtime(postgres.url) as project:
        project.faults.outage = "hang"
        async with sending_to(project.url) as sender, raw_client(project) as client:
            hanging = asyncio.create_task(sender.batch(message("room", "said")))
            await client.join(_TOPIC)
            await asyncio.to_thread(project.stop)
            assert (await hanging).status_code == 500
            with pytest.raises(httpx.ConnectError):
                await sender.batch(message("room", "said"))
            with pytest.raises(ConnectionClosedError):
                await client.receive()
        await asyncio.to_thread(project.start)
        async with raw_client(project) as again:
            await again.join(_TOPIC)


async def test_without_the_database_only_a_single_message_is_known_to_be_lost(
    postgres: EmbeddedPostgres,
) -> None:
    url = postgres.url.removesuffix("postgres") + "gone"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("create database gone")
        with local_realtime(url) as project:
            connection.execute("drop database gone with (force)")
            async with sending_to(project.url) as sender:
                single = await sender.single("session:1", "said", {})
                batch = await sender.batch(message("session:1", "said"))
    assert (single.status_code, batch.status_code) == (422, 202)
    assert single.json() == {"message": "Tenant database unavailable"}


async def test_above_the_message_rate_every_message_is_refused(postgres: EmbeddedPostgres) -> None:
    with local_realtime(postgres.url, rate_limit=0) as project:
        async with sending_to(project.url) as sender:
            sent = await sender.single("room", "said", {}, private=False)
    assert (sent.status_code, sent.json()) == (429, {"message": "Too many requests"})
    assert sent.headers["x-rate-limit"] == "0"
