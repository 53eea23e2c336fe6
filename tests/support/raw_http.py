"""Raw HTTP over a socket, for requests that no client library would send."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

from infra.local.instance import Instance

TIMEOUT_S = 30.0
_BETWEEN_BYTES_S = 0.05


@dataclass(frozen=True, slots=True)
class ConnectionEnd:
    """The bytes received until the server closed the connection, and the time taken in s."""

    received: bytes
    after_s: float

    @property
    def status(self) -> int:
        """Status of the last answer."""
        return int(self.received.rpartition(b"HTTP/1.1 ")[2][:3])

    @property
    def body(self) -> Any:
        """Parsed body of the last answer."""
        return json.loads(self.received.rpartition(b"\r\n\r\n")[2])


class RawConnection:
    """A connection on which a test sends and receives bytes itself."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._began = monotonic()

    async def send(self, data: bytes) -> None:
        """Send `data`; do nothing if the server has closed the connection."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError:
            return

    async def drip(self, data: bytes) -> ConnectionEnd:
        """Send `data` one byte every 50 ms until the server closes the connection."""

        async def send_bytes() -> None:
            for byte in data:
                await self.send(bytes([byte]))
                await asyncio.sleep(_BETWEEN_BYTES_S)

        sending = asyncio.create_task(send_bytes())
        try:
            return await self.end()
        finally:
            sending.cancel()

    async def answer(self) -> bytes:
        """Return the head of the next answer."""
        return await self.until(b"\r\n\r\n")

    async def until(self, mark: bytes) -> bytes:
        """Return the received bytes up to and including `mark`."""
        async with asyncio.timeout(TIMEOUT_S):
            return await self._reader.readuntil(mark)

    async def end(self, sip: int = 65_536, every_s: float = 0.0) -> ConnectionEnd:
        """Read `sip` bytes at most every `every_s` seconds until the server closes."""
        received = bytearray()
        async with asyncio.timeout(TIMEOUT_S):
            try:
                while piece := await self._reader.read(sip):
                    received += piece
                    await asyncio.sleep(every_s)
            except ConnectionResetError:
                pass
        return ConnectionEnd(bytes(received), monotonic() - self._began)


@asynccontextmanager
async def raw_connection(instance: Instance) -> AsyncIterator[RawConnection]:
    """Open a connection; abort it at the end of the block."""
    reader, writer = await asyncio.open_connection("127.0.0.1", instance.port)
    try:
        yield RawConnection(reader, writer)
    finally:
        writer.transport.abort()


def request_head(method: str, path: str, **headers: str) -> bytes:
    """Return the head of a request; `_` in a header's name stands for `-`."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()
