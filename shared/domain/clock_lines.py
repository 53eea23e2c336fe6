"""Clocks on the wire of a session that isn't running, but will run on without a command.

A pending session runs from its `start_at` on. A stopped session clock runs toward `ends_at`, unless
a pause moves that. So a client that draws a clock from an older state is right then too.
"""

from collections.abc import Callable, Sequence

from shared.domain.schedule import end_of, starts_at
from shared.domain.session import Session
from shared.domain.start import started
from shared.domain.time_budget import Clock
from shared.domain.timekeeping import at_time
from shared.domain.units import Instant, Millis, elapsed_between
from shared.domain.values import replace


class ClockLines:
    """Draws the clocks of a session as straight lines from `now` on.

    Each method takes a function that returns clocks of a session.
    """

    __slots__ = ("_is_plain", "_running", "_to_end", "_wait", "shown")

    def __init__(self, session: Session, now: Instant) -> None:
        self.shown = at_time(session, now)
        """The session with its clocks at `now`."""
        self._running: Session | None = None
        self._to_end: Millis | None = None
        self._is_plain = session.cycle_started_at is not None or session.status.is_terminal
        if self._is_plain:
            return
        start, end = starts_at(session), end_of(session, now)
        self._wait = Millis(0) if start is None else elapsed_between(now, start)
        if start is not None:
            self._running = started(session, start)
        elif end is not None and session.paused_at is None:
            self._to_end = elapsed_between(now, end)

    def one(self, of: Callable[[Session], Clock | None]) -> Clock | None:
        """Return a clock that `ends_at` limits."""
        if self._is_plain:
            return of(self.shown)
        return self.each(lambda session: [of(session)])[0]

    def each(self, of: Callable[[Session], Sequence[Clock | None]]) -> Sequence[Clock | None]:
        """Return clocks that `ends_at` limits."""
        clocks = of(self.shown)
        if self._running is not None:
            pairs = zip(clocks, of(self._running), strict=True)
            return [self._delayed(now, then) if now and then else now for now, then in pairs]
        if self._to_end is not None:
            return [_falling(clock, self._to_end) if clock else None for clock in clocks]
        return clocks

    def cycle(self, of: Callable[[Session], Clock | None]) -> Clock | None:
        """Return a clock that `ends_at` doesn't limit."""
        clock = of(self.shown)
        running = None if self._running is None else of(self._running)
        return self._delayed(clock, running) if clock and running else clock

    def elapsed(self, of: Callable[[Session], Clock]) -> Clock:
        """Return a clock that counts up."""
        clock = of(self.shown)
        return clock if self._running is None else self._delayed(clock, of(self._running))

    def _delayed(self, clock: Clock, running: Clock) -> Clock:
        """Return `clock` with a line that runs from the start on.

        A clock that the start itself changes keeps its line.
        """
        if clock.left_ms != running.left_ms or not running.rate:
            return clock
        return replace(running, hold_ms=Millis(running.hold_ms + self._wait))


def _falling(clock: Clock, to_end: Millis) -> Clock:
    """Return the stopped clock with a line that reaches zero after `to_end` ms at the latest."""
    if not clock.left_ms:
        return clock
    return replace(clock, rate=-1, hold_ms=Millis(to_end - clock.left_ms))
