"""Clients that want to know how a session stands, and come back when they are cut off."""

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

_COMES_BACK_AFTER_S = 0.1
_POLLS_EVERY_S = 0.05
_PATIENCE_S = 5.0


class _Gone(Exception):
    """The service has cut us off, or won't have us yet."""


@dataclass
class Follower:
    """What one client of one session knows."""

    session_id: str
    newest: int = 0
    has_gap: bool = False
    """Whether versions were left out and nothing has made up for them yet."""
    connections: int = 0
    syncs: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, message: dict[str, Any]) -> None:
        """Take in a message."""
        if version := message.get("state", {}).get("version"):
            if message["type"] == "STATE_SYNC":
                self.has_gap = False
                self.syncs += 1
            elif version > self.newest + 1:
                self.has_gap = True
            self.learn(version)

    def learn(self, version: int) -> None:
        """Take in how the session stands."""
        self.newest = max(self.newest, version)
        self._news.set()

    async def until(self, version: int) -> None:
        """Return when that version, or a newer one, is known and nothing is missing."""
        while self.newest < version or self.has_gap:
            self._news.clear()
            await self._news.wait()


class Following(Protocol):
    """A way to follow a session until cancelled. Raises when the connection has ended."""

    async def __call__(self, follower: Follower) -> None: ...


def by_websocket(instance: Instance) -> Following:
    """Over a WebSocket of `instance`."""

    async def follow(follower: Follower) -> None:
        url = f"{instance.ws}?sessionId={follower.session_id}&sync=1"
        try:
            async with connect(url, open_timeout=_PATIENCE_S) as socket:
                follower.connections += 1
                async for text in socket:
                    follower.hear(json.loads(text))
        except (WebSocketException, OSError, TimeoutError) as error:
            raise _Gone from error
        raise _Gone

    return follow


def by_events(instance: Instance) -> Following:
    """Over an event stream of `instance`."""

    async def follow(follower: Follower) -> None:
        url = f"{instance.url}/v1/sessions/{follower.session_id}/stream?sync=1"
        try:
            async with (
                httpx.AsyncClient(timeout=httpx.Timeout(_PATIENCE_S, read=None)) as http,
                http.stream("GET", url) as answer,
            ):
                if answer.status_code == 503:
                    raise _Gone
                assert answer.status_code == 200, await answer.aread()
                follower.connections += 1
                async for line in answer.aiter_lines():
                    if line.startswith("data:"):
                        follower.hear(json.loads(line.removeprefix("data:")))
        except httpx.TransportError as error:
            raise _Gone from error
        raise _Gone

    return follow


def by_polling(url: str) -> Following:
    """By asking again and again, where nothing can push."""

    async def follow(follower: Follower) -> None:
        async with httpx.AsyncClient(base_url=url, timeout=_PATIENCE_S) as http:
            while True:
                headers = {"If-None-Match": f'"{follower.newest}"'}
                path = f"/v1/sessions/{follower.session_id}"
                answer = await http.get(path, headers=headers)
                assert answer.status_code in (200, 304, 503), answer.text
                if answer.status_code == 200:
                    follower.learn(answer.json()["data"]["version"])
                await asyncio.sleep(_POLLS_EVERY_S)

    return follow


@asynccontextmanager
async def following(session_id: str, *ways: Following) -> AsyncIterator[list[Follower]]:
    """A follower for each of `ways`, connected, to the end of the block."""
    followers = [Follower(session_id) for _ in ways]
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_keep_following(follower, way))
            for follower, way in zip(followers, ways, strict=True)
        ]
        await asyncio.gather(*(follower.until(1) for follower in followers))
        try:
            yield followers
        finally:
            for task in tasks:
                task.cancel()


async def _keep_following(follower: Follower, follow: Callable[[Follower], Any]) -> None:
    while True:
        try:
            await follow(follower)
        except _Gone:
            await asyncio.sleep(_COMES_BACK_AFTER_S)
