"""A client that follows the game, with its own connection, server clock and state."""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from synckairos import ApiError, Changed, Expired, SessionState, SyncKairos, Unreachable, Update
from synckairos.api_types import TransportName
from synckairos.session_clocks import is_terminal

from tests.demo.errors import SERVICE_GONE, DemoError, refused_error

_CONNECT_TIMEOUT_S = 10.0
_DISCONNECTED_AFTER_S = 2.0
"""Longer than reconnecting to a running service takes."""

_CLOCK_SAMPLES = 12


class DemoClient:
    """A client library session that also records when each version arrived."""

    def __init__(self, name: str, url: str, session_id: str) -> None:
        self.name = name
        self.service = SyncKairos(url)
        self.session = self.service.session(session_id)
        self.arrivals: dict[int, float] = {}
        """Arrival time of each version, on `time.monotonic()` (s)."""
        self.flag_lateness_ms: float | None = None
        self._changed = asyncio.Event()
        self._is_disconnected = False
        self._disconnect_timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        """Connect and measure the server clock; the session need not exist yet.

        Raises `DemoError` when the client can't connect.
        """
        self.session.on("update", self._on_update)
        self.session.on("expired", self._on_expired)
        self.session.on("connection", self._on_connection)
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                await self.session.open()
                await self.until(lambda: self.transport is not None)
                await self.service.clock.sync(_CLOCK_SAMPLES)
        except Unreachable as error:
            raise DemoError(f"{self.name} can't connect to the service: {error}") from error
        except ApiError as error:
            raise refused_error("let clients follow the session", error) from error
        except TimeoutError:
            raise DemoError(
                f"{self.name} can't connect to the service within {_CONNECT_TIMEOUT_S:.0f} s."
            ) from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._cancel_disconnect_timer()
        await self.service.close()

    @property
    def state(self) -> SessionState | None:
        """The newest state received."""
        return self.session.state

    @property
    def is_over(self) -> bool:
        """Whether the session has ended."""
        return self.state is not None and is_terminal(self.state)

    @property
    def transport(self) -> TransportName | None:
        """The transport in use; None while disconnected."""
        connection = self.session.connection
        return connection.transport if connection.status in ("live", "polling") else None

    @property
    def round_trip_ms(self) -> float:
        """The shortest measured round trip to the service, ms."""
        return self.service.clock.round_trip_ms

    def at_ms(self, instant: float) -> float:
        """Return the server time, ms, at `instant` on `time.monotonic()` (s)."""
        return self.service.clock.now() - (time.monotonic() - instant) * 1000

    def remaining_ms(self, participant_id: str, instant: float) -> float:
        """Return a participant's remaining time, ms, at `instant` on `time.monotonic()` (s)."""
        left = self.session.remaining(participant_id, self.at_ms(instant))
        assert left is not None
        return left

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition()` holds. Raises `DemoError` when the service is gone."""
        while not condition():
            self._changed.clear()
            await self._changed.wait()
            if self._is_disconnected:
                raise DemoError(SERVICE_GONE)

    async def until_begun(self) -> None:
        """Wait until this client knows that the session exists."""
        await self.until(lambda: self.state is not None)

    async def until_over(self) -> None:
        """Wait until the session has ended."""
        await self.until(lambda: self.is_over)

    def _on_update(self, update: Update) -> None:
        self.arrivals[update.state["version"]] = time.monotonic()
        self._changed.set()

    def _on_expired(self, expired: Expired) -> None:
        self.flag_lateness_ms = self.at_ms(time.monotonic()) - expired.deadline_ms
        self._changed.set()

    def _on_connection(self, changed: Changed) -> None:
        self._cancel_disconnect_timer()
        if changed.connection.status == "connecting":
            loop = asyncio.get_running_loop()
            self._disconnect_timer = loop.call_later(_DISCONNECTED_AFTER_S, self._on_disconnected)
        self._changed.set()

    def _cancel_disconnect_timer(self) -> None:
        if self._disconnect_timer:
            self._disconnect_timer.cancel()

    def _on_disconnected(self) -> None:
        self._is_disconnected = True
        self._changed.set()
