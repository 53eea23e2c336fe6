"""What a client has a limited time for, whatever protocol it speaks."""

import asyncio
import socket
import struct
from abc import abstractmethod

_UNSENT_BYTES = 65_536
"""How much of what is not even on its way the kernel may hold for one client."""

_AT_ONCE = struct.pack("ii", 1, 0)
"""To linger for no time: closing drops what was not read, and tells the client so by a reset."""


class Watched(asyncio.Protocol):
    """A connection that ends when its client has kept it waiting for `timeout_s`.

    One timer looks in on it now and then, so that no request pays for a timer of its own. Waiting
    for room to write has one, for that is rare: a client that reads never lets it come so far.
    """

    timeout_s = 10.0
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport

    _due: float | None
    """When the client must have done what it has begun, on the loop's clock; None: our turn."""
    _watch: asyncio.TimerHandle
    _stall: asyncio.TimerHandle | None = None
    _late_for: float | None = None
    _is_leaving = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Begin with the client's turn."""
        super().connection_made(transport)
        _bound_buffer(transport)
        self._due = self.loop.time() + self.timeout_s
        self._watch = self.loop.call_at(self._due, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Look no more."""
        self._unwatch()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client leaves unread what it was sent: see that it doesn't do so for ever."""
        super().pause_writing()
        self._stall = self.loop.call_later(self.timeout_s, self._cut_off)

    def resume_writing(self) -> None:
        """It has caught up."""
        super().resume_writing()
        self._end_stall()

    @abstractmethod
    def _give_up(self) -> None:
        """Close the connection of a client that was too slow."""

    def _cut_off(self) -> None:
        """Close now; else the kernel would go on trying to bring the client its bytes."""
        tcp = self.transport.get_extra_info("socket")
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self.transport.abort()

    def _look(self) -> None:
        now = self.loop.time()
        following = now + self.timeout_s
        if self.transport.is_closing():
            # Closed by us, but the client may leave the last bytes unread; it had time enough.
            if self._is_leaving:
                self._cut_off()
                return
            self._is_leaving = True
        elif self._due is not None and self._due > now:
            following = self._due
        elif self._is_late():
            self._give_up()
        elif self._due is not None:
            following = now + self.timeout_s / 10
        self._watch = self.loop.call_at(following, self._look)

    def _is_late(self) -> bool:
        """Whether the client is, twice over: what it sent in time may lie before us unread."""
        was_late_for, self._late_for = self._late_for, self._due
        return self._due is not None and self._due == was_late_for

    def _unwatch(self) -> None:
        self._watch.cancel()
        self._end_stall()

    def _end_stall(self) -> None:
        if self._stall:
            self._stall.cancel()
            self._stall = None


def _bound_buffer(transport: asyncio.Transport) -> None:
    """Let the kernel take no more than it can send soon: by itself it takes megabytes for each."""
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        tcp = transport.get_extra_info("socket")
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
