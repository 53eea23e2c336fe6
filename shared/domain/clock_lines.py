"""Clocks on the wire of a session whose clocks will begin or cease to run without a command.

A pending session runs from its `start_at` on. A stopped session clock runs toward `ends_at`, unless
a pause moves that. A command that was given ahead of time lets clocks run, or stops them, at its
instant. So a client that draws a clock from an older state is right then too.
"""

from collections.abc import Collection, Sequence

from shared.domain.clocks import DrawnClocks, clocks_of
from shared.domain.schedule import end_of, starts_at
from shared.domain.scheduled_command import ScheduledOperation
from shared.domain.scheduling import outcome
from shared.domain.session import Session
from shared.domain.start import started
from shared.domain.time_budget import Clock
from shared.domain.units import Instant, Millis, elapsed_between
from shared.domain.values import replace


def clock_lines(
    session: Session, shown: Session, now: Instant, only: Collection[int] | None = None
) -> DrawnClocks:
    """Return the clocks of a session as lines from `now` on; `shown` is `at_time(session, now)`.

    With `only`, in `individual`, only those of the participants of these `participant_index`.
    """
    has_ended = session.status.is_terminal
    if not session.has_planned_instants or (
        session.scheduled is None and (has_ended or session.cycle_started_at is not None)
    ):
        return clocks_of(shown).drawn(shown, only)
    if starts_at(session) is not None:
        shown = clocks_of(shown).with_gain_of_start(shown)
    drawn, lines = clocks_of(shown).drawn(shown, only), _Lines(session, now)
    later = clocks_of(lines.running).drawn(lines.running, only) if lines.running else drawn
    current, of_session = lines.limited(
        (drawn.current, drawn.session), (later.current, later.session)
    )
    return DrawnClocks(
        lines.limited(drawn.participants, later.participants),
        lines.limited(drawn.groups, later.groups),
        current,
        of_session,
        drawn.cycle and lines.unlimited(drawn.cycle, later.cycle),
        lines.unlimited(drawn.elapsed, later.elapsed),
    )


class _Lines:
    """Draws the clocks of a session that begin or cease to run without a request."""

    __slots__ = ("_fixed_end", "_stop", "_to_end", "_wait", "running")

    def __init__(self, session: Session, now: Instant) -> None:
        self._stop, self._fixed_end = _time_to_stop(session, now), _end_in_pause(session, now)
        self.running: Session | None = None
        """The session as it begins to run without a command."""
        self._to_end: Millis | None = None
        self._wait = Millis(0)
        if session.cycle_started_at is not None or session.status.is_terminal:
            return
        self.running = _running_later(session)
        if self.running and self.running.cycle_started_at is not None:
            self._wait = elapsed_between(now, self.running.cycle_started_at)
        end = end_of(session, now)
        if end is not None and starts_at(session) is None and session.paused_at is None:
            self._to_end = elapsed_between(now, end)

    def limited(
        self, clocks: Sequence[Clock | None], later: Sequence[Clock | None]
    ) -> list[Clock | None]:
        """Return clocks that `ends_at` limits; `later` are those of the `running` session."""
        return [
            clock and self._limited(clock, then) for clock, then in zip(clocks, later, strict=True)
        ]

    def unlimited(self, clock: Clock, later: Clock | None) -> Clock:
        """Return a clock that `ends_at` doesn't limit; `later` is that of the `running` session."""
        return self._stopped(self._delayed(clock, later))

    def _limited(self, clock: Clock, later: Clock | None) -> Clock:
        clock = self._delayed(clock, later)
        if self._to_end is not None:
            clock = _falling(clock, self._to_end)
        falls_in_pause = (
            self._fixed_end is not None and clock.left_ms + clock.hold_ms >= self._fixed_end
        )
        return clock if falls_in_pause else self._stopped(clock)

    def _delayed(self, clock: Clock, later: Clock | None) -> Clock:
        """Return `clock` with a line that runs from the start on.

        A clock that shows another value then keeps its line.
        """
        if self.running is None or later is None:
            return clock
        if clock.left_ms != later.left_ms or not later.rate:
            return clock
        return replace(later, hold_ms=Millis(later.hold_ms + self._wait))

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
