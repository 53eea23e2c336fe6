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
    lowest_value,
    over_ms,
)
from shared.domain.errors import RuleViolation, Violation
from shared.domain.programme import OnEnd, Programme
from shared.domain.schedule import NO_LIMIT, ends_while_paused_at
from shared.domain.session import Participant, Session, TimeoutKind
from shared.domain.units import Instant, Millis
from shared.domain.values import replace


class _SessionClockRules(ClockRules):
    """A session clock, which ends the session at zero, and perhaps a clock of each cycle."""

    def draw(self, session: Session, spent: Millis) -> Session:
        lowest = lowest_value(session)
        return replace(
            session,
            session_left_ms=_reduced(session.session_left_ms, spent, lowest),
            cycle_left_ms=_reduced(session.cycle_left_ms, spent, lowest),
        )

    def is_session_over(self, session: Session) -> bool:
        return session.session_left_ms == 0 and not session.overtime

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

    One of the two may be absent. With a programme, each cycle is an item, and there is no session
    clock.
    """

    def value(self, session: Session) -> Millis | None:
        """Return the clock that reaches zero next, or else the last one that did."""
        values = _clock_values(session)
        return min((ms for ms in values if ms > 0), default=max(values, default=Millis(0)))

    def value_of(self, session: Session, participant: Participant) -> Millis | None:
        return min(_clock_values(session), default=None)

    def deadline(self, session: Session) -> Instant | None:
        """See `ClockRules`. In a pause, the session clock can run on toward `ends_at`."""
        if session.cycle_started_at is None:
            return ends_while_paused_at(session)
        return super().deadline(session)

    def over_ms(self, session: Session) -> Millis:
        return over_ms(min(_clock_values(session), default=None))

    def running_ms(self, session: Session) -> Millis | None:
        """See `ClockRules`. In an overrun, a clock runs on although the other one has stopped."""
        if not session.counts_overrun:
            return self.left(session)
        return Millis(max(0, max(_clock_values(session), default=0) - lowest_value(session)))

    def draw(self, session: Session, spent: Millis) -> Session:
        drawn, programme = super().draw(session, spent), session.programme
        if programme is None:
            return drawn
        over = max(0, spent - max(0, session.cycle_left_ms or 0))
        return replace(
            drawn, programme=replace(programme, over_ms=Millis(programme.over_ms + over))
        )

    def is_session_over(self, session: Session) -> bool:
        """A programme ends with its last item, unless that one waits."""
        programme = session.programme
        if programme is None:
            return super().is_session_over(session)
        return programme.next_place is None and programme.current.on_end is OnEnd.NEXT

    def open(self, session: Session) -> Session:
        total = session.total_time_ms
        if total is None and session.ends_at is not None:
            total = NO_LIMIT
        session = replace(session, session_left_ms=total)
        return self.begin_cycle(session)

    def begin_cycle(self, session: Session) -> Session:
        return replace(session, cycle_left_ms=session.full_cycle_ms)

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
        return Millis(max(session.session_left_ms, self.left(session) or 0))

    def automatic_cycle_lengths(self, session: Session) -> list[Millis]:
        if session.programme:
            return _automatic_lengths(session.programme)
        return [session.time_per_cycle_ms] if session.time_per_cycle_ms else []

    def owner(self, session: Session) -> ClockOwner:
        if session.session_left_ms == self.value(session):
            return ClockOwner()
        return super().owner(session)

    def running(self, session: Session) -> list[tuple[ClockOwner, Millis]]:
        """Return both clocks, because each is warned of at every threshold."""
        owned = (
            (ClockOwner(), session.session_left_ms),
            (super().owner(session), session.cycle_left_ms),
        )
        lowest = lowest_value(session)
        return [(side, value) for side, value in owned if value is not None and value > lowest]


class CountUp(_SessionClockRules):
    """Time counts up, to `max_time_ms` if that is set (speedruns, laps)."""

    def value(self, session: Session) -> Millis | None:
        return session.session_left_ms

    def value_of(self, session: Session, participant: Participant) -> Millis | None:
        return session.session_left_ms

    def open(self, session: Session) -> Session:
        return replace(session, session_left_ms=session.max_time_ms)

    def adjust(self, session: Session, participant: Participant, value: Millis) -> Session:
        """Set the time left until `max_time_ms`, which moves with it.

        Raises `RuleViolation` if none is set.
        """
        if session.session_left_ms is None:
            message = "needs a clock that runs toward zero: this session has no max_time_ms"
            raise RuleViolation(Violation("total_time_ms", message, "not_allowed"))
        session = session.with_participant(replace(participant, bank_ms=value))
        return self.with_values(session, {SESSION_CLOCK: value})

    def with_values(self, session: Session, values: Mapping[ClockName, Millis]) -> Session:
        """Move the ceiling, so that as much time is left until it."""
        adjusted = super().with_values(session, values)
        ceiling = Millis(session.used_ms + (adjusted.session_left_ms or 0))
        return replace(adjusted, max_time_ms=ceiling)

    def owner(self, session: Session) -> ClockOwner:
        return ClockOwner()


def _clock_values(session: Session) -> list[Millis]:
    return [ms for ms in (session.session_left_ms, session.cycle_left_ms) if ms is not None]


def _automatic_lengths(programme: Programme) -> list[Millis]:
    return [item.duration_ms for item in programme.items if item.on_end is OnEnd.NEXT]


def _reduced(clock: Millis | None, spent: Millis, lowest: int) -> Millis | None:
    return None if clock is None else Millis(max(lowest, clock - spent))
