"""The Python client with WebSockets of fake servers: tokens, lost connections, invalid pushes."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock

import httpx
import pytest
from synckairos.transports.interface import Disconnected
from synckairos.transports.websocket import WebSocket
from websockets.asyncio.server import ServerConnection, serve

from tests.clients.following import RecordedSession
from tests.clients.scripted import SESSION_ID, FakeService, error_response, paused_state

# Supabase's client reads attributes that websockets has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:ConnectionClosed:DeprecationWarning")

Handler = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def websocket_server(handler: Handler) -> AsyncIterator[int]:
    """Run a WebSocket server with `handler`; yield its port."""
    async with serve(handler, "127.0.0.1", 0) as server:
        yield next(iter(server.sockets)).getsockname()[1]


async def greet(socket: ServerConnection, version: int = 1) -> None:
    """Send the first messages as the service does."""
    await socket.send(json.dumps({"type": "CONNECTED"}))
    await socket.send(json.dumps({"type": "STATE_SYNC", "state": paused_state(version)}))


def websocket_subscription(port: int, **more: Any) -> dict[str, Any]:
    """Return the subscription to the service's own WebSocket."""
    url = f"ws://127.0.0.1:{port}/ws?sessionId={SESSION_ID}"
    return {"transport": "websocket", "url": url, **more}


async def test_a_websocket_without_its_own_token_gets_the_callers() -> None:
    async def handle(socket: ServerConnection) -> None:
        assert socket.request
        if "token=own" not in socket.request.path:
            await socket.close(4401)
            return
        await greet(socket)
        await socket.wait_closed()

    service = FakeService()

    async def require_token(request: httpx.Request) -> httpx.Response | None:
        is_valid = request.headers.get("Authorization") == "Bearer own"
        return None if is_valid or request.url.path == "/v1/time" else error_response(401)

    service.override = require_token
    async with websocket_server(handle) as port, service.client("own") as client:
        service.subscription = websocket_subscription(port)
        recorded = RecordedSession(client.session(SESSION_ID))
        await recorded.session.open()
        await recorded.wait_for_transport("websocket")


async def test_a_websocket_that_does_not_answer_pings_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("synckairos.state_check.DEAD_AFTER_MS", 1_500.0)
    opened = 0

    async def handle(socket: ServerConnection) -> None:
        nonlocal opened
        opened += 1
        await greet(socket)
        await socket.wait_closed()

    service = FakeService()
    async with websocket_server(handle) as port, service.client() as client:
        service.subscription = websocket_subscription(port)
        recorded = RecordedSession(client.session(SESSION_ID))
        await recorded.session.open()
        await recorded.wait_for_transport("websocket")
        await recorded.wait_for_status("connecting")
        await recorded.wait_for_transport("websocket")
    assert opened == 2


async def test_after_too_many_connections_a_websocket_waits_5_s() -> None:
    async def handle(socket: ServerConnection) -> None:
        await socket.close(4429)

    async with websocket_server(handle) as port:
        url = f"ws://127.0.0.1:{port}/ws?sessionId={SESSION_ID}"
        with pytest.raises(Disconnected) as caught:
            await WebSocket(url, {"sync": 1}, None, Mock(error_ms=float("inf"))).follow(Mock())
    assert caught.value.retry_after_ms == 5_000


async def test_a_renewal_changes_to_the_newly_recommended_transport() -> None:
    message_types: set[str] = set()

    async def handle(socket: ServerConnection) -> None:
        await greet(socket)
        async for text in socket:
            message_types.add(json.loads(text)["type"])

    service = FakeService()
    async with websocket_server(handle) as port, service.client() as client:
        expires_at = datetime.now(UTC) + timedelta(seconds=1)
        service.subscription = websocket_subscription(
            port, token="t", expires_at=expires_at.isoformat()
        )
        recorded = RecordedSession(client.session(SESSION_ID))
        await recorded.session.open()
        await recorded.wait_for_transport("websocket")
        service.subscription = {"transport": "polling", "url": "x"}
        await recorded.wait_for_transport("polling")
    assert "AUTHENTICATE" not in message_types


async def push(socket: ServerConnection, topic: str, message: dict[str, Any]) -> None:
    """Send a broadcast as Supabase Realtime does."""
    payload = {"type": "broadcast", "event": message["type"], "payload": message}
    event = {"topic": topic, "event": "broadcast", "payload": payload, "ref": None}
    await socket.send(json.dumps(event))


async def accept_joins(socket: ServerConnection) -> AsyncIterator[str]:
    """Respond as Supabase Realtime does; yield the topic of each join."""
    async for text in socket:
        message = json.loads(text)
        if message["event"] == "access_token":
            continue
        response: dict[str, Any] = (
            {"postgres_changes": []} if message["event"] == "phx_join" else {}
        )
        reply = {"status": "ok", "response": response}
        await socket.send(json.dumps({**message, "event": "phx_reply", "payload": reply}))
        if message["event"] == "phx_join":
            yield message["topic"]


async def test_an_invalid_push_ends_the_connection_which_is_replaced() -> None:
    joined = 0

    async def handle(socket: ServerConnection) -> None:
        nonlocal joined
        async for topic in accept_joins(socket):
            joined += 1
            if joined == 1:
                await push(socket, topic, {"type": "STATE_SYNC"})
            else:
                await push(socket, topic, {"type": "STATE_UPDATE", "state": paused_state(2)})

    service = FakeService()
    topic = f"session:{SESSION_ID}"
    async with websocket_server(handle) as port, service.client() as client:
        url = f"http://127.0.0.1:{port}"
        more = {"url": url, "key": "k", "topic": topic, "token": "t"}
        service.subscription = {"transport": "supabase", **more}
        recorded = RecordedSession(client.session(SESSION_ID))
        await recorded.session.open()
        await recorded.wait_for_version(2)
    assert joined == 2


async def test_a_push_without_its_state_causes_a_read_and_later_pushes_arrive() -> None:
    service = FakeService()
    was_read = asyncio.Event()

    async def handle(socket: ServerConnection) -> None:
        async for topic in accept_joins(socket):
            service.state = paused_state(2)
            await push(socket, topic, {"type": "STATE_SYNC", "version": 2})
            await was_read.wait()
            await push(socket, topic, {"type": "STATE_UPDATE", "state": paused_state(3)})

    async with websocket_server(handle) as port, service.client() as client:
        url = f"http://127.0.0.1:{port}"
        more = {"url": url, "key": "k", "topic": f"session:{SESSION_ID}", "token": "t"}
        service.subscription = {"transport": "supabase", **more}
        recorded = RecordedSession(client.session(SESSION_ID))
        await recorded.session.open()
        await recorded.wait_for_version(2)
        was_read.set()
        await recorded.wait_for_version(3)
        assert recorded.sources()[-1] == "push"
