"""Clients that speak HTTP by hand, for what no library would send."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

from infra.local.instance import Instance

TIMEOUT_S = 12.0
_BETWEEN_DROPS_S = 0.05


@dataclass(frozen=True, slots=True)
class ConnectionEnd:
    """How a connection ended: what came before, and how long that took."""

    received: bytes
    after_s: float

    @property
    def status(self) -> int:
        """The status of the last answer."""
        return int(self.received.rpartition(b"HTTP/1.1 ")[2][:3])

    @property
    def body(self) -> Any:
        """The body of the last answer."""
        return json.loads(self.received.rpartition(b"\r\n\r\n")[2])


class RawConnection:
    """One connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._began = monotonic()

    async def send(self, data: bytes) -> None:
        """Send `data`, if there is still somebody to send it to."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError:
            return

    async def drip(self, data: bytes) -> ConnectionEnd:
        """Send `data` byte by byte until the other side closes."""

        async def send_drops() -> None:
            for byte in data:
                await self.send(bytes([byte]))
                await asyncio.sleep(_BETWEEN_DROPS_S)

        sending = asyncio.create_task(send_drops())
        try:
            return await self.end()
        finally:
            sending.cancel()

    async def answer(self) -> bytes:
        """The head of the next answer."""
        return await self.until(b"\r\n\r\n")

    async def until(self, mark: bytes) -> bytes:
        """What comes, up to and with `mark`."""
        async with asyncio.timeout(TIMEOUT_S):
            return await self._reader.readuntil(mark)

    async def end(self, sip: int = 65_536, every_s: float = 0.0) -> ConnectionEnd:
        """What comes until the other side closes, taken in sips."""
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
    """A fresh connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", instance.port)
    try:
        yield RawConnection(reader, writer)
    finally:
        writer.transport.abort()


def request_head(method: str, path: str, **headers: str) -> bytes:
    """The head of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()
