"""Pushes for those listeners of a session who take no differences."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shared.application.errors import StoreUnavailable
from shared.realtime.listener import GAP, Listener, Push

_MOST_WAITING = 32
"""Pushes. Beyond that each listener reads the state by itself, as after a gap."""

ReadState = Callable[[Push], Awaitable[Push | None]]
"""Reads the session that a difference is about: returns a push with its whole state, which is that
of the difference's version or a newer one; None if the session was deleted. Raises
`StoreUnavailable`."""

Deliver = Callable[[Push, tuple[Listener, ...]], None]

_log = logging.getLogger("synckairos.pushes")


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    push: Push
    listeners: tuple[Listener, ...]


class WholeStates:
    """Turns differences into whole states, and keeps all pushes in order meanwhile.

    The state is read once for all listeners, and once for all differences that have come before the
    read began. It takes the place of the last push whose version it includes. If it can't be read,
    `GAP` takes the place of the last of these differences.
    """

    def __init__(self, read: ReadState, deliver: Deliver) -> None:
        self._read = read
        self._deliver = deliver
        self._waiting: list[_Waiting] = []
        self._reading: asyncio.Task[None] | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether pushes wait for a state, so that later ones must be `put` behind them."""
        return bool(self._waiting)

    def put(self, push: Push, listeners: tuple[Listener, ...]) -> None:
        """Deliver a difference as a whole state, or any other push behind those that wait."""
        self._waiting.append(_Waiting(push, listeners))
        if len(self._waiting) > _MOST_WAITING:
            self.flush()
        elif self._reading is None:
            self._reading = asyncio.create_task(self._read_states())

    def flush(self) -> None:
        """Deliver all pushes at once, with `GAP` in place of the states."""
        if last := self._last_difference():
            self._settle(last, GAP)

    async def _read_states(self) -> None:
        try:
            while last := self._last_difference():
                state = await self._state_of(last.push)
                if last in self._waiting:  # otherwise it was flushed meanwhile
                    self._settle(last, state)
        finally:
            self._reading = None

    async def _state_of(self, difference: Push) -> Push | None:
        try:
            return await self._read(difference)
        except StoreUnavailable:
            pass
        except Exception:  # pushes must go on, whatever is wrong with one session
            _log.exception("a session can't be read for its listeners")
        return GAP

    def _last_difference(self) -> _Waiting | None:
        return next((one for one in reversed(self._waiting) if one.push.is_difference), None)

    def _settle(self, last: _Waiting, state: Push | None) -> None:
        """Deliver the pushes that `state` includes, then `state`, then those that need none.

        So a message that comes before its own state, such as `TIME_EXPIRED`, still does.
        """
        end = self._place_of_last_included(last, state) + 1
        settled, self._waiting = self._waiting[:end], self._waiting[end:]
        readers: set[Listener] = set()
        for one in settled:
            if one.push.is_difference:
                readers.update(one.listeners)
            else:
                self._deliver(one.push, one.listeners)
        if state:
            self._deliver(state, tuple(readers))
        while self._waiting and not self._waiting[0].push.is_difference:
            first = self._waiting.pop(0)
            self._deliver(first.push, first.listeners)

    def _place_of_last_included(self, last: _Waiting, state: Push | None) -> int:
        """Return the place of the last push whose version `state` includes: `last` or a later one.

        A lower version than that of `last` is of a store that has lost data.
        """
        place = self._waiting.index(last)
        lowest, newest = last.push.version or 0, (state and state.version) or 0
        for later in range(place + 1, len(self._waiting)):
            version = self._waiting[later].push.version
            if version is not None and not lowest <= version <= newest:
                break
            if version is not None:
                place = later
        return place
