"""One who follows the game: a connection, a measured clock and a state of its own."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import httpx
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from functions.tools.demo.failure import DemoFailed
from functions.tools.demo.server_clock import ServerClock
from functions.tools.demo.state import Message, State
from functions.tools.demo.transport import Seat, Transport

_REQUEST_TIMEOUT_S = 5.0
_CONNECTION_ERRORS = (httpx.HTTPError, OSError, InvalidHandshake, ConnectionClosed, ValueError)
"""A `ValueError` is an answer that isn't JSON: some other server."""


class Client:
    """Holds the newest state it was told, and computes the clocks from it for itself."""

    def __init__(self, name: str, url: str, session_id: str, transport: Transport) -> None:
        self.name = name
        self.clock = ServerClock()
        self.state: State | None = None
        self.arrivals: dict[int, float] = {}
        """When each version came, on `time.monotonic()`."""
        self.flag_lateness_ms: float | None = None
        self.has_state = asyncio.Event()
        self.is_over = asyncio.Event()
        self._changed = asyncio.Event()
        self._session_id = session_id
        self._http = httpx.AsyncClient(base_url=url, timeout=_REQUEST_TIMEOUT_S, trust_env=False)
        self._seat = Seat(url, session_id, self._http, self.clock)
        self._transport = transport
        self._news: AsyncIterator[Message]
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Connect and measure the clock; the session need not exist yet."""
        try:
            await self._stack.enter_async_context(self._http)
            await self.clock.measure(self._http)
            self._news = await self._stack.enter_async_context(self._transport.follow(self._seat))
        except _CONNECTION_ERRORS as error:
            await self._stack.aclose()
            raise DemoFailed(f"{self.name} can't connect to the service: {error}") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def follow(self) -> None:
        """Take in all news until the game is over."""
        async for message in self._news:
            self._take(message, time.monotonic())
            if self.is_over.is_set():
                return

    def remaining_ms(self, participant_id: str, instant: float) -> float:
        """A participant's clock as computed here, when `time.monotonic()` reads `instant` (s)."""
        assert self.state is not None
        return self.state.remaining_ms(participant_id, self.clock.at_ms(instant))

    def _take(self, message: Message, arrived: float) -> None:
        if message.deadline_ms is not None:
            self.flag_lateness_ms = self.clock.at_ms(arrived) - message.deadline_ms
        state = message.state
        if state and (self.state is None or state.version > self.state.version):
            self.state = state
            self.arrivals[state.version] = arrived
            self.has_state.set()
            self._changed.set()
            if state.is_over:
                self.is_over.set()
