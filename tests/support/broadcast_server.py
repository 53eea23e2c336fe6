"""What takes broadcasts at Supabase Realtime, and answers as a test wants it to."""

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

_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class BroadcastRequest:
    """One request as it came in."""

    headers: dict[str, str]
    body: bytes
    client_port: int
    """Tells one connection from another."""

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What it carries."""
        found: list[dict[str, Any]] = msgspec.json.decode(self.body)["messages"]
        return found

    @property
    def told(self) -> list[tuple[str, int | None]]:
        """The type of each message, and the version of the state in it."""
        payloads = [message["payload"] for message in self.messages]
        return [(p["type"], p.get("state", {}).get("version")) for p in payloads]


class BroadcastServer:
    """Answers 202 unless told otherwise; may be stopped and started again, on the same port."""

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
        """What `SUPABASE_URL` is to be."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen."""
        if self._serving is None:
            app = Starlette(
                routes=[Route("/realtime/v1/api/broadcast", self._take, methods=["POST"])]
            )
            self._serving = self._portal.wrap_async_context_manager(serve(app, self._port))
            self._serving.__enter__()

    def stop(self) -> None:
        """Close every connection, and refuse new ones."""
        if self._serving is not None:
            self._serving.__exit__(None, None, None)
            self._serving = None

    def begin(self) -> None:
        """Be as at first."""
        self.start()
        self.release()
        self.status = 202
        self.sent.clear()
        self._arrivals = queue.Queue()

    def hold(self) -> None:
        """Answer nothing from now on."""
        self._portal.call(self._gate.clear)

    def release(self) -> None:
        """Answer what was held, and everything else."""
        self._portal.call(self._gate.set)

    def next(self) -> BroadcastRequest:
        """The next request, when it comes. Raises `queue.Empty` when none does."""
        return self._arrivals.get(timeout=_WAIT_S)

    async def arrival(self) -> BroadcastRequest:
        """The same, for who has other things to do meanwhile."""
        return await asyncio.to_thread(self.next)

    async def _take(self, request: Request) -> Response:
        assert request.client
        sent = BroadcastRequest(dict(request.headers), await request.body(), request.client.port)
        self.sent.append(sent)
        self._arrivals.put(sent)
        await self._gate.wait()
        return Response("no" if self.status >= 400 else "", self.status)


@contextmanager
def broadcast_server() -> Iterator[BroadcastServer]:
    """One that listens, to the end of the block."""
    with start_blocking_portal() as portal:
        server = BroadcastServer(portal)
        server.start()
        try:
            yield server
        finally:
            server.release()
            server.stop()
