"""Clients that follow a session and reconnect when they are disconnected."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from infra.local.instance import Instance

_RECONNECT_AFTER_S = 0.1
_POLL_INTERVAL_S = 0.05
_TIMEOUT_S = 5.0


class _Disconnected(Exception):
    """The service has closed the connection or doesn't accept it yet."""


@dataclass
class SessionFollower:
    """A client's knowledge of one session."""

    session_id: str
    newest_version: int = 0
    has_gap: bool = False
    """Whether versions were skipped and no STATE_SYNC has come since."""
    connections: int = 0
    syncs: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def receive(self, message: dict[str, Any]) -> None:
        """Handle a message."""
        if version := message.get("state", {}).get("version"):
            if message["type"] == "STATE_SYNC":
                self.has_gap = False
                self.syncs += 1
            elif version > self.newest_version + 1:
                self.has_gap = True
            self.note_version(version)

    def note_version(self, version: int) -> None:
        """Note a version of the session."""
        self.newest_version = max(self.newest_version, version)
        self._changed.set()

    async def wait_for(self, version: int) -> None:
        """Return when `version` or a newer one is known, without a gap."""
        while self.newest_version < version or self.has_gap:
            self._changed.clear()
            await self._changed.wait()


class Transport(Protocol):
    """Follows a session until cancelled. Raises `_Disconnected` when the connection has ended."""

    async def __call__(self, follower: SessionFollower) -> None: ...


def websocket_transport(instance: Instance) -> Transport:
    """Follow over a WebSocket of `instance`."""

    async def follow(follower: SessionFollower) -> None:
        url = f"{instance.ws}?sessionId={follower.session_id}&sync=1"
        try:
            async with connect(url, open_timeout=_TIMEOUT_S) as socket:
                follower.connections += 1
                async for text in socket:
                    follower.receive(json.loads(text))
        except (WebSocketException, OSError, TimeoutError) as error:
            raise _Disconnected from error
        raise _Disconnected

    return follow


def sse_transport(instance: Instance) -> Transport:
    """Follow over an event stream of `instance`."""

    async def follow(follower: SessionFollower) -> None:
        url = f"{instance.url}/v1/sessions/{follower.session_id}/stream?sync=1"
        try:
            async with (
                httpx.AsyncClient(timeout=httpx.Timeout(_TIMEOUT_S, read=None)) as http,
                http.stream("GET", url) as answer,
            ):
                if answer.status_code == 503:
                    raise _Disconnected
                assert answer.status_code == 200, await answer.aread()
                follower.connections += 1
                async for line in answer.aiter_lines():
                    if line.startswith("data:"):
                        follower.receive(json.loads(line.removeprefix("data:")))
        except httpx.TransportError as error:
            raise _Disconnected from error
        raise _Disconnected

    return follow


def polling_transport(url: str) -> Transport:
    """Follow by polling, for services that push nothing themselves."""

    async def follow(follower: SessionFollower) -> None:
        async with httpx.AsyncClient(base_url=url, timeout=_TIMEOUT_S) as http:
            while True:
                headers = {"If-None-Match": f'"{follower.newest_version}"'}
                path = f"/v1/sessions/{follower.session_id}"
                answer = await http.get(path, headers=headers)
                assert answer.status_code in (200, 304, 503), answer.text
                if answer.status_code == 200:
                    follower.note_version(answer.json()["data"]["version"])
                await asyncio.sleep(_POLL_INTERVAL_S)

    return follow


@asynccontextmanager
async def following(
    session_id: str, *transports: Transport
) -> AsyncIterator[list[SessionFollower]]:
    """A connected follower for each of `transports`, to the end of the block."""
    followers = [SessionFollower(session_id) for _ in transports]
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_keep_following(follower, transport))
            for follower, transport in zip(followers, transports, strict=True)
        ]
        await asyncio.gather(*(follower.wait_for(1) for follower in followers))
        try:
            yield followers
        finally:
            for task in tasks:
                task.cancel()


async def _keep_following(
    follower: SessionFollower, follow: Callable[[SessionFollower], Any]
) -> None:
    while True:
        try:
            await follow(follower)
        except _Disconnected:
            await asyncio.sleep(_RECONNECT_AFTER_S)
