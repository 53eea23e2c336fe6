"""`global` and `count_up`: one clock for the whole session."""

from collections.abc import Iterator, Mapping

from shared.domain.clocks.base import (
    CYCLE_CLOCK,
    SESSION_CLOCK,
    AdjustableClock,
    ClockName,
    ClockOwner,
    ClockRules,
    ClockScope,
)
from shared.domain.errors import RuleViolation, Violation
from shared.domain.session import Participant, Session, TimeoutKind
from shared.domain.units import Millis
from shared.domain.values import replace


class _SessionClockRules(ClockRules):
    """A session clock, which ends the session at zero, and perhaps a clock of each cycle."""

    def draw(self, session: Session, spent: Millis) -> Session:
        return replace(
            session,
            session_left_ms=_reduced(session.session_left_ms, spent),
            cycle_left_ms=_reduced(session.cycle_left_ms, spent),
        )

    def is_session_over(self, session: Session) -> bool:
        return session.session_left_ms == 0

    def runs_for(self, session: Session, participant: Participant) -> bool:
        return True

    def adjustable(self, session: Session, scope: ClockScope) -> list[ClockName]:
        """Return the session clock or the cycle clock; all clocks are the first that exists."""
        clocks = (
            (SESSION_CLOCK, session.session_left_ms, scope is not ClockScope.CYCLE),
            (CYCLE_CLOCK, session.cycle_left_ms, scope is not ClockScope.SESSION),
        )
        return [name for name, left, is_meant in clocks if is_meant and left is not None][:1]

    def adjustable_clocks(self, session: Session) -> Iterator[AdjustableClock]:
        if session.session_left_ms is not None:
            yield AdjustableClock(SESSION_CLOCK, session.session_left_ms)
        if session.cycle_left_ms is not None:
            yield AdjustableClock(CYCLE_CLOCK, session.cycle_left_ms)

    def with_values(self, session: Session, values: Mapping[ClockName, Millis]) -> Session:
        return replace(
            session,
            session_left_ms=values.get(SESSION_CLOCK, session.session_left_ms),
            cycle_left_ms=values.get(CYCLE_CLOCK, session.cycle_left_ms),
        )


class GlobalClockRules(_SessionClockRules):
    """A session clock runs through all cycles, and each cycle has a clock (exams, meetings).

    One of the two may be absent.
    """

    def left(self, session: Session) -> Millis | None:
        """Return the clock that reaches zero next; 0 if none is above zero."""
        values = _clock_values(session)
        return min((ms for ms in values if ms > 0), default=Millis(0))

    def time_left_of(self, session: Session, participant: Participant) -> Millis | None:
        return min(_clock_values(session), default=None)

    def open(self, session: Session) -> Session:
        session = replace(session, session_left_ms=session.total_time_ms)
        return self.begin_cycle(session, session.active_participant_id)

    def begin_cycle(self, session: Session, participant_id: str | None) -> Session:
        return replace(
            session,
            active_participant_id=participant_id,
            cycle_left_ms=session.time_per_cycle_ms,
        )

    def adjust(self, session: Session, participant: Participant, value: Millis) -> Session:
        """Set the cycle clock, or else the session clock, to `value`.

        If both exist, a session clock below `value` is raised to it.
        """
        session = session.with_participant(replace(participant, bank_ms=value))
        if session.cycle_left_ms is None:
            return replace(session, session_left_ms=value)
        total_left = session.session_left_ms
        raised = None if total_left is None else Millis(max(total_left, value))
        return replace(session, cycle_left_ms=value, session_left_ms=raised)

    def max_unattended_ms(self, session: Session) -> Millis:
        """See `ClockRules`.

        The end of a cycle stops the session clock only if it ends the session.
        """
        ends_with_cycle = session.action_on_timeout.type is TimeoutKind.END_SESSION
        if session.session_left_ms is None or ends_with_cycle:
            return super().max_unattended_ms(session)
        return session.session_left_ms

    def automatic_cycle_lengths(self, session: Session) -> list[Millis]:
        return [session.time_per_cycle_ms] if session.time_per_cycle_ms else []

    def owner(self, session: Session) -> ClockOwner:
        if session.session_left_ms == self.left(session):
            return ClockOwner()
        return super().owner(session)

    def running(self, session: Session) -> list[tuple[ClockOwner, Millis]]:
        """Return both clocks, because each is warned of at every threshold."""
        owned = (
            (ClockOwner(), session.session_left_ms),
            (super().owner(session), session.cycle_left_ms),
        )
        return [(side, left) for side, left in owned if left]


class CountUp(_SessionClockRules):
    """Time counts up, to `max_time_ms` if that is set (speedruns, laps)."""

    def left(self, session: Session) -> Millis | None:
        return session.session_left_ms

    def time_left_of(self, session: Session, participant: Participant) -> Millis | None:
        return session.session_left_ms

    def open(self, session: Session) -> Session:
        return replace(session, session_left_ms=session.max_time_ms)

    def adjust(self, session: Session, participant: Participant, value: Millis) -> Session:
        """Set the time left until `max_time_ms`. Raises `RuleViolation` if none is set."""
        if session.session_left_ms is None:
            message = "needs a clock that runs toward zero: this session has no max_time_ms"
            raise RuleViolation(Violation("total_time_ms", message, "not_allowed"))
        session = session.with_participant(replace(participant, bank_ms=value))
        return replace(session, session_left_ms=value)

    def with_values(self, session: Session, values: Mapping[ClockName, Millis]) -> Session:
        """Move the ceiling, so that as much time is left until it."""
        adjusted = super().with_values(session, values)
        ceiling = Millis(session.used_ms + (adjusted.session_left_ms or 0))
        return replace(adjusted, max_time_ms=ceiling)

    def owner(self, session: Session) -> ClockOwner:
        return ClockOwner()


def _clock_values(session: Session) -> list[Millis]:
    return [ms for ms in (session.session_left_ms, session.cycle_left_ms) if ms is not None]


def _reduced(clock: Millis | None, spent: Millis) -> Millis | None:
    return None if clock is None else Millis(max(0, clock - spent))
