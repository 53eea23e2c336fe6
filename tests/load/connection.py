"""HTTP/1.1 for those who send much: keep-alive connections that cost microseconds a request."""

import asyncio
import time
from typing import NamedTuple, cast

import msgspec
from httptools import HttpResponseParser

_PATIENCE_S = 10.0
_IDLE_S = 3.0
"""Sooner than any server ends an idle connection."""


class _Data(msgspec.Struct):
    version: int = 0


class _Body(msgspec.Struct):
    data: _Data


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: bytes

    @property
    def version(self) -> int:
        """The version of the session that it speaks of. Raises `MsgspecError` if it doesn't."""
        return msgspec.json.decode(self.body, type=_Body).data.version


def request(method: str, path: str, body: bytes = b"", *, if_match: int | None = None) -> bytes:
    """A request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "host: localhost", f"content-length: {len(body)}"]
    if body:
        lines.append("content-type: application/json")
    if if_match is not None:
        lines.append(f'if-match: "{if_match}"')
    return "\r\n".join([*lines, "", ""]).encode() + body


class Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._pieces: list[bytes] = []
        self._answer: asyncio.Future[Answer] | None = None
        self._used_at = time.monotonic()

    @property
    def is_fresh(self) -> bool:
        """Whether it is open, and not about to be ended for having been idle."""
        is_open = self._transport is not None and not self._transport.is_closing()
        return is_open and time.monotonic() - self._used_at < _IDLE_S

    async def send(self, request: bytes) -> Answer:
        """Raises `OSError` when the connection breaks, `TimeoutError` when nothing comes."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        async with asyncio.timeout(_PATIENCE_S):
            answer = await self._answer
        self._used_at = time.monotonic()
        return answer

    def close(self) -> None:
        """End it."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits waits in vain."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError())

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._parser.feed_data(data)

    def on_body(self, piece: bytes) -> None:
        """The parser has some of the body."""
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """The parser has the whole answer."""
        body, self._pieces = b"".join(self._pieces), []
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Answer(self._parser.get_status_code(), body))


class Pool:
    """Connections to one instance: where none is free one more is opened, so nobody queues."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: list[Connection] = []
        self.most = 0
        self._busy = 0

    async def send(self, request: bytes) -> Answer:
        """Raises `OSError` when the connection breaks, `TimeoutError` when nothing comes."""
        self._busy += 1
        self.most = max(self.most, self._busy)
        try:
            connection = self._idle() or await self._open()
            try:
                answer = await connection.send(request)
            except BaseException:
                connection.close()
                raise
            self._free.append(connection)
            return answer
        finally:
            self._busy -= 1

    def close(self) -> None:
        """End all that are free."""
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
        async with asyncio.timeout(_PATIENCE_S):
            _, connection = await loop.create_connection(Connection, "127.0.0.1", self._port)
        return connection
