"""A receiver of webhooks: a real HTTP server that answers as a test says, and keeps requests."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

TIMEOUT_S = 30.0
HANG = -1
"""Instead of a status: read the request, and never answer."""


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request: its header fields, with names in lower case, and its body."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body, decoded."""
        return dict(msgspec.json.decode(self.body))


@dataclass
class WebhookReceiver:
    """Answers each request with the next of `statuses`, and with 204 when none is left.

    A status of a redirect points to the metadata service of clouds.
    """

    port: int = 0
    statuses: list[int] = field(default_factory=list)
    requests: list[ReceivedRequest] = field(default_factory=list)
    most_at_once: int = 0
    _at_once: int = 0
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        """The URL to register."""
        return f"http://127.0.0.1:{self.port}/hooks"

    async def received(self, count: int) -> list[ReceivedRequest]:
        """Wait until `count` requests have arrived, and return them."""
        async with asyncio.timeout(TIMEOUT_S), self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) >= count)
            return self.requests[:count]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, which has one request."""
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._at_once -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (x.partition(": ") for x in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        status = self.statuses.pop(0) if self.statuses else 204
        async with self._arrived:
            self.requests.append(ReceivedRequest(first.split(" ")[1], headers, body))
            self._arrived.notify_all()
        if status == HANG:
            await reader.read()  # until the client closes the connection
            return
        to = "location: http://169.254.169.254/latest/\r\n" if 300 <= status < 400 else ""
        writer.write(f"HTTP/1.1 {status} X\r\n{to}content-length: 0\r\n\r\n".encode())
        await writer.drain()


@asynccontextmanager
async def webhook_receiver(
    statuses: Iterable[int] = (), tls: ssl.SSLContext | None = None
) -> AsyncIterator[WebhookReceiver]:
    """Run a receiver on this machine within the block."""
    receiver = WebhookReceiver(statuses=list(statuses))
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    async with server:
        yield receiver
