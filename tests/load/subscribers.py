"""Many sockets in one process: the least that a client of the contract can be."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection as Pipe
from typing import cast

import msgspec
import uvloop
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from tests.load.attendance import Attendance, Seat, push_key
from tests.load.failure import LoadFailed

_OPENING_AT_ONCE = 50
_OPEN_TIMEOUT_S = 30.0
_LAST_PUSH_TIMEOUT_S = 10.0


class _State(msgspec.Struct):
    version: int


class _Message(msgspec.Struct):
    type: str
    state: _State | None = None


_decode = msgspec.json.Decoder(_Message).decode


def attend(pipe: Pipe, seats: Sequence[Seat]) -> Attendance:
    """Open a socket for each seat and listen, until told which versions were the last."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_Hall().attend(pipe, seats))


class _Hall:
    """All sockets of this process."""

    def __init__(self) -> None:
        self.attendance = Attendance()
        self.last: Mapping[int, int] = {}
        self.is_over = asyncio.Event()
        self._behind: set[_Socket] = set()

    async def attend(self, pipe: Pipe, seats: Sequence[Seat]) -> Attendance:
        sockets = await self._open(pipe, seats)
        self.last = await asyncio.to_thread(pipe.recv)
        self._behind = {s for s in sockets if s.is_behind and not s.is_lost}
        if self._behind:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_PUSH_TIMEOUT_S):
                    await self.is_over.wait()
        for socket in sockets:
            never_came = self.last[socket.seat.session] - socket.version
            self.attendance.missed += max(0, never_came)
        for socket in sockets:
            socket.leave()
        return self.attendance

    def done_with(self, socket: "_Socket") -> None:
        """One less to wait for: it has everything, or will get nothing more."""
        self._behind.discard(socket)
        if self.last and not self._behind:
            self.is_over.set()

    async def _open(self, pipe: Pipe, seats: Sequence[Seat]) -> "list[_Socket]":
        sockets, left = list[_Socket](), iter(seats)

        async def work() -> None:
            for seat in left:
                socket = await _opened(self, seat)
                sockets.append(socket)
                if len(sockets) % 20 == 0 or len(sockets) == len(seats):
                    pipe.send(len(sockets))

        await asyncio.gather(*(work() for _ in range(_OPENING_AT_ONCE)))
        return sockets


class _Socket(asyncio.Protocol):
    """One subscriber: it is told the present version first, and then each that follows."""

    def __init__(self, hall: _Hall, seat: Seat) -> None:
        self.seat = seat
        self.version = 0
        self.told = "nothing"
        self.is_lost = False
        self.is_ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._hall = hall
        self._is_leaving = False
        url = f"ws://127.0.0.1:{seat.port}/ws?sessionId={seat.session_id}&sync=1"
        self._protocol = ClientProtocol(parse_uri(url), max_size=None)
        self._transport: asyncio.Transport

    @property
    def is_behind(self) -> bool:
        """Whether a version is still to come."""
        return self.version < self._hall.last.get(self.seat.session, 0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands."""
        self._transport = cast(asyncio.Transport, transport)
        self._protocol.send_request(self._protocol.connect())
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Take every message in it, and answer pings."""
        at_s = time.monotonic()
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._hear(_decode(event.data), at_s)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody should have ended it but we."""
        if not self._is_leaving:
            self.is_lost = True
            self._hall.attendance.lost += 1
            self._hall.done_with(self)
        if not self.is_ready.done():
            self.is_ready.set_exception(exc or ConnectionResetError("a socket was refused"))

    def leave(self) -> None:
        """End it."""
        self._is_leaving = True
        self._transport.abort()

    def _flush(self) -> None:
        for piece in self._protocol.data_to_send():
            if piece:
                self._transport.write(piece)

    def _hear(self, message: _Message, at_s: float) -> None:
        self.told = message.type
        if message.state is None:
            return
        version, had = message.state.version, self.version
        self.version = max(version, had)
        if not self.is_ready.done():
            self._begin(message)
            return
        attendance = self._hall.attendance
        if message.type == "STATE_UPDATE":
            attendance.heard_s.append(at_s)
            attendance.pushes.append(push_key(self.seat.session, version))
            attendance.repeated += version <= had
            attendance.missed += max(0, version - had - 1)
        else:  # a state in place of pushes
            attendance.missed += max(0, version - had)
        if not self.is_behind:
            self._hall.done_with(self)

    def _begin(self, message: _Message) -> None:
        if message.type == "STATE_SYNC":
            self.is_ready.set_result(None)


async def _opened(hall: _Hall, seat: Seat) -> _Socket:
    """A socket that has its state. Raises `LoadFailed` when that doesn't come."""
    socket, loop = _Socket(hall, seat), asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_OPEN_TIMEOUT_S):
            await loop.create_connection(lambda: socket, "127.0.0.1", seat.port)
            await socket.is_ready
    except TimeoutError:
        reason = f"{_OPEN_TIMEOUT_S:g} s after it was opened a socket was told {socket.told} last"
        raise LoadFailed(reason) from None
    return socket
