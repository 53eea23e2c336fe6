"""The emulator's fault injector: loss, reordering, outages and dropped connections."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from infra.local.postgres import EmbeddedPostgres
from infra.local.realtime import LocalRealtime, local_realtime
from tests.integration.realtime.project import Sender, message, sending_to
from tests.integration.realtime.wire import raw_client

_TOPIC = "realtime:room"
_MESSAGES = 200


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
    server.mischief.loss = server.mischief.reorder = 0.0
    server.mischief.outage = None
    server.mischief.rejects_sockets = False


async def _received_numbers(server: LocalRealtime, sender: Sender) -> list[int]:
    """Send many numbered messages; return the numbers of those that arrive, in that order."""
    numbers = []
    async with raw_client(server) as client:
        await client.join(_TOPIC)
        several = (message("room", "said", {"n": n}, private=False) for n in range(_MESSAGES))
        assert (await sender.batch(*several)).status_code == 202
        end = await client.send("phoenix", "heartbeat")
        while (frame := await client.receive())["ref"] != end:
            numbers.append(frame["payload"]["payload"]["n"])
    return numbers


async def test_messages_are_lost_and_reordered_reproducibly_by_seed(
    server: LocalRealtime, sender: Sender
) -> None:
    server.mischief.loss, server.mischief.reorder, server.mischief.hold_s = 0.1, 0.2, 60
    runs = []
    for seed in (1, 1, 2):
        server.mischief.seed = seed
        runs.append(await _received_numbers(server, sender))
    assert runs[0] == runs[1] != runs[2]
    assert 0.8 * _MESSAGES < len(runs[0]) < 0.97 * _MESSAGES
    assert len(set(runs[0])) == len(runs[0])
    assert runs[0] != sorted(runs[0])


async def test_without_faults_all_messages_arrive_in_order(
    server: LocalRealtime, sender: Sender
) -> None:
    assert await _received_numbers(server, sender) == list(range(_MESSAGES))


async def test_a_reordered_message_without_successor_is_only_delayed(
    server: LocalRealtime, sender: Sender
) -> None:
    server.mischief.reorder, server.mischief.hold_s = 1.0, 0.05
    async with raw_client(server) as client:
        await client.join(_TOPIC)
        await sender.mark("room", private=False)
        assert await client.receives_nothing()
        assert (await client.receive())["payload"]["event"] == "mark"


async def test_an_error_outage_answers_500(server: LocalRealtime, sender: Sender) -> None:
    server.mischief.outage = "error"
    async with raw_client(server) as client:
        await client.join(_TOPIC)
        sent = await sender.single("room", "said", {}, private=False)
        assert sent.status_code == 500
        assert await client.receives_nothing()


async def test_a_hanging_outage_answers_only_after_its_end(
    server: LocalRealtime, sender: Sender
) -> None:
    server.mischief.outage = "hang"
    async with raw_client(server) as client:
        await client.join(_TOPIC)
        sent = asyncio.create_task(sender.mark("room", private=False))
        with pytest.raises(httpx.ReadTimeout):
            await sender.http.post("/realtime/v1/api/broadcast", json={}, timeout=0.2)
        assert await client.receives_nothing()
        server.mischief.outage = None
        assert (await client.receive())["payload"]["event"] == "mark"
        await sent


async def test_dropped_connections_are_refused_until_sockets_are_allowed(
    server: LocalRealtime, sender: Sender
) -> None:
    async with raw_client(server) as client:
        server.mischief.rejects_sockets = True
        server.mischief.drop_connections()
        with pytest.raises(ConnectionClosedError) as closed:
            await client.receive()
        assert closed.value.rcvd is None
    with pytest.raises(InvalidStatus):
        async with raw_client(server):
            pass
    server.mischief.rejects_sockets = False
    async with raw_client(server) as client:
        assert await client.receives_nothing()


async def test_the_server_stops_while_requests_hang_and_starts_again(
    postgres: EmbeddedPostgres,
) -> None:
    with local_realtime(postgres.url) as project:
        project.mischief.outage = "hang"
        async with sending_to(project.url) as sender, raw_client(project) as client:
            hanging = asyncio.create_task(sender.single("room", "said", {}))
            await client.join(_TOPIC)
            await asyncio.to_thread(project.stop)
            assert (await hanging).status_code == 500
            with pytest.raises(httpx.ConnectError):
                await sender.single("room", "said", {})
            with pytest.raises(ConnectionClosedError):
                await client.receive()
        await asyncio.to_thread(project.start)
        async with raw_client(project) as again:
            await again.join(_TOPIC)
