"""WebSocket connections: what comes is taken in no faster than it can be dealt with."""

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN

from functions.connections.watched import Watched

_SLICE: Final = 512
"""Bytes that are read at once: a frame has at least six, and each is an object or two."""
_UNREAD_BYTES: Final = 16_384
"""What may wait for the client to read: one push, if it is large."""
_NO_HANDSHAKE: Final = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n"
_FAREWELL_S: Final = 1.0
"""How long a client may take to answer the end of its connection when the server stops."""
_BURST: Final = 1024
_FRAMES_KEPT: Final = 16
_FRAMES_PER_S: Final = 20
"""What a client may send for long; a client of ours sends one frame in ten seconds."""

SENDS_NOW: Final = "synckairos.sends_now"
"""Names an extension of the ASGI scope; its `send` is `SocketConnection.sends_now`."""


class SocketConnection(Watched, WebSocketsSansIOProtocol):
    """uvicorn's, which by itself reads on while its answers pile up, and all there is at once.

    A client that sends too much is not refused: it is read more slowly, and the others first.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Begin, with a handshake that is still to come."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(_UNREAD_BYTES)
        self._waiting = bytearray()
        self._frames_left = float(_BURST)
        self._counted_at = self.loop.time()
        self._rest: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what was not read."""
        self._waiting.clear()
        self._wake()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read it now, or as soon as everything before it is done with."""
        self._waiting += data
        self._read()

    def shutdown(self) -> None:
        """Leave the last word to whom we speak for: it comes behind what is still to be said."""
        if self.close_sent or not self.handshake_complete:
            super().shutdown()
            return
        self.stop_keepalive()
        self.close_timeout = _FAREWELL_S

    def resume_writing(self) -> None:
        """There is room for answers again, so go on reading."""
        super().resume_writing()
        self._read()

    async def send(self, message: ASGISendEvent) -> None:
        """Send a message, as soon as there is room: a client that makes none is cut off.

        Raises `ClientDisconnected`, also once we have closed for want of an answer to a ping.
        """
        text = message.get("text")
        if text is None:
            await super().send(message)
            return
        await self.writable.wait()
        if not self._is_open:
            raise ClientDisconnected
        self.transport.write(_frame_of(text))

    def sends_now(self, text: str) -> bool:
        """Send a message if there is room for it; returns whether there was. It never waits."""
        if self.transport.is_closing() or not (self.writable.is_set() and self._is_open):
            return False
        try:
            self.transport.write(_frame_of(text))
        except RuntimeError:  # uvloop, where it was reset and that isn't said yet
            return False
        return True

    async def receive(self) -> ASGIReceiveEvent:
        """The next message; whoever sends many lets the others have their turn between them."""
        message = await super().receive()
        self._read()
        await asyncio.sleep(0)
        return message

    def handle_connect(self, event: Request) -> None:
        """Begin the handshake, and offer the application `sends_now`."""
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["extensions"][SENDS_NOW] = {"send": self.sends_now}

    def handle_events(self) -> None:
        """Count what has come."""
        self._frames_left -= len(self.conn.events)
        super().handle_events()

    def send_receive_event_to_app(self) -> None:
        """Hand on a message, or end the connection of a client whose text isn't UTF-8.

        RFC 6455 section 8.1: such a connection must fail, and code 1007 says why (section 7.4.1).
        """
        if self.curr_msg_data_type == "text" and not _is_utf8(self.frames):
            self.frames = []
            if not self.close_sent:
                self.conn.fail(CloseCode.INVALID_DATA, "A text message must be UTF-8")
                self.handle_parser_exception()
            return
        super().send_receive_event_to_app()

    def _give_up(self) -> None:
        if self.handshake_complete:
            self._due = None
        else:
            self._cut_off()

    @property
    def _is_open(self) -> bool:
        return (
            self.handshake_complete
            and not self.disconnected
            and not self.close_sent
            and self.conn.state is OPEN
        )

    @property
    def _is_busy(self) -> bool:
        """Whether something that came is still to be dealt with, or answers are stuck."""
        return self.read_paused or self._rest is not None or not self.writable.is_set()

    def _read(self) -> None:
        while self._waiting and not self._is_busy and not self.transport.is_closing():
            piece = bytes(self._waiting[:_SLICE])
            del self._waiting[:_SLICE]
            super().data_received(piece)
            if self.conn.handshake_exc:
                # uvicorn looks at no such thing, and the client would wait for its answer.
                self.transport.write(_NO_HANDSHAKE)
                self.transport.close()
            self._count()
        if self.transport.is_closing():
            return
        if self._is_busy:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _count(self) -> None:
        """Rest if there were more frames than there may be."""
        if self._frames_left >= 0:
            return
        now = self.loop.time()
        earned = (now - self._counted_at) * _FRAMES_PER_S
        self._frames_left = min(self._frames_left + earned, float(_BURST))
        self._counted_at = now
        if self._frames_left < 0:
            self._rest = self.loop.call_later(-self._frames_left / _FRAMES_PER_S, self._go_on)

    def _go_on(self) -> None:
        self._wake()
        self._read()

    def _wake(self) -> None:
        if self._rest:
            self._rest.cancel()
            self._rest = None


def _is_utf8(frames: Sequence[bytes]) -> bool:
    """Whether the frames of one message are UTF-8 together."""
    try:
        b"".join(frames).decode()
    except UnicodeDecodeError:
        return False
    return True


@lru_cache(_FRAMES_KEPT)
def _frame_of(text: str) -> bytes:
    """Made once for all who are sent the same."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)
