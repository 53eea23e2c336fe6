"""One who follows the game: a connection, a measured clock and a state of its own."""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from synckairos import ApiError, Changed, Expired, SessionState, SyncKairos, Unreachable, Update
from synckairos.anchors import is_terminal
from synckairos.states import Kind

from functions.tools.demo.failure import GONE, DemoFailed, refusal

_CONNECTS_WITHIN_S = 10.0
_CUT_OFF_AFTER_S = 2.0
"""Longer than it takes to come back to a service that is there."""

_SAMPLES = 12


class Client:
    """The client library, with a note of when everything came."""

    def __init__(self, name: str, url: str, session_id: str) -> None:
        self.name = name
        self.service = SyncKairos(url)
        self.session = self.service.session(session_id)
        self.arrivals: dict[int, float] = {}
        """When each version came, on `time.monotonic()`."""
        self.flag_lateness_ms: float | None = None
        self._news = asyncio.Event()
        self._is_cut_off = False
        self._giving_up: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        """Connect and measure the clock; the session need not exist yet."""
        self.session.on("update", self._note_update)
        self.session.on("expired", self._note_fall)
        self.session.on("connection", self._note_connection)
        try:
            async with asyncio.timeout(_CONNECTS_WITHIN_S):
                await self.session.open()
                await self.until(lambda: self.transport is not None)
                await self.service.clock.sync(_SAMPLES)
        except Unreachable as error:
            raise DemoFailed(f"{self.name} can't connect to the service: {error}") from error
        except ApiError as error:
            raise refusal("let the session be followed", error) from error
        except TimeoutError:
            raise DemoFailed(f"{self.name} can't connect to the service in time.") from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._stop_giving_up()
        await self.service.close()

    @property
    def state(self) -> SessionState | None:
        """The newest state that came."""
        return self.session.state

    @property
    def is_over(self) -> bool:
        """Whether no clock will ever run again."""
        return self.state is not None and is_terminal(self.state)

    @property
    def transport(self) -> Kind | None:
        """How states come; None while they don't."""
        connection = self.session.connection
        return connection.transport if connection.status in ("live", "polling") else None

    @property
    def round_trip_ms(self) -> float:
        """The shortest to the service and back."""
        return self.service.clock.round_trip_ms

    def at_ms(self, instant: float) -> float:
        """The server's time, ms, when `time.monotonic()` reads `instant` (s)."""
        return self.service.clock.now() - (time.monotonic() - instant) * 1000

    def remaining_ms(self, participant_id: str, instant: float) -> float:
        """A participant's clock as computed here, when `time.monotonic()` reads `instant` (s)."""
        left = self.session.remaining(participant_id, self.at_ms(instant))
        assert left is not None
        return left

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Return when it is so. Raises `DemoFailed` when the service is gone."""
        while not is_so():
            self._news.clear()
            await self._news.wait()
            if self._is_cut_off:
                raise DemoFailed(GONE)

    async def until_begun(self) -> None:
        """Return when there is a game, as far as this client knows."""
        await self.until(lambda: self.state is not None)

    async def until_over(self) -> None:
        """Return when the game is."""
        await self.until(lambda: self.is_over)

    def _note_update(self, update: Update) -> None:
        self.arrivals[update.state["version"]] = time.monotonic()
        self._news.set()

    def _note_fall(self, fall: Expired) -> None:
        self.flag_lateness_ms = self.at_ms(time.monotonic()) - fall.deadline_ms
        self._news.set()

    def _note_connection(self, changed: Changed) -> None:
        self._stop_giving_up()
        if changed.connection.status == "connecting":
            loop = asyncio.get_running_loop()
            self._giving_up = loop.call_later(_CUT_OFF_AFTER_S, self._give_up)
        self._news.set()

    def _stop_giving_up(self) -> None:
        if self._giving_up:
            self._giving_up.cancel()

    def _give_up(self) -> None:
        self._is_cut_off = True
        self._news.set()
