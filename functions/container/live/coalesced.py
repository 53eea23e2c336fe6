"""A call that stands for many changes."""

import asyncio
from collections.abc import Awaitable, Callable


class CoalescedCall:
    """Calls `act` once for all changes that are noted within some time.

    Two calls start at least `interval_s()` seconds apart, and never overlap. `act` must not raise.
    """

    def __init__(self, act: Callable[[], Awaitable[None]], interval_s: Callable[[], float]) -> None:
        self._act = act
        self._interval_s = interval_s
        self._not_before = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def note(self, within_s: float) -> None:
        """Call `act` after `within_s` seconds, or later if the interval demands it.

        A call that is due earlier serves this change, too.
        """
        loop = asyncio.get_running_loop()
        due = max(loop.time() + within_s, self._not_before)
        if self._timer:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = loop.call_at(due, self._start)

    def cancel(self) -> None:
        """Make no further calls for the changes noted so far."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _start(self) -> None:
        self._timer = None
        interval_s = self._interval_s()
        self._not_before = asyncio.get_running_loop().time() + interval_s
        if self._task and not self._task.done():
            self.note(interval_s)
        else:
            self._task = asyncio.ensure_future(self._act())
