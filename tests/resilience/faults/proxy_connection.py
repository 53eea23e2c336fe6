"""One connection through a proxy."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress

from tests.resilience.faults.faults import STRANDED, Fault, Loss, Traffic, Way
from tests.resilience.faults.reply_drop import Ambush

_CHUNK = 65_536
_LONGEST_MARKER = 256
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER of no time: RST in place of FIN

Passing = Callable[["Link", Way, bytes], Awaitable[bool]]
"""Lets time pass, or the connection die, before data goes on; False if it shall not."""


class Link:
    """A client, a server, and what is known of their conversation."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.own_fault: Fault | None = None
        """What went wrong with this connection alone; it never ends."""
        self.ambush: Ambush | None = None
        """Waits for the next reply."""
        self._client = client
        self._server = server
        self._traffic = {Traffic.ALL}
        self._last_words = b""

    def hears(self, data: bytes, marker: bytes) -> bool:
        """Whether `data`, with what the client said before it, completes a `marker`."""
        return marker in self._last_words[1 - len(marker) :] + data

    def note(self, data: bytes) -> None:
        """Remember the end of what the client said: a marker may come in two pieces."""
        self._traffic |= {kind for kind in Traffic if self.hears(data, kind.value)}
        self._last_words = (self._last_words + data)[-_LONGEST_MARKER:]

    def suffers(self, fault: Fault) -> bool:
        """Whether `fault` is for such connections."""
        return fault.of in self._traffic

    async def carry(
        self, client: asyncio.StreamReader, server: asyncio.StreamReader, passing: Passing
    ) -> None:
        """Carry data both ways until either side has had enough."""
        ways = (
            self._pass(Way.THERE, client, self._server, passing),
            self._pass(Way.BACK, server, self._client, passing),
        )
        try:
            await asyncio.gather(*ways)
        finally:
            for writer in (self._client, self._server):
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()

    def reset(self) -> None:
        """Let both sides know at once that the connection is gone."""
        for writer in (self._client, self._server):
            sock = writer.get_extra_info("socket")
            with suppress(OSError):  # it may be closed already
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()

    async def lose_reply(self, ambush: Ambush) -> None:
        """Keep a reply from the client."""
        ambush.struck.set()
        if ambush.loss is Loss.RESET:
            self.reset()
        else:
            self.own_fault = STRANDED
            await asyncio.Event().wait()

    async def _pass(
        self, way: Way, source: asyncio.StreamReader, sink: asyncio.StreamWriter, passing: Passing
    ) -> None:
        with suppress(ConnectionError):
            while await passing(self, way, data := await source.read(_CHUNK)):
                if not data:  # the end passes as everything before it
                    sink.close()
                    return
                sink.write(data)
                await sink.drain()
