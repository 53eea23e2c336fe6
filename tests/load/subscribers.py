"""Many WebSocket subscribers in one process; each is a minimal client of the push protocol."""

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

from tests.load.attendance import SubscriberResults, Subscription, push_key
from tests.load.failure import LoadFailed

_OPENING_AT_ONCE = 50
_OPEN_TIMEOUT_S = 30.0
_LAST_PUSH_TIMEOUT_S = 10.0


class _State(msgspec.Struct):
    version: int


class _Message(msgspec.Struct):
    type: str
    state: _State | None = None
    version: int | None = None
    """That of a difference, or of the newest state in a `PONG`."""


_decode = msgspec.json.Decoder(_Message).decode


def subscribe(pipe: Pipe, subscriptions: Sequence[Subscription]) -> SubscriberResults:
    """Open the sockets; receive until all have the last versions, which come from `pipe`."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_SubscriberGroup().subscribe(pipe, subscriptions))


class _SubscriberGroup:
    """All subscribers of this process."""

    def __init__(self) -> None:
        self.results = SubscriberResults()
        self.last_versions: Mapping[int, int] = {}
        self.is_over = asyncio.Event()
        self._behind: set[_Subscriber] = set()

    async def subscribe(
        self, pipe: Pipe, subscriptions: Sequence[Subscription]
    ) -> SubscriberResults:
        sockets = await self._open(pipe, subscriptions)
        self.last_versions = await asyncio.to_thread(pipe.recv)
        self._behind = {s for s in sockets if s.is_behind and not s.should_drop}
        if self._behind:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_PUSH_TIMEOUT_S):
                    await self.is_over.wait()
        for socket in sockets:
            missing = self.last_versions[socket.subscription.session] - socket.version
            self.results.missed += max(0, missing)
        for socket in sockets:
            socket.close()
        return self.results

    def mark_done(self, socket: "_Subscriber") -> None:
        """Stop waiting for a socket: it has all versions, or was lost."""
        self._behind.discard(socket)
        if self.last_versions and not self._behind:
            self.is_over.set()

    async def _open(self, pipe: Pipe, subscriptions: Sequence[Subscription]) -> "list[_Subscriber]":
        sockets, left = list[_Subscriber](), iter(subscriptions)

        async def work() -> None:
            for subscription in left:
                socket = await _open_subscriber(self, subscription)
                sockets.append(socket)
                if len(sockets) % 20 == 0 or len(sockets) == len(subscriptions):
                    pipe.send(len(sockets))

        await asyncio.gather(*(work() for _ in range(_OPENING_AT_ONCE)))
        return sockets


class _Subscriber(asyncio.Protocol):
    """A subscriber of a session: it gets the current state first, then each later version."""

    def __init__(self, group: _SubscriberGroup, subscription: Subscription) -> None:
        self.subscription = subscription
        self.version = 0
        self.last_type = "none"
        self.should_drop = False
        self.is_ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._group = group
        self._is_closing = False
        url = f"ws://127.0.0.1:{subscription.port}/ws?sessionId={subscription.session_id}&sync=1"
        url += "&differences=1" if subscription.differences else ""
        self._protocol = ClientProtocol(parse_uri(url), max_size=None)
        self._transport: asyncio.Transport

    @property
    def is_behind(self) -> bool:
        """Whether the session's last version has not been received."""
        return self.version < self._group.last_versions.get(self.subscription.session, 0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the WebSocket handshake."""
        self._transport = cast(asyncio.Transport, transport)
        self._protocol.send_request(self._protocol.connect())
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Process messages, and answer pings."""
        at_s = time.monotonic()
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._receive(_decode(event.data), len(event.data), at_s)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count the socket as lost unless this client closed it."""
        if not self._is_closing:
            self.should_drop = True
            self._group.results.lost += 1
            self._group.mark_done(self)
        if not self.is_ready.done():
            self.is_ready.set_exception(exc or ConnectionResetError("the server refused a socket"))

    def close(self) -> None:
        """Close the socket."""
        self._is_closing = True
        self._transport.abort()

    def _flush(self) -> None:
        for piece in self._protocol.data_to_send():
            if piece:
                self._transport.write(piece)

    def _receive(self, message: _Message, size: int, at_s: float) -> None:
        self.last_type = message.type
        is_difference = message.type == "STATE_UPDATE" and message.state is None
        if message.state is None and not is_difference:
            return
        version = message.state.version if message.state else message.version or 0
        previous = self.version
        self.version = max(version, previous)
        if not self.is_ready.done():
            self._note_first_state(message)
            return
        results = self._group.results
        if message.type == "STATE_UPDATE":
            results.received_s.append(at_s)
            results.differences += is_difference
            results.difference_bytes += size * is_difference
            results.state_bytes += size * (not is_difference)
            results.push_keys.append(push_key(self.subscription.session, version))
            results.repeated += version <= previous
            results.missed += max(0, version - previous - 1)
        else:  # a state that replaces missed pushes
            results.missed += max(0, version - previous)
        if not self.is_behind:
            self._group.mark_done(self)

    def _note_first_state(self, message: _Message) -> None:
        if message.type == "STATE_SYNC":
            self.is_ready.set_result(None)


async def _open_subscriber(group: _SubscriberGroup, subscription: Subscription) -> _Subscriber:
    """Open a socket and wait for its first state. Raises `LoadFailed` if none comes in time."""
    socket, loop = _Subscriber(group, subscription), asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_OPEN_TIMEOUT_S):
            await loop.create_connection(lambda: socket, "127.0.0.1", subscription.port)
            await socket.is_ready
    except TimeoutError:
        reason = (
            f"A socket got no STATE_SYNC in {_OPEN_TIMEOUT_S:g} s; last message: {socket.last_type}"
        )
        raise LoadFailed(reason) from None
    return socket
