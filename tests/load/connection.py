"""HTTP/1.1 client for load generators: keep-alive connections, microseconds per request."""

import asyncio
import time
from typing import NamedTuple, cast

import msgspec
from httptools import HttpResponseParser

_TIMEOUT_S = 10.0
_IDLE_S = 3.0
"""Shorter than the keep-alive timeout of the service."""


class _Data(msgspec.Struct):
    version: int = 0


class _Body(msgspec.Struct):
    data: _Data


class Response(NamedTuple):
    """An HTTP response."""

    status: int
    body: bytes

    @property
    def version(self) -> int:
        """The session's version in the body. Raises `MsgspecError` if the body has none."""
        return msgspec.json.decode(self.body, type=_Body).data.version


def request(method: str, path: str, body: bytes = b"", *, if_match: int | None = None) -> bytes:
    """Return the bytes of an HTTP request."""
    lines = [f"{method} {path} HTTP/1.1", "host: localhost", f"content-length: {len(body)}"]
    if body:
        lines.append("content-type: application/json")
    if if_match is not None:
        lines.append(f'if-match: "{if_match}"')
    return "\r\n".join([*lines, "", ""]).encode() + body


class Connection(asyncio.Protocol):
    """A keep-alive connection that sends one request at a time."""

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._pieces: list[bytes] = []
        self._pending: asyncio.Future[Response] | None = None
        self._used_at = time.monotonic()

    @property
    def is_fresh(self) -> bool:
        """Whether it is open and was used recently, so that the server won't close it now."""
        is_open = self._transport is not None and not self._transport.is_closing()
        return is_open and time.monotonic() - self._used_at < _IDLE_S

    async def send(self, request: bytes) -> Response:
        """Send a request; return the response.

        Raises `OSError` if the connection is lost, `TimeoutError` after 10 s without a response.
        """
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError
        self._pending = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        async with asyncio.timeout(_TIMEOUT_S):
            response = await self._pending
        self._used_at = time.monotonic()
        return response

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the pending request."""
        if self._pending is not None and not self._pending.done():
            self._pending.set_exception(exc or ConnectionResetError())

    def data_received(self, data: bytes) -> None:
        """Feed the parser."""
        self._parser.feed_data(data)

    def on_body(self, piece: bytes) -> None:
        """Collect a part of the body (called by the parser)."""
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """Complete the pending request (called by the parser)."""
        body, self._pieces = b"".join(self._pieces), []
        if self._pending is not None and not self._pending.done():
            self._pending.set_result(Response(self._parser.get_status_code(), body))


class Pool:
    """Connections to one instance. Opens another if all are busy, so that no request queues."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: list[Connection] = []

    async def send(self, request: bytes) -> Response:
        """Send a request on a free connection; return the response.

        Raises `OSError` if the connection is lost, `TimeoutError` after 10 s without a response.
        """
        connection = self._idle() or await self._open()
        try:
            response = await connection.send(request)
        except BaseException:
            connection.close()
            raise
        self._free.append(connection)
        return response

    def close(self) -> None:
        """Close all free connections."""
        for connection in self._free:
            connection.close()

    def _idle(self) -> Connection | None:
        while self._free:
            connection = self._free.pop()
            if connection.is_fresh:
                return connection
            connection.close()
        return None

    async def _open(self) -> Connection:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(_TIMEOUT_S):
            _, connection = await loop.create_connection(Connection, "127.0.0.1", self._port)
        return connection
