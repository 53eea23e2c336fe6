"""One connection to one Redis server, shared by all callers of this instance.

Requests are pipelined: all requests of one event loop iteration are sent in one write. Replies
belong to requests in the order of sending (RESP answers in order).
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable
from typing import Any

from hiredis import Reader
from msgspec import Struct

from shared.store.connection import Reply
from shared.store.redis.address import ServerAddress
from shared.store.redis.timeouts import DEFAULT

_LONGEST_REPLY = 2
"""A reply may take this multiple of the timeout while other bytes keep coming."""

_GRACE_S = 0.02
"""Time to read bytes that have arrived already, before the connection is closed."""

_MOST_REQUESTS = 4096
_MOST_BYTES = 16 * 1024 * 1024
"""Most requests, and most bytes of requests, that may wait for replies."""


_numbers = itertools.count(1)


class ConnectionLost(ConnectionError):
    """The connection ended before the reply came."""


class _Request(Struct, eq=False):
    """Commands of `size` bytes together, and their `count` replies as they arrive."""

    future: "asyncio.Future[list[Reply]]"
    count: int
    size: int
    sent_at: float
    replies: list[Reply]


class PipelinedConnection(asyncio.Protocol):
    """A pipelined connection. Must be made and used in one event loop.

    The replies to a cancelled request are read and dropped. If no byte comes for `reply_timeout_s`
    while a reply is due, the connection is closed and all requests fail with `TimeoutError`. If the
    connection ends otherwise, they fail with `ConnectionLost`.
    """

    def __init__(self, reply_timeout_s: float = DEFAULT.reply_s) -> None:
        self._reply_timeout_s = reply_timeout_s
        self.endpoint = ServerAddress()
        """The server that it is connected to."""
        self.number = next(_numbers)
        """Unique among the connections of this process."""
        self.mode = "standalone"
        """The server's mode in its own words: `standalone`, `cluster` or `sentinel`."""
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        """Done once nothing can be sent any more."""
        self.hear: Callable[[Reply], None] | None = None
        """Called with each reply that no request waits for, such as a channel's message. If it is
        None, such a reply ends the connection."""
        self._socket_closed: asyncio.Future[None] = self._loop.create_future()
        self._reader = Reader()
        self._pending: deque[_Request] = deque()
        self._bytes = 0
        self._out: list[bytes] = []
        self._transport: Any = None
        self._is_retiring = False
        self._heard_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._overdue: _Request | None = None
        self._queue = asyncio.Lock()
        self._waiting = 0
        """Number of callers that wait for room."""
        self._freed: asyncio.Future[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether requests can be sent."""
        return not self.ended.done()

    @property
    def heard_at(self) -> float:
        """Time of the last incoming bytes, by the event loop's clock, in s."""
        return self._heard_at

    def has_room(self, size: int) -> bool:
        """Whether a request of `size` bytes can be sent now, within the limits on waiting ones."""
        return not self._waiting and self._fits(size)

    async def room(self, size: int) -> None:
        """Wait, first come, first served, for room for `size` bytes or the connection's end.

        Raises `TimeoutError` after `reply_timeout_s`.
        """
        self._waiting += 1
        try:
            async with asyncio.timeout(self._reply_timeout_s), self._queue:
                while self.is_open and not self._fits(size):
                    self._freed = self._loop.create_future()
                    await self._freed
        finally:
            self._waiting -= 1

    def send(self, data: bytes, count: int) -> "asyncio.Future[list[Reply]]":
        """Send packed commands; returns a future of their `count` replies.

        Error replies are included, as `hiredis.ReplyError`. Raises `ConnectionLost` if the
        connection has ended.
        """
        if self.ended.done():
            raise ConnectionLost("the connection to Redis is closed")
        now = self._loop.time()
        request = _Request(self._loop.create_future(), count, len(data), now, [])
        self._pending.append(request)
        self._bytes += len(data)
        self._write(data)
        if self._timer is None:
            self._timer = self._loop.call_at(now + self._reply_timeout_s, self._check_timeout)
        return request.future

    def say(self, data: bytes) -> None:
        """Send packed commands whose replies go to `hear`. Raises `ConnectionLost`."""
        if self.ended.done():
            raise ConnectionLost("the connection to Redis is closed")
        self._write(data)

    def close_when_idle(self) -> None:
        """Close the connection once all requests are answered. Don't send any after this."""
        self._is_retiring = True
        if not self._pending:
            self._end(ConnectionLost("the connection to Redis is closed"))

    def abort(self) -> None:
        """Close the connection at once; waiting requests fail with `ConnectionLost`."""
        self._end(ConnectionLost("the connection to Redis is closed"))

    async def close(self) -> None:
        """Abort, and wait until the socket is closed."""
        self.abort()
        await asyncio.wait([self._socket_closed], timeout=self._reply_timeout_s)

    def connection_made(self, transport: Any) -> None:
        """See `asyncio.Protocol`."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._heard_at = self._loop.time()
        reader, pending = self._reader, self._pending
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not False:
                if not pending:
                    if self.hear is not None:
                        self.hear(reply)
                        continue
                    self._end(
                        ConnectionLost(f"Redis sent a reply without a request: {reply!r:.100}")
                    )
                    return
                request = pending[0]
                replies = request.replies
                replies.append(reply)
                if len(replies) == request.count:
                    pending.popleft()
                    self._bytes -= request.size
                    if not request.future.done():
                        request.future.set_result(replies)
        except Exception as error:  # after bytes that aren't RESP, nothing more can be read
            self._end(ConnectionLost(f"Redis sent bytes that can't be read: {error}"))
            return
        self._notify_room()
        if self._is_retiring and not pending:
            self.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._end(ConnectionLost(f"Redis closed the connection{f': {error}' if error else ''}"))
        if not self._socket_closed.done():
            self._socket_closed.set_result(None)

    def _write(self, data: bytes) -> None:
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(data)

    def _flush(self) -> None:
        data, self._out = b"".join(self._out), []
        if self.is_open:
            try:
                self._transport.write(data)
            except RuntimeError as error:  # uvloop, between a reset and `connection_lost`
                self._end(ConnectionLost(f"the connection to Redis is closed: {error}"))

    def _check_timeout(self) -> None:
        """Close the connection if the oldest request is overdue. One timer serves all requests."""
        self._timer = None
        if not self._pending:
            return
        oldest, now = self._pending[0], self._loop.time()
        give_up = min(
            max(oldest.sent_at, self._heard_at) + self._reply_timeout_s,
            oldest.sent_at + _LONGEST_REPLY * self._reply_timeout_s,
        )
        if now < give_up:
            self._timer = self._loop.call_at(give_up, self._check_timeout)
        elif self._overdue is not oldest:
            # If this process was suspended, the reply may have arrived without being read.
            self._overdue = oldest
            self._timer = self._loop.call_at(now + _GRACE_S, self._check_timeout)
        else:
            limit = f"{self._reply_timeout_s} s"
            self._end(TimeoutError(f"Redis didn't answer a command within {limit}"))

    def _fits(self, size: int) -> bool:
        return len(self._pending) < _MOST_REQUESTS and (
            self._bytes + size <= _MOST_BYTES or not self._pending
        )

    def _notify_room(self) -> None:
        """Wake the first caller that waits for room."""
        if self._freed and not self._freed.done():
            self._freed.set_result(None)

    def _end(self, why: Exception) -> None:
        if self.ended.done():
            return
        self.ended.set_result(None)
        if self._timer:
            self._timer.cancel()
        pending, self._pending, self._out = self._pending, deque(), []
        if self._transport:
            self._transport.abort()
        for request in pending:
            if not request.future.done():
                request.future.set_exception(type(why)(*why.args))
        self._notify_room()
