"""A session that is followed by sockets of a server that does as a test wants."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.clients.following import Watched
from tests.clients.scripted import ID, Scripted, failing, still

# Supabase's client reads what websockets would rather have read elsewhere.
pytestmark = pytest.mark.filterwarnings("ignore:ConnectionClosed:DeprecationWarning")

Handler = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def listening(handler: Handler) -> AsyncIterator[int]:
    """A server of sockets; yields its port."""
    async with serve(handler, "127.0.0.1", 0) as server:
        yield next(iter(server.sockets)).getsockname()[1]


async def greet(socket: ServerConnection, version: int = 1) -> None:
    """As the service does."""
    await socket.send(json.dumps({"type": "CONNECTED"}))
    await socket.send(json.dumps({"type": "STATE_SYNC", "state": still(version)}))


def ours(port: int, **more: Any) -> dict[str, Any]:
    """What the service says of its sockets."""
    url = f"ws://127.0.0.1:{port}/ws?sessionId={ID}"
    return {"transport": "websocket", "url": url, **more}


async def test_a_socket_without_a_token_of_its_own_is_given_the_callers() -> None:
    async def handle(socket: ServerConnection) -> None:
        assert socket.request
        if "token=own" not in socket.request.path:
            await socket.close(4401)
            return
        await greet(socket)
        await socket.wait_closed()

    service = Scripted()

    async def guarded(request: httpx.Request) -> httpx.Response | None:
        is_known = request.headers.get("Authorization") == "Bearer own"
        return None if is_known or request.url.path == "/v1/time" else failing(401)

    service.special = guarded
    async with listening(handle) as port, service.client("own") as client:
        service.subscription = ours(port)
        watched = Watched(client.session(ID))
        await watched.session.open()
        await watched.until_live("websocket")


async def test_a_socket_that_answers_no_more_is_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("synckairos.state_check._DEAD_AFTER_MS", 1_500.0)
    opened = 0

    async def handle(socket: ServerConnection) -> None:
        nonlocal opened
        opened += 1
        await greet(socket)
        await socket.wait_closed()

    service = Scripted()
    async with listening(handle) as port, service.client() as client:
        service.subscription = ours(port)
        watched = Watched(client.session(ID))
        await watched.session.open()
        await watched.until_live("websocket")
        await watched.until(lambda: watched.transport[0] == "connecting")
        await watched.until_live("websocket")
    assert opened == 2


async def test_what_is_to_be_followed_in_another_way_by_now_is() -> None:
    heard: set[str] = set()

    async def handle(socket: ServerConnection) -> None:
        await greet(socket)
        async for text in socket:
            heard.add(json.loads(text)["type"])

    service = Scripted()
    async with listening(handle) as port, service.client() as client:
        ends = datetime.now(UTC) + timedelta(seconds=1)
        service.subscription = ours(port, token="t", expires_at=ends.isoformat())
        watched = Watched(client.session(ID))
        await watched.session.open()
        await watched.until_live("websocket")
        service.subscription = {"transport": "polling", "url": "x"}
        await watched.until_live("polling")
    assert "AUTHENTICATE" not in heard


async def push(socket: ServerConnection, topic: str, message: dict[str, Any]) -> None:
    """As Supabase Realtime does."""
    payload = {"type": "broadcast", "event": message["type"], "payload": message}
    event = {"topic": topic, "event": "broadcast", "payload": payload, "ref": None}
    await socket.send(json.dumps(event))


async def joins(socket: ServerConnection) -> AsyncIterator[str]:
    """Answer as Supabase Realtime does; yields the topic of each join."""
    async for text in socket:
        said = json.loads(text)
        if said["event"] == "access_token":
            continue
        response: dict[str, Any] = {"postgres_changes": []} if said["event"] == "phx_join" else {}
        reply = {"status": "ok", "response": response}
        await socket.send(json.dumps({**said, "event": "phx_reply", "payload": reply}))
        if said["event"] == "phx_join":
            yield said["topic"]


async def test_a_push_that_cannot_be_taken_in_ends_the_connection_and_it_is_made_anew() -> None:
    joined = 0

    async def handle(socket: ServerConnection) -> None:
        nonlocal joined
        async for topic in joins(socket):
            joined += 1
            if joined == 1:
                await push(socket, topic, {"type": "STATE_SYNC"})
            else:
                await push(socket, topic, {"type": "STATE_UPDATE", "state": still(2)})

    service = Scripted()
    topic = f"session:{ID}"
    async with listening(handle) as port, service.client() as client:
        url = f"http://127.0.0.1:{port}"
        more = {"url": url, "key": "k", "topic": topic, "token": "t"}
        service.subscription = {"transport": "supabase", **more}
        watched = Watched(client.session(ID))
        await watched.session.open()
        await watched.until_version(2)
    assert joined == 2


async def test_a_push_that_was_too_large_is_read_for_and_others_go_on_coming() -> None:
    service = Scripted()
    was_read = asyncio.Event()

    async def handle(socket: ServerConnection) -> None:
        async for topic in joins(socket):
            service.state = still(2)
            await push(socket, topic, {"type": "STATE_SYNC", "version": 2})
            await was_read.wait()
            await push(socket, topic, {"type": "STATE_UPDATE", "state": still(3)})

    async with listening(handle) as port, service.client() as client:
        url = f"http://127.0.0.1:{port}"
        more = {"url": url, "key": "k", "topic": f"session:{ID}", "token": "t"}
        service.subscription = {"transport": "supabase", **more}
        watched = Watched(client.session(ID))
        await watched.session.open()
        await watched.until_version(2)
        was_read.set()
        await watched.until_version(3)
        assert watched.sources()[-1] == "push"
