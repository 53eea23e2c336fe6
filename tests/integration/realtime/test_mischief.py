"""What goes wrong, when a test wants it to."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from infra.local.postgres import EmbeddedPostgres
from infra.local.realtime import LocalRealtime, local_realtime
from tests.integration.realtime.project import Sender, message, sending_to
from tests.integration.realtime.wire import wire

_TOPIC = "realtime:room"
_MESSAGES = 200


@pytest.fixture(scope="module")
def server(postgres: EmbeddedPostgres) -> Iterator[LocalRealtime]:
    """A project to play tricks on."""
    with local_realtime(postgres.url) as own:
        yield own


@pytest.fixture
async def sending(server: LocalRealtime) -> AsyncIterator[Sender]:
    """One who sends there."""
    async with sending_to(server.url) as sender:
        yield sender
    server.mischief.loss = server.mischief.reorder = 0.0
    server.mischief.outage = None
    server.mischief.refuses_sockets = False


async def _story(server: LocalRealtime, sending: Sender) -> list[int]:
    """The numbers of the messages that arrive, of many, in that order."""
    numbers = []
    async with wire(server) as client:
        await client.join(_TOPIC)
        several = (message("room", "said", {"n": n}, private=False) for n in range(_MESSAGES))
        assert (await sending.batch(*several)).status_code == 202
        end = await client.send("phoenix", "heartbeat")
        while (frame := await client.receive())["ref"] != end:
            numbers.append(frame["payload"]["payload"]["n"])
    return numbers


async def test_some_are_lost_and_others_overtaken(server: LocalRealtime, sending: Sender) -> None:
    server.mischief.loss, server.mischief.reorder, server.mischief.hold_s = 0.1, 0.2, 60
    stories = []
    for seed in (1, 1, 2):
        server.mischief.seed = seed
        stories.append(await _story(server, sending))
    assert stories[0] == stories[1] != stories[2]
    assert 0.8 * _MESSAGES < len(stories[0]) < 0.97 * _MESSAGES
    assert len(set(stories[0])) == len(stories[0])
    assert stories[0] != sorted(stories[0])


async def test_without_it_all_arrive_in_order(server: LocalRealtime, sending: Sender) -> None:
    assert await _story(server, sending) == list(range(_MESSAGES))


async def test_the_last_one_is_only_late(server: LocalRealtime, sending: Sender) -> None:
    server.mischief.reorder, server.mischief.hold_s = 1.0, 0.05
    async with wire(server) as client:
        await client.join(_TOPIC)
        await sending.mark("room", private=False)
        assert await client.is_silent()
        assert (await client.receive())["payload"]["event"] == "mark"


async def test_an_outage_answers_with_errors(server: LocalRealtime, sending: Sender) -> None:
    server.mischief.outage = "error"
    async with wire(server) as client:
        await client.join(_TOPIC)
        sent = await sending.single("room", "said", {}, private=False)
        assert sent.status_code == 500
        assert await client.is_silent()


async def test_or_not_at_all_until_it_ends(server: LocalRealtime, sending: Sender) -> None:
    server.mischief.outage = "hang"
    async with wire(server) as client:
        await client.join(_TOPIC)
        sent = asyncio.create_task(sending.mark("room", private=False))
        with pytest.raises(httpx.ReadTimeout):
            await sending.http.post("/realtime/v1/api/broadcast", json={}, timeout=0.2)
        assert await client.is_silent()
        server.mischief.outage = None
        assert (await client.receive())["payload"]["event"] == "mark"
        await sent


async def test_connections_drop_and_come_back_when_they_may(
    server: LocalRealtime, sending: Sender
) -> None:
    async with wire(server) as client:
        server.mischief.refuses_sockets = True
        server.mischief.drop_connections()
        with pytest.raises(ConnectionClosedError) as closed:
            await client.receive()
        assert closed.value.rcvd is None
    with pytest.raises(InvalidStatus):
        async with wire(server):
            pass
    server.mischief.refuses_sockets = False
    async with wire(server) as client:
        assert await client.is_silent()


async def test_it_stops_while_requests_hang_and_starts_again(postgres: EmbeddedPostgres) -> None:
    with local_realtime(postgres.url) as own:
        own.mischief.outage = "hang"
        async with sending_to(own.url) as sender, wire(own) as client:
            hanging = asyncio.create_task(sender.single("room", "said", {}))
            await client.join(_TOPIC)
            await asyncio.to_thread(own.stop)
            assert (await hanging).status_code == 500
            with pytest.raises(httpx.ConnectError):
                await sender.single("room", "said", {})
            with pytest.raises(ConnectionClosedError):
                await client.receive()
        await asyncio.to_thread(own.start)
        async with wire(own) as again:
            await again.join(_TOPIC)
