"""WebSocket connections with back-pressure and a limit on the frame rate of clients."""

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

from functions.container.connections.timeouts import TimeoutProtocol

_SLICE: Final = 512
"""Bytes parsed at once: a frame has at least six bytes, and becomes one or two objects."""
_WRITE_BUFFER_BYTES: Final = 16_384
"""Bytes that may wait for the client to read them: one large push."""
_NO_HANDSHAKE: Final = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n"
_CLOSE_TIMEOUT_S: Final = 1.0
"""Time for a client to answer the closing handshake when the server stops."""
_BURST: Final = 1024
_FRAMES_CACHED: Final = 16
_FRAMES_PER_S: Final = 20
"""Sustained frames per second that a client may send; SyncKairos's clients send one per 10 s."""

TRY_SEND_EXTENSION: Final = "synckairos.sends_now"
"""An extension of the ASGI scope; its `send` is `WebSocketConnection.try_send`."""


class WebSocketConnection(TimeoutProtocol, WebSocketsSansIOProtocol):
    """uvicorn's WebSocket connection, which stops reading while its write buffer is full.

    uvicorn alone reads everything at once. A client that sends too many frames isn't refused: its
    frames are read more slowly, after those of other clients.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Prepare the connection; the handshake follows."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(_WRITE_BUFFER_BYTES)
        self._unparsed = bytearray()
        self._frames_left = float(_BURST)
        self._refilled_at = self.loop.time()
        self._throttle: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Discard unparsed data."""
        self._unparsed.clear()
        self._stop_throttling()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse `data`, or buffer it while earlier data is being processed."""
        self._unparsed += data
        self._parse()

    def shutdown(self) -> None:
        """Let the application close an open connection, after the messages that it still sends."""
        if self.close_sent or not self.handshake_complete:
            super().shutdown()
            return
        self.stop_keepalive()
        self.close_timeout = _CLOSE_TIMEOUT_S

    def resume_writing(self) -> None:
        """Parse on, as the write buffer has room again."""
        super().resume_writing()
        self._parse()

    async def send(self, message: ASGISendEvent) -> None:
        """Send a message when the write buffer has room; `TimeoutProtocol` cuts off a client that
        is slow.

        Raises `ClientDisconnected`, also after a missing pong has closed the connection.
        """
        text = message.get("text")
        if text is None:
            await super().send(message)
            return
        await self.writable.wait()
        if not self._is_open:
            raise ClientDisconnected
        self.transport.write(_frame_of(text))

    def try_send(self, text: str) -> bool:
        """Send a message only if the write buffer has room; return whether it was sent."""
        if self.transport.is_closing() or not (self.writable.is_set() and self._is_open):
            return False
        try:
            self.transport.write(_frame_of(text))
        except RuntimeError:  # uvloop raises it after a reset, before `connection_lost` is called
            return False
        return True

    async def receive(self) -> ASGIReceiveEvent:
        """Return the next message, after a turn for other connections."""
        message = await super().receive()
        self._parse()
        await asyncio.sleep(0)
        return message

    def handle_connect(self, event: Request) -> None:
        """Begin the handshake, and pass `try_send` to the application."""
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["extensions"][TRY_SEND_EXTENSION] = {"send": self.try_send}

    def handle_events(self) -> None:
        """Count the frames that have arrived."""
        self._frames_left -= len(self.conn.events)
        super().handle_events()

    def send_receive_event_to_app(self) -> None:
        """Pass a message on, or fail the connection if its text isn't UTF-8.

        RFC 6455 section 8.1; the close code is 1007 (section 7.4.1).
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
        """Whether earlier messages are unprocessed, the client is throttled, or doesn't read."""
        return self.read_paused or self._throttle is not None or not self.writable.is_set()

    def _parse(self) -> None:
        while self._unparsed and not self._is_busy and not self.transport.is_closing():
            piece = bytes(self._unparsed[:_SLICE])
            del self._unparsed[:_SLICE]
            super().data_received(piece)
            if self.conn.handshake_exc:
                # uvicorn ignores a failed handshake, and the client would wait for an answer.
                self.transport.write(_NO_HANDSHAKE)
                self.transport.close()
            self._limit_rate()
        if self.transport.is_closing():
            return
        if self._is_busy:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _limit_rate(self) -> None:
        """Refill the token bucket of frames, and pause parsing while it is overdrawn."""
        if self._frames_left >= 0:
            return
        now = self.loop.time()
        refill = (now - self._refilled_at) * _FRAMES_PER_S
        self._frames_left = min(self._frames_left + refill, float(_BURST))
        self._refilled_at = now
        if self._frames_left < 0:
            delay_s = -self._frames_left / _FRAMES_PER_S
            self._throttle = self.loop.call_later(delay_s, self._resume_parsing)

    def _resume_parsing(self) -> None:
        self._stop_throttling()
        self._parse()

    def _stop_throttling(self) -> None:
        if self._throttle:
            self._throttle.cancel()
            self._throttle = None


def _is_utf8(frames: Sequence[bytes]) -> bool:
    try:
        b"".join(frames).decode()
    except UnicodeDecodeError:
        return False
    return True


@lru_cache(_FRAMES_CACHED)
def _frame_of(text: str) -> bytes:
    """Serialize a text frame, once for all clients that get the same text."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)
