"""Timeouts for slow clients, independent of the protocol."""

import asyncio
import socket
import struct
from abc import abstractmethod

_UNSENT_BYTES = 65_536
"""Unsent bytes that the kernel may buffer for one client."""

_NO_LINGER = struct.pack("ii", 1, 0)
"""`SO_LINGER` of 0 s: closing discards unsent data and resets the connection."""


class TimeoutProtocol(asyncio.Protocol):
    """A connection that is closed after its client was late by `timeout_s`.

    One timer checks it periodically, which is cheaper than a timer per request. A full write buffer
    starts a second timer; this is rare, because it needs a client that doesn't read.
    """

    timeout_s = 10.0
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport

    _due: float | None
    """The client's deadline, by the loop's clock (s); None while the server has to act."""
    _check_timer: asyncio.TimerHandle
    _write_timer: asyncio.TimerHandle | None = None
    _missed: float | None = None
    _is_closing = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Limit the kernel's buffer and start the client's timeout."""
        super().connection_made(transport)
        _limit_kernel_buffer(transport)
        self._due = self.loop.time() + self.timeout_s
        self._check_timer = self.loop.call_at(self._due, self._check)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers."""
        self._unwatch()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Start the write timeout, because the client doesn't read."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(self.timeout_s, self._cut_off)

    def resume_writing(self) -> None:
        """Stop the write timeout, because the client has read."""
        super().resume_writing()
        self._stop_write_timer()

    @abstractmethod
    def _give_up(self) -> None:
        """Close the connection of a client that was too slow."""

    def _cut_off(self) -> None:
        """Reset the connection; otherwise the kernel would keep trying to send the unsent bytes."""
        tcp = self.transport.get_extra_info("socket")
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()

    def _check(self) -> None:
        now = self.loop.time()
        next_check = now + self.timeout_s
        if self.transport.is_closing():
            # The server has closed it; the client gets one more period to read the last bytes.
            if self._is_closing:
                self._cut_off()
                return
            self._is_closing = True
        elif self._due is not None and self._due > now:
            next_check = self._due
        elif self._is_late():
            self._give_up()
        elif self._due is not None:
            next_check = now + self.timeout_s / 10
        self._check_timer = self.loop.call_at(next_check, self._check)

    def _is_late(self) -> bool:
        """Return whether two checks in a row found the same deadline missed.

        After the first one, data that arrived in time may still be unread in the socket.
        """
        missed_before, self._missed = self._missed, self._due
        return self._due is not None and self._due == missed_before

    def _unwatch(self) -> None:
        self._check_timer.cancel()
        self._stop_write_timer()

    def _stop_write_timer(self) -> None:
        if self._write_timer:
            self._write_timer.cancel()
            self._write_timer = None


def _limit_kernel_buffer(transport: asyncio.Transport) -> None:
    """Limit the unsent bytes in the kernel, which buffers megabytes per client by default."""
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        tcp = transport.get_extra_info("socket")
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
