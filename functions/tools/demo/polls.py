"""News by asking for them, where nothing is pushed."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from functions.tools.demo.failure import DemoFailed
from functions.tools.demo.state import Message, State, decode_session
from functions.tools.demo.transport import Seat

_EVERY_S = 0.25
_REST_MS = (-100, 500)
"""Around a deadline, by the server's clock."""

_NOT_NOW = (404, 429, 503)
"""The session isn't there yet, or the service asks for patience."""


class Polls:
    """A `Transport`. Those who rest don't ask around a deadline, which then passes unwatched."""

    words = f"polling every {_EVERY_S * 1000:.0f} ms"
    speed = 10.0
    """At more, most moves of a fast game are shorter than the time until they are seen."""

    def __init__(self, *, rests: bool) -> None:
        self._rests = rests
        self._asked: list[tuple[float, float]] = []

    @asynccontextmanager
    async def follow(self, seat: Seat) -> AsyncIterator[AsyncIterator[Message]]:
        """See `Transport`."""
        yield self._messages(seat)

    def nobody_asked(self, since: float, until: float) -> bool:
        """Whether no request was under way between two readings of `time.monotonic()` (s)."""
        return all(ended < since or began > until for began, ended in self._asked)

    async def _messages(self, seat: Seat) -> AsyncIterator[Message]:
        known: State | None = None
        while True:
            await asyncio.sleep(_EVERY_S * random.uniform(0.75, 1.25))
            if self._rests and known:
                await asyncio.sleep(_rest_s(seat, known))
            if state := await self._ask(seat, known):
                known = state
                yield Message("STATE_SYNC", state, state.flag_fell_ms)

    async def _ask(self, seat: Seat, known: State | None) -> State | None:
        """The session, unless it is still at the version that is known."""
        headers = {"If-None-Match": f'"{known.version}"'} if known else {}
        began = time.monotonic()
        try:
            answer = await seat.http.get(f"/v1/sessions/{seat.session_id}", headers=headers)
        except httpx.TransportError as error:
            raise DemoFailed(
                "The service doesn't answer any more; the game can't go on."
            ) from error
        finally:
            self._asked.append((began, time.monotonic()))
        if answer.status_code == 304 or answer.status_code in _NOT_NOW:
            return None
        if answer.is_error:
            raise DemoFailed(f"The service refused to show the session: {answer.status_code}.")
        return decode_session(answer.content).data


def _rest_s(seat: Seat, state: State) -> float:
    """How long not to ask."""
    if state.deadline_at is None:
        return 0.0
    deadline_ms = state.deadline_at.timestamp() * 1000
    begins_ms, ends_ms = (deadline_ms + ms for ms in _REST_MS)
    now_ms = seat.clock.at_ms(time.monotonic())
    return (ends_ms - now_ms) / 1000 if begins_ms < now_ms < ends_ms else 0.0
