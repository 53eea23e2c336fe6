"""Sessions that are closed, and opened again, and whoever listens to them meanwhile."""

import asyncio

import httpx
from synckairos import Changed, Update

from tests.clients.following import Watched
from tests.clients.scripted import ABSENT, ID, Scripted, failing, still


async def test_a_session_that_was_closed_is_followed_again() -> None:
    service = Scripted()
    async with service.client() as client:
        session = client.session(ID)
        await session.open()
        await session.close()
        assert session.connection.status == "closed"
        service.state = still(9)
        watched = Watched(session)
        await session.open()
        await watched.until_version(9)
        await watched.until_live("polling")


async def test_one_that_was_closed_in_the_middle_of_a_read_reads_again() -> None:
    service = Scripted()
    reading = asyncio.Event()

    async def hangs(request: httpx.Request) -> None:
        if request.url.path.endswith(ID):
            reading.set()
            await asyncio.Event().wait()

    async with service.client() as client, asyncio.timeout(5):
        session = client.session(ID)
        service.special = hangs
        opening = asyncio.create_task(session.open())
        await reading.wait()
        await session.close()
        assert await opening is None
        service.special = None
        state = await session.open()
        assert state
        assert state["version"] == 1


async def test_one_that_was_refused_may_be_opened_again() -> None:
    service = Scripted()

    async def refuses(request: httpx.Request) -> httpx.Response:
        return failing(403)

    async with service.client() as client, asyncio.timeout(5):
        session = client.session(ID)
        service.special = refuses
        await asyncio.gather(session.open(), return_exceptions=True)
        assert session.presence == "refused"
        await session.close()
        service.special = None
        assert await session.open()
        assert (session.presence, session.refusal) == ("present", None)


async def test_who_was_closed_says_so_before_all_is_over() -> None:
    async with Scripted().client() as client:
        session = client.session(ID)
        await session.open()
        closing = asyncio.create_task(session.close())
        await asyncio.sleep(0)
        assert session.connection.status == "closed"
        await closing


async def test_closing_an_old_object_leaves_the_new_one_of_the_same_id() -> None:
    service = Scripted()
    client = service.client()
    old = client.session(ID)
    await old.close()
    new = client.session(ID)
    await new.open()
    await old.close()
    assert client.session(ID) is new
    await old.open()
    await client.close()
    assert {old.connection.status, new.connection.status} == {"closed"}


async def test_a_stream_has_what_came_before_it_was_first_read() -> None:
    async with Scripted().client() as client, asyncio.timeout(5):
        session = client.session(ID)
        events = session.events_stream()
        await session.open()
        async for event in events:
            if isinstance(event, Update):
                break


async def test_a_stream_that_is_first_read_after_the_close_ends() -> None:
    async with Scripted().client() as client, asyncio.timeout(5):
        session = client.session(ID)
        await session.open()
        events = session.events_stream()
        await session.close()
        seen = [event async for event in events]
        assert all(isinstance(event, Changed) for event in seen)


async def test_what_is_unsubscribed_twice_leaves_others_alone() -> None:
    async with Scripted().client() as client:
        session = client.session(ID)
        told: list[str] = []

        def callback(event: Update) -> None:
            told.append(event.name)

        end = session.on("update", callback)
        session.on("update", callback)
        end()
        end()
        await session.open()
        assert told == ["update"]


async def test_who_deletes_a_session_knows_that_it_is_gone() -> None:
    service = Scripted()
    async with service.client() as client:
        session = client.session(ID)
        watched = Watched(session)
        await session.open()
        service.state = None

        async def deletes(request: httpx.Request) -> httpx.Response | None:
            return httpx.Response(204) if request.method == "DELETE" else None

        service.special = deletes
        await session.delete()
        assert (session.presence, session.state) == ("deleted", None)
        assert [event.name for event in watched.told].count("deleted") == 1


async def test_the_404_of_a_gateway_deletes_nothing() -> None:
    service = Scripted()
    answers = 0

    async def gateway(request: httpx.Request) -> httpx.Response | None:
        nonlocal answers
        if request.url.path == "/v1/time":
            return None
        answers += 1
        return httpx.Response(404, text="<html>no such app</html>")

    async with service.client() as client:
        watched = Watched(client.session(ID))
        await watched.session.open()
        service.special = gateway
        await watched.until(lambda: watched.transport[0] == "connecting")
        service.special, service.state = None, still(2)
        await watched.until_version(2)
        assert answers
        assert "deleted" not in [event.name for event in watched.told]


async def test_where_only_the_subscription_is_missing_a_read_decides() -> None:
    service = Scripted()

    async def unknown(request: httpx.Request) -> httpx.Response | None:
        return failing(404, ABSENT) if request.url.path.endswith("/realtime") else None

    service.special = unknown
    async with service.client() as client, asyncio.timeout(5):
        watched = Watched(client.session(ID))
        assert await watched.session.open()
        service.special = None
        await watched.until_live("polling")
        assert "deleted" not in [event.name for event in watched.told]
