"""Stand-in for Supabase Realtime's broadcast endpoint, with answers that a test chooses."""

import asyncio
import queue
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.local.serving import RestartableServer, serve

_PATH = "/realtime/v1/api/broadcast"
_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class BroadcastRequest:
    """One received request."""

    headers: dict[str, str]
    body: bytes
    client_port: int
    """Identifies the connection."""
    single: dict[str, str] | None = None
    """Topic and event of a request for one message, whose body is the payload."""

    @property
    def messages(self) -> list[dict[str, Any]]:
        if self.single:
            return [self.single | {"payload": msgspec.json.decode(self.body), "private": True}]
        messages: list[dict[str, Any]] = msgspec.json.decode(self.body)["messages"]
        return messages

    @property
    def told(self) -> list[tuple[str, int | None]]:
        """Type and state version of each message."""
        payloads = [message["payload"] for message in self.messages]
        return [(p["type"], p.get("state", {}).get("version")) for p in payloads]


class BroadcastServer(RestartableServer):
    """Answers with `status`, 202 by default, and with `headers`.

    `url` is the value for `SUPABASE_URL`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.status = 202
        self.headers: dict[str, str] = {}
        self.sent: list[BroadcastRequest] = []
        self._arrivals: queue.Queue[BroadcastRequest] = queue.Queue()
        self._released = asyncio.Event()

    def begin(self) -> None:
        """Reset to the initial state: listening, status 202, no requests recorded."""
        self.start()
        self.release()
        self.status = 202
        self.headers = {}
        self.sent.clear()
        self._arrivals = queue.Queue()

    def hold(self) -> None:
        """Delay all answers until `release` or the next start."""
        self._call(self._released.clear)

    def release(self) -> None:
        """Send the delayed answers, and answer at once again."""
        self._call(self._released.set)

    def next(self) -> BroadcastRequest:
        """Wait for the next request. Raises `queue.Empty` after 30 s."""
        return self._arrivals.get(timeout=_TIMEOUT_S)

    async def arrival(self) -> BroadcastRequest:
        """Like `next`, without blocking the event loop."""
        return await asyncio.to_thread(self.next)

    @asynccontextmanager
    async def _serve(self) -> AsyncIterator[None]:
        self._released = asyncio.Event()
        self._released.set()
        paths = (_PATH, _PATH + "/{topic}/events/{event}")
        app = Starlette(routes=[Route(path, self._receive, methods=["POST"]) for path in paths])
        async with serve(app, self._port):
            yield

    async def _receive(self, request: Request) -> Response:
        assert request.client
        sent = BroadcastRequest(
            dict(request.headers),
            await request.body(),
            request.client.port,
            request.path_params or None,
        )
        self.sent.append(sent)
        self._arrivals.put(sent)
        await self._released.wait()
        return Response("no" if self.status >= 400 else "", self.status, self.headers)
