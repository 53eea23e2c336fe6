"""Closing and reopening sessions, event streams, and deletions seen by the Python client."""

import asyncio

import httpx
import pytest
from synckairos import Changed, Update

from tests.clients.following import RecordedSession
from tests.clients.scripted import NOT_FOUND, SESSION_ID, FakeService, error_response, paused_state


async def test_a_closed_session_can_be_opened_again() -> None:
    service = FakeService()
    async with service.client() as client:
        session = client.session(SESSION_ID)
        await session.open()
        await session.close()
        assert session.connection.status == "closed"
        service.state = paused_state(9)
        recorded = RecordedSession(session)
        await session.open()
        await recorded.wait_for_version(9)
        await recorded.wait_for_transport("polling")


async def test_a_session_closed_during_a_read_can_be_opened_again() -> None:
    service = FakeService()
    reading = asyncio.Event()

    async def hang(request: httpx.Request) -> None:
        if request.url.path.endswith(SESSION_ID):
            reading.set()
            await asyncio.Event().wait()

    async with service.client() as client, asyncio.timeout(30):
        session = client.session(SESSION_ID)
        service.override = hang
        opening = asyncio.create_task(session.open())
        await reading.wait()
        await session.close()
        assert await opening is None
        service.override = None
        state = await session.open()
        assert state
        assert state["version"] == 1


async def test_a_refused_session_can_be_opened_again() -> None:
    service = FakeService()

    async def refuse(request: httpx.Request) -> httpx.Response:
        return error_response(403)

    async with service.client() as client, asyncio.timeout(30):
        session = client.session(SESSION_ID)
        service.override = refuse
        await asyncio.gather(session.open(), return_exceptions=True)
        assert session.existence == "refused"
        await session.close()
        service.override = None
        assert await session.open()
        assert (session.existence, session.refusal) == ("present", None)


async def test_the_connection_is_closed_before_close_returns() -> None:
    async with FakeService().client() as client:
        session = client.session(SESSION_ID)
        await session.open()
        closing = asyncio.create_task(session.close())
        await asyncio.sleep(0)
        assert session.connection.status == "closed"
        await closing


async def test_closing_a_replaced_session_object_does_not_affect_the_new_one() -> None:
    service = FakeService()
    client = service.client()
    old = client.session(SESSION_ID)
    await old.close()
    new = client.session(SESSION_ID)
    await new.open()
    await old.close()
    assert client.session(SESSION_ID) is new
    await old.open()
    await client.close()
    assert {old.connection.status, new.connection.status} == {"closed"}


async def test_an_event_stream_contains_the_events_before_its_first_read() -> None:
    async with FakeService().client() as client, asyncio.timeout(30):
        session = client.session(SESSION_ID)
        events = session.events_stream()
        await session.open()
        async for event in events:
            if isinstance(event, Update):
                break


async def test_an_event_stream_first_read_after_the_close_ends() -> None:
    async with FakeService().client() as client, asyncio.timeout(30):
        session = client.session(SESSION_ID)
        await session.open()
        events = session.events_stream()
        await session.close()
        seen = [event async for event in events]
        assert all(isinstance(event, Changed) for event in seen)


async def test_unsubscribing_twice_does_not_affect_other_callbacks() -> None:
    async with FakeService().client() as client:
        session = client.session(SESSION_ID)
        events: list[str] = []

        def callback(event: Update) -> None:
            events.append(event.name)

        unsubscribe = session.on("update", callback)
        session.on("update", callback)
        unsubscribe()
        unsubscribe()
        await session.open()
        assert events == ["update"]


async def test_an_own_deletion_is_applied_at_once_and_emitted_once() -> None:
    service = FakeService()
    async with service.client() as client:
        session = client.session(SESSION_ID)
        recorded = RecordedSession(session)
        await session.open()
        service.state = None

        async def delete(request: httpx.Request) -> httpx.Response | None:
            return httpx.Response(204) if request.method == "DELETE" else None

        service.override = delete
        await session.delete()
        assert (session.existence, session.state) == ("deleted", None)
        assert [event.name for event in recorded.events].count("deleted") == 1


async def test_a_404_of_a_gateway_does_not_count_as_deletion() -> None:
    service = FakeService()
    responses = 0

    async def gateway(request: httpx.Request) -> httpx.Response | None:
        nonlocal responses
        if request.url.path == "/v1/time":
            return None
        responses += 1
        return httpx.Response(404, text="<html>no such app</html>")

    async with service.client() as client:
        recorded = RecordedSession(client.session(SESSION_ID))
        await recorded.session.open()
        service.override = gateway
        await recorded.wait_for_status("connecting")
        service.override, service.state = None, paused_state(2)
        await recorded.wait_for_version(2)
        assert responses
        assert "deleted" not in [event.name for event in recorded.events]


async def test_a_404_of_the_subscription_does_not_count_as_deletion_if_a_read_succeeds() -> None:
    service = FakeService()

    async def reject_subscription(request: httpx.Request) -> httpx.Response | None:
        return error_response(404, NOT_FOUND) if request.url.path.endswith("/realtime") else None

    service.override = reject_subscription
    async with service.client() as client, asyncio.timeout(30):
        recorded = RecordedSession(client.session(SESSION_ID))
        assert await recorded.session.open()
        service.override = None
        await recorded.wait_for_transport("polling")
        assert "deleted" not in [event.name for event in recorded.events]


async def test_there_are_no_events_of_other_names() -> None:
    async with FakeService().client() as client:
        session = client.session(SESSION_ID)
        with pytest.raises(ValueError, match=r"one of update, expired, .*, not 'updated'"):
            session.on("updated", print)  # type: ignore[call-overload]  # the types know it too
        updates: list[Update] = []
        session.on("update", updates.append)
        session.on("expired", updates.append)  # type: ignore[call-overload]  # another type of event
