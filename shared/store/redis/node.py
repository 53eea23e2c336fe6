"""One Redis server, whose connection is replaced when it breaks or its server can't be used."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from shared.application.errors import StoreUnavailable
from shared.store.connection import Reply
from shared.store.redis.handshake import ServerRefused
from shared.store.redis.pipeline import ConnectionLost, PipelinedConnection
from shared.store.redis.timeouts import DEFAULT

_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 0.5
_STEADY_S = 1.0
"""A connection that lasted longer was stable: the next one is opened without a pause."""

_log = logging.getLogger("synckairos.redis")


class Node:
    """Requests to one server. `open_link` opens a connection to it, or raises.

    A caller waits for a connection for `ready_timeout_s` at most.

    Connections are opened one at a time, with a pause of 50 to 500 ms after each that failed or
    didn't last. While the last attempt has failed, requests fail at once.
    """

    def __init__(
        self,
        open_link: Callable[[], Awaitable[PipelinedConnection]],
        name: str,
        ready_timeout_s: float = DEFAULT.ready_s,
    ) -> None:
        self.name = name
        self._ready_timeout_s = ready_timeout_s
        self.on_change: Callable[[], None] = lambda: None
        """Called when a new connection has replaced an earlier one."""
        self._open_link = open_link
        self._link: PipelinedConnection | None = None
        self._failure: Exception | None = None
        self._opening: asyncio.Task[None] | None = None
        self._attempt: asyncio.Future[None] | None = None
        """Done after the next attempt to open a connection, successful or not."""
        self._pause_s = 0.0
        self._opened_at = float("-inf")
        self._is_closed = False

    @property
    def link(self) -> PipelinedConnection | None:
        """The connection in use; None while there is none."""
        return self._link

    @property
    def is_down(self) -> bool:
        """Whether the last attempt to connect failed."""
        return self._link is None and self._failure is not None

    async def send(self, data: bytes, count: int) -> tuple[PipelinedConnection, list[Reply]]:
        """Send packed commands; returns the connection used and their `count` replies.

        If the connection ends meanwhile, they are sent once more on the next one.
        Raises `StoreUnavailable`, with the default timeouts within 1.5 s.
        """
        try:
            link = self._link
            if link is None or not link.has_room(len(data)):
                link = await self._ready(len(data))
            try:
                return link, await link.send(data, count)
            except ConnectionLost:
                link = await self._ready(len(data))
                return link, await link.send(data, count)
        except (OSError, ServerRefused) as error:  # TimeoutError is an OSError
            raise StoreUnavailable from error

    def leave(self, link: PipelinedConnection, why: Exception, *, serves: bool) -> None:
        """Replace `link`, because its server answered with the error `why`.

        If it still `serves` reads, it is used until the next connection is open. Otherwise requests
        fail with `why` until then.
        """
        if link is not self._link or self._is_closed:
            return
        if self._opening is None:
            self._set_pause()
            if not self._pause_s:  # otherwise it was logged a moment ago
                _log.warning("%s can't be used, connecting again: %s", self.name, why)
            self._begin_opening()
        if not serves:
            self._link, self._failure = None, why
            link.close_when_idle()

    async def changed(self, link: PipelinedConnection, until: float) -> bool:
        """Wait for a connection other than `link`, until the loop's time `until`.

        Returns whether there is one.
        """
        while self._link is link or self._link is None:
            if self._is_closed:
                return False
            self._begin_opening()
            assert self._attempt
            try:
                async with asyncio.timeout_at(until):
                    await asyncio.shield(self._attempt)
            except TimeoutError:
                return False
        return True

    async def connected(self) -> PipelinedConnection:
        """Return the connection, opening it if there is none. Raises `StoreUnavailable`."""
        try:
            return self._link or await self._ready(0)
        except (OSError, ServerRefused) as error:
            raise StoreUnavailable from error

    async def close(self) -> None:
        """Close the connection and open no other."""
        self._is_closed = True
        if self._opening:
            self._opening.cancel()
            with suppress(asyncio.CancelledError):
                await self._opening
        link, self._link = self._link, None
        if link:
            await link.close()

    def close_when_idle(self) -> None:
        """Close the connection once all requests are answered, and open no other."""
        self._is_closed = True
        if self._opening:
            self._opening.cancel()
        if self._link:
            self._link.close_when_idle()

    async def _ready(self, size: int) -> PipelinedConnection:
        """Return a connection with room for `size` bytes. Raises the error of opening one."""
        async with asyncio.timeout(self._ready_timeout_s):
            while True:
                if link := self._link:
                    if link.is_open and link.has_room(size):
                        return link
                    await link.room(size)
                    if link.is_open:
                        return link
                if self._is_closed:
                    raise ConnectionLost("the connection to Redis is closed")
                if self._link is None and self._failure:
                    raise StoreUnavailable from self._failure
                self._begin_opening()
                assert self._attempt
                await asyncio.shield(self._attempt)

    def _begin_opening(self) -> None:
        if self._opening is None and not self._is_closed:
            self._attempt = asyncio.get_running_loop().create_future()
            self._opening = asyncio.create_task(self._open())

    async def _open(self) -> None:
        """Try to open a connection until it succeeds."""
        while True:
            await asyncio.sleep(self._pause_s)
            try:
                link = await self._open_link()
            except Exception as error:
                self._note(error)
            else:
                self._take(link)
                self._opening = None
                self._end_attempt()
                return
            self._end_attempt()
            self._lengthen_pause()

    def _end_attempt(self) -> None:
        """Wake the callers that wait for the attempt just made."""
        attempt, self._attempt = self._attempt, asyncio.get_running_loop().create_future()
        if attempt:
            attempt.set_result(None)

    def _note(self, error: Exception) -> None:
        if self._failure is None:
            _log.warning("%s can't be reached: %s", self.name, error or type(error).__name__)
        self._failure = error

    def _take(self, link: PipelinedConnection) -> None:
        if self._failure:
            _log.warning("%s can be reached again", self.name)
        previous, self._link, self._failure = self._link, link, None
        if self._opened_at > float("-inf"):
            self.on_change()
        self._opened_at = asyncio.get_running_loop().time()
        if previous:
            previous.close_when_idle()
        link.ended.add_done_callback(lambda _: self._ended(link))

    def _ended(self, link: PipelinedConnection) -> None:
        """Begin to open the next connection at once, before it is needed."""
        if self._link is link:
            self._link = None
            self._set_pause()
            self._begin_opening()

    def _set_pause(self) -> None:
        """Set the pause before the next attempt: none after a connection that lasted over 1 s."""
        if asyncio.get_running_loop().time() - self._opened_at > _STEADY_S:
            self._pause_s = 0.0
        else:
            self._lengthen_pause()

    def _lengthen_pause(self) -> None:
        self._pause_s = min(max(2 * self._pause_s, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
