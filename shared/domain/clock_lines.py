"""Clocks on the wire of a session whose clocks will begin or cease to run without a command.

A pending session runs from its `start_at` on. A stopped session clock runs toward `ends_at`, unless
a pause moves that. A command that was given ahead of time lets clocks run, or stops them, at its
instant. So a client that draws a clock from an older state is right then too.
"""

from collections.abc import Callable, Sequence

from shared.domain.schedule import end_of, starts_at
from shared.domain.scheduled_command import ScheduledOperation
from shared.domain.scheduling import outcome
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

    __slots__ = ("_fixed_end", "_is_plain", "_running", "_stop", "_to_end", "_wait", "shown")

    def __init__(self, session: Session, now: Instant) -> None:
        self.shown = at_time(session, now)
        """The session with its clocks at `now`."""
        self._running: Session | None = None
        self._to_end: Millis | None = None
        self._stop, self._fixed_end = _time_to_stop(session, now), _end_in_pause(session, now)
        has_fixed_rates = session.cycle_started_at is not None or session.status.is_terminal
        self._is_plain = has_fixed_rates and self._stop is None
        if has_fixed_rates:
            return
        end = end_of(session, now)
        self._running = _running_later(session)
        begins = self._running.cycle_started_at if self._running else None
        self._wait = Millis(0) if begins is None else elapsed_between(now, begins)
        if end is not None and starts_at(session) is None and session.paused_at is None:
            self._to_end = elapsed_between(now, end)

    def one(self, of: Callable[[Session], Clock | None]) -> Clock | None:
        """Return a clock that `ends_at` limits."""
        if self._is_plain:
            return of(self.shown)
        return self.each(lambda session: [of(session)])[0]

    def each(self, of: Callable[[Session], Sequence[Clock | None]]) -> Sequence[Clock | None]:
        """Return clocks that `ends_at` limits."""
        clocks = of(self.shown)
        if self._is_plain:
            return clocks
        if self._running is not None:
            pairs = zip(clocks, of(self._running), strict=True)
            clocks = [self._delayed(now, then) if now and then else now for now, then in pairs]
        if self._to_end is not None:
            clocks = [_falling(clock, self._to_end) if clock else None for clock in clocks]
        return [clock and self._stopped_unless_ending(clock) for clock in clocks]

    def cycle(self, of: Callable[[Session], Clock | None]) -> Clock | None:
        """Return a clock that `ends_at` doesn't limit."""
        clock = of(self.shown)
        running = None if self._running is None else of(self._running)
        if clock and running:
            clock = self._delayed(clock, running)
        return self._stopped(clock) if clock else None

    def elapsed(self, of: Callable[[Session], Clock]) -> Clock:
        """Return a clock that counts up."""
        clock = of(self.shown)
        if self._running is not None:
            clock = self._delayed(clock, of(self._running))
        return self._stopped(clock)

    def _delayed(self, clock: Clock, running: Clock) -> Clock:
        """Return `clock` with a line that runs from the start on.

        A clock that the start itself changes keeps its line.
        """
        if clock.left_ms != running.left_ms or not running.rate:
            return clock
        return replace(running, hold_ms=Millis(running.hold_ms + self._wait))

    def _stopped_unless_ending(self, clock: Clock) -> Clock:
        """Return the same for a clock that `ends_at` limits: if so, it falls in a pause too."""
        if self._fixed_end is not None and clock.left_ms + clock.hold_ms >= self._fixed_end:
            return clock
        return self._stopped(clock)

    def _stopped(self, clock: Clock) -> Clock:
        """Return the clock with a line that ends where a scheduled command stops it."""
        if self._stop is None or not clock.rate:
            return clock
        return replace(clock, stop_ms=self._stop)


def _running_later(session: Session) -> Session | None:
    """Return the stopped session as it begins to run without a command; None if it doesn't."""
    if (start := starts_at(session)) is not None:
        return started(session, start)
    scheduled = session.scheduled
    return outcome(session) if scheduled and scheduled.operation.lets_run else None


def _time_to_stop(session: Session, now: Instant) -> Millis | None:
    """Return the time until a scheduled command stops the clocks, ms; None if none does."""
    scheduled = session.scheduled
    if scheduled is None or not scheduled.operation.is_stop:
        return None
    return elapsed_between(now, scheduled.effective_at)


def _end_in_pause(session: Session, now: Instant) -> Millis | None:
    """Return the time until the end that a scheduled pause doesn't move, ms; None without one."""
    scheduled, end = session.scheduled, session.ends_at
    is_pause = scheduled is not None and scheduled.operation is ScheduledOperation.PAUSE
    if not is_pause or end is None or session.moves_with_pause:
        return None
    return elapsed_between(now, end)


def _falling(clock: Clock, to_end: Millis) -> Clock:
    """Return a stopped clock with a line that reaches zero after `to_end` ms at the latest."""
    if not clock.left_ms or clock.rate:
        return clock
    return replace(clock, rate=-1, hold_ms=Millis(to_end - clock.left_ms))
