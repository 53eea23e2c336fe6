"""Stand-in for Supabase Realtime's broadcast endpoint, with answers that a test chooses."""

import asyncio
import queue
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.local.ports import free_port
from infra.local.serving import serve

_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class BroadcastRequest:
    """One received request."""

    headers: dict[str, str]
    body: bytes
    client_port: int
    """Identifies the connection."""

    @property
    def messages(self) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = msgspec.json.decode(self.body)["messages"]
        return messages

    @property
    def told(self) -> list[tuple[str, int | None]]:
        """Type and state version of each message."""
        payloads = [message["payload"] for message in self.messages]
        return [(p["type"], p.get("state", {}).get("version")) for p in payloads]


class BroadcastServer:
    """Answers with `status`, 202 by default; can be stopped and restarted on the same port."""

    def __init__(self, portal: BlockingPortal) -> None:
        self.status = 202
        self.sent: list[BroadcastRequest] = []
        self._arrivals: queue.Queue[BroadcastRequest] = queue.Queue()
        self._portal = portal
        self._port = free_port()
        self._gate = asyncio.Event()
        self._gate.set()
        self._serving: AbstractContextManager[int] | None = None

    @property
    def url(self) -> str:
        """Value for `SUPABASE_URL`."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start to listen, unless the server already does."""
        if self._serving is None:
            app = Starlette(
                routes=[Route("/realtime/v1/api/broadcast", self._receive, methods=["POST"])]
            )
            self._serving = self._portal.wrap_async_context_manager(serve(app, self._port))
            self._serving.__enter__()

    def stop(self) -> None:
        """Close all connections and refuse new ones."""
        if self._serving is not None:
            self._serving.__exit__(None, None, None)
            self._serving = None

    def begin(self) -> None:
        """Reset to the initial state: listening, status 202, no requests recorded."""
        self.start()
        self.release()
        self.status = 202
        self.sent.clear()
        self._arrivals = queue.Queue()

    def hold(self) -> None:
        """Delay all answers until `release`."""
        self._portal.call(self._gate.clear)

    def release(self) -> None:
        """Send the delayed answers, and answer at once again."""
        self._portal.call(self._gate.set)

    def next(self) -> BroadcastRequest:
        """Wait for the next request. Raises `queue.Empty` after 10 s."""
        return self._arrivals.get(timeout=_TIMEOUT_S)

    async def arrival(self) -> BroadcastRequest:
        """Like `next`, without blocking the event loop."""
        return await asyncio.to_thread(self.next)

    async def _receive(self, request: Request) -> Response:
        assert request.client
        sent = BroadcastRequest(dict(request.headers), await request.body(), request.client.port)
        self.sent.append(sent)
        self._arrivals.put(sent)
        await self._gate.wait()
        return Response("no" if self.status >= 400 else "", self.status)


@contextmanager
def broadcast_server() -> Iterator[BroadcastServer]:
    """Run a `BroadcastServer` within the block."""
    with start_blocking_portal() as portal:
        server = BroadcastServer(portal)
        server.start()
        try:
            yield server
        finally:
            server.release()
            server.stop()
