"""One connection through a proxy."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress

from tests.support.fault_proxy.drops import ReplyDrop
from tests.support.fault_proxy.faults import BLACKHOLED, Direction, Fault, Loss, Traffic

_CHUNK = 65_536
_LONGEST_MARKER = 256
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER of no time: RST in place of FIN

BeforeForward = Callable[["ProxyConnection", Direction, bytes], Awaitable[bool]]
"""Called before data is forwarded; may wait or end the connection. False: don't forward it."""


class ProxyConnection:
    """A client's connection and the one to the server behind it."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.own_fault: Fault | None = None
        """A fault of this connection alone; it never ends."""
        self.reply_drop: ReplyDrop | None = None
        """Drops the next reply."""
        self._client = client
        self._server = server
        self._traffic = {Traffic.ALL}
        self._tail = b""

    def completes(self, data: bytes, marker: bytes) -> bool:
        """Return whether `data`, after the data sent by the client before, completes `marker`."""
        return marker in self._tail[1 - len(marker) :] + data

    def note(self, data: bytes) -> None:
        """Keep the end of the client's data: a marker may arrive in two chunks."""
        self._traffic |= {kind for kind in Traffic if self.completes(data, kind.value)}
        self._tail = (self._tail + data)[-_LONGEST_MARKER:]

    def is_affected_by(self, fault: Fault) -> bool:
        """Return whether `fault` affects this connection's kind of traffic."""
        return fault.affects in self._traffic

    async def forward(
        self,
        client: asyncio.StreamReader,
        server: asyncio.StreamReader,
        before_forward: BeforeForward,
    ) -> None:
        """Forward data in both directions until both have ended, then close both connections."""
        directions = (
            self._forward(Direction.TO_SERVER, client, self._server, before_forward),
            self._forward(Direction.TO_CLIENT, server, self._client, before_forward),
        )
        try:
            await asyncio.gather(*directions)
        finally:
            for writer in (self._client, self._server):
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()

    def reset(self) -> None:
        """Send RST to both sides."""
        for writer in (self._client, self._server):
            sock = writer.get_extra_info("socket")
            with suppress(OSError):  # it may be closed already
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()

    async def drop_reply(self, drop: ReplyDrop) -> None:
        """Drop a reply in the way that `drop` says; `Loss.SILENCE` never returns."""
        drop.dropped.set()
        if drop.loss is Loss.RESET:
            self.reset()
        else:
            self.own_fault = BLACKHOLED
            await asyncio.Event().wait()

    async def _forward(
        self,
        direction: Direction,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        before_forward: BeforeForward,
    ) -> None:
        with suppress(ConnectionError):
            while await before_forward(self, direction, data := await source.read(_CHUNK)):
                if not data:  # the end of the stream is forwarded like data
                    sink.close()
                    return
                sink.write(data)
                await sink.drain()
