"""One connection to one Redis server, shared by all callers of this instance.

Requests are pipelined: whatever is asked in one turn of the event loop leaves in one write, and
replies are handed out in the order in which the requests were sent (RESP answers in order).
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable
from typing import Any

from hiredis import Reader

from shared.store.connection import Reply
from shared.store.redis.address import Endpoint
from shared.store.redis.timeouts import DEFAULT

_LONGEST_REPLY = 2
"""A reply may take so many times its timeout while other bytes keep coming."""

_SECOND_LOOK_S = 0.02
"""Before a connection is given up, bytes that are here already are read."""

_MOST_REQUESTS = 4096
_MOST_BYTES = 16 * 1024 * 1024
"""Requests and their bytes that may wait for replies."""


_numbers = itertools.count(1)


class Lost(ConnectionError):
    """The connection ended before the reply came."""


class _Request:
    __slots__ = ("count", "future", "replies", "sent_at", "size")

    def __init__(
        self, future: "asyncio.Future[list[Reply]]", count: int, size: int, now: float
    ) -> None:
        self.future = future
        self.count = count
        self.size = size
        self.sent_at = now
        self.replies: list[Reply] = []


class Link(asyncio.Protocol):
    """A pipelined connection. Must be made and used in one event loop.

    A request that is cancelled keeps its place: its replies are read and dropped.
    A connection on which no byte comes for `reply_timeout_s` though a reply is due is given up: all
    requests fail with `TimeoutError`. Where the connection ends they fail with `Lost`.
    """

    def __init__(self, reply_timeout_s: float = DEFAULT.reply_s) -> None:
        self._reply_timeout_s = reply_timeout_s
        self.endpoint = Endpoint()
        """Where it leads."""
        self.number = next(_numbers)
        """Tells it from all other connections of this process."""
        self.mode = "standalone"
        """What the server says of itself: `standalone`, `cluster` or `sentinel`."""
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        """Done once nothing can be sent any more."""
        self.hear: Callable[[Reply], None] | None = None
        """Called with each reply that no request waits for, such as a message of a channel. While
        it is None such a reply ends the connection."""
        self._gone: asyncio.Future[None] = self._loop.create_future()
        self._reader = Reader()
        self._pending: deque[_Request] = deque()
        self._bytes = 0
        self._out: list[bytes] = []
        self._transport: Any = None
        self._is_retiring = False
        self._heard_at = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._suspect: _Request | None = None
        self._queue = asyncio.Lock()
        self._freed: asyncio.Future[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether anything can be sent."""
        return not self.ended.done()

    @property
    def heard_at(self) -> float:
        """When bytes came last, by the loop's clock, s."""
        return self._heard_at

    def has_room(self, size: int) -> bool:
        """Whether a request of `size` bytes can be sent now, without more than may wait."""
        return not self._queue.locked() and self._fits(size)

    async def room(self, size: int) -> None:
        """Return when there is room for `size` bytes, first come, first served.

        Raises `TimeoutError` after `reply_timeout_s`. It also returns once the connection has
        ended.
        """
        async with asyncio.timeout(self._reply_timeout_s), self._queue:
            while self.is_open and not self._fits(size):
                self._freed = self._loop.create_future()
                await self._freed

    def send(self, data: bytes, count: int) -> "asyncio.Future[list[Reply]]":
        """Send `data`, packed commands that are answered by `count` replies; returns those.

        Error replies are among them, as `hiredis.ReplyError`. Raises `Lost` if it has ended.
        """
        if self.ended.done():
            raise Lost("the connection to Redis is closed")
        now = self._loop.time()
        request = _Request(self._loop.create_future(), count, len(data), now)
        self._pending.append(request)
        self._bytes += len(data)
        self._write(data)
        if self._watch is None:
            self._watch = self._loop.call_at(now + self._reply_timeout_s, self._look)
        return request.future

    def say(self, data: bytes) -> None:
        """Send `data`, packed commands whose replies go to `hear`. Raises `Lost`."""
        if self.ended.done():
            raise Lost("the connection to Redis is closed")
        self._write(data)

    def retire(self) -> None:
        """Close it once everything that was asked is answered. Nothing more may be sent."""
        self._is_retiring = True
        if not self._pending:
            self._end(Lost("the connection to Redis is closed"))

    def abort(self) -> None:
        """Close it at once; what waits for a reply fails with `Lost`."""
        self._end(Lost("the connection to Redis is closed"))

    async def close(self) -> None:
        """The same, and wait until its socket is closed."""
        self.abort()
        await asyncio.wait([self._gone], timeout=self._reply_timeout_s)

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
                    self._end(Lost(f"Redis said something that nobody asked: {reply!r:.100}"))
                    return
                request = pending[0]
                request.replies.append(reply)
                if len(request.replies) == request.count:
                    self._settle(pending.popleft())
        except Exception as error:  # what isn't RESP can't be read any further
            self._end(Lost(f"Redis sent what can't be read: {error}"))
            return
        self._free()
        if self._is_retiring and not pending:
            self.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._end(Lost(f"Redis closed the connection{f': {error}' if error else ''}"))
        if not self._gone.done():
            self._gone.set_result(None)

    def _settle(self, request: _Request) -> None:
        self._bytes -= request.size
        if not request.future.done():
            request.future.set_result(request.replies)

    def _write(self, data: bytes) -> None:
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(data)

    def _flush(self) -> None:
        data, self._out = b"".join(self._out), []
        if self.is_open:
            try:
                self._transport.write(data)
            except RuntimeError as error:  # uvloop, where it was reset and that isn't said yet
                self._end(Lost(f"the connection to Redis is closed: {error}"))

    def _look(self) -> None:
        """Whether the oldest request is answered in time; one timer looks for all of them."""
        self._watch = None
        if not self._pending:
            return
        oldest, now = self._pending[0], self._loop.time()
        give_up = min(
            max(oldest.sent_at, self._heard_at) + self._reply_timeout_s,
            oldest.sent_at + _LONGEST_REPLY * self._reply_timeout_s,
        )
        if now < give_up:
            self._watch = self._loop.call_at(give_up, self._look)
        elif self._suspect is not oldest:
            # Where this process itself stood still, the reply may be here and not yet read.
            self._suspect = oldest
            self._watch = self._loop.call_at(now + _SECOND_LOOK_S, self._look)
        else:
            limit = f"{self._reply_timeout_s} s"
            self._end(TimeoutError(f"Redis left a command unanswered for {limit}"))

    def _fits(self, size: int) -> bool:
        return len(self._pending) < _MOST_REQUESTS and (
            self._bytes + size <= _MOST_BYTES or not self._pending
        )

    def _free(self) -> None:
        """Let the first that waits for room look again."""
        if self._freed and not self._freed.done():
            self._freed.set_result(None)

    def _end(self, why: Exception) -> None:
        if self.ended.done():
            return
        self.ended.set_result(None)
        if self._watch:
            self._watch.cancel()
        pending, self._pending, self._out = self._pending, deque(), []
        if self._transport:
            self._transport.abort()
        for request in pending:
            if not request.future.done():
                request.future.set_exception(type(why)(*why.args))
        self._free()
