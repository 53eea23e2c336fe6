"""`individual`: each participant has a clock of its own, and many run at once (exams, races).

A session is read at the instant `updated_at`: `advance` moves it, because a closing time comes
nearer also while no clock runs.
"""

from collections.abc import Collection, Iterator, Mapping

from shared.domain.clocks.base import (
    AdjustableClock,
    ClockName,
    ClockOwner,
    ClockRules,
    ClockScope,
    DrawnClocks,
)
from shared.domain.clocks.individual_times import (
    begin,
    clock_of,
    closing_time,
    countdown_to_close,
    deadlines,
    ended_if_all_are_done,
    first_deadline,
    individual_clocks,
    next_due,
    own_time_left,
    settings_of,
    until,
    usual_time_left,
    with_clock,
    with_participants,
)
from shared.domain.errors import RuleViolation, Violation
from shared.domain.individual_clock import Begins, RunState
from shared.domain.session import Participant, Session, Status
from shared.domain.time_budget import Clock
from shared.domain.units import Instant, Millis, elapsed_between
from shared.domain.values import replace


class Individual(ClockRules):
    """Nobody takes turns: no participant is active, and the session has one cycle."""

    def advance(self, session: Session, now: Instant) -> Session:
        if now <= session.updated_at:
            return session
        if session.cycle_started_at is None:
            return replace(session, updated_at=now)
        elapsed = elapsed_between(session.cycle_started_at, now)
        return replace(self.spend(session, elapsed), updated_at=now)

    def spend(self, session: Session, elapsed: Millis) -> Session:
        """Return the session after it ran for `elapsed` ms; no participant changes."""
        return replace(
            session,
            used_ms=Millis(session.used_ms + elapsed),
            cycle_used_ms=Millis(session.cycle_used_ms + elapsed),
        )

    def value(self, session: Session) -> Millis | None:
        """Return the time until the next deadline."""
        at = self.deadline(session)
        return None if at is None else elapsed_between(session.updated_at, at)

    def deadline(self, session: Session) -> Instant | None:
        return first_deadline(session)

    def next_due(self, session: Session) -> Instant | None:
        due = next_due(session)
        return due[0] if due else None

    def value_of(self, session: Session, participant: Participant) -> Millis | None:
        left = own_time_left(session, participant)
        if clock_of(participant).state.is_done or session.status.is_terminal:
            return left
        until_close = until(session, closing_time(session, participant))
        return min((ms for ms in (left, until_close) if ms is not None), default=None)

    def start(self, session: Session) -> Session:
        if settings_of(session).begins is Begins.EACH:
            return session
        waiting = [p for p in session.participants if clock_of(p).state is RunState.NOT_BEGUN]
        return begin(session, waiting)

    def end(self, session: Session) -> Session:
        """Close all who are not done."""
        open_ones = [p for p in session.participants if not clock_of(p).state.is_done]
        closed = [with_clock(p, clock_of(p).close(session.used_ms)) for p in open_ones]
        return with_participants(session, closed)

    def owner(self, session: Session) -> ClockOwner:
        return ClockOwner()

    def running(self, session: Session) -> list[tuple[ClockOwner, Millis]]:
        if session.status is not Status.RUNNING:
            return []
        timed = zip(session.participants, deadlines(session), strict=True)
        return [
            (self.side(p), elapsed_between(session.updated_at, at))
            for p, at in timed
            if at is not None and clock_of(p).state is RunState.RUNNING
        ]

    def max_unattended_ms(self, session: Session) -> Millis:
        latest, longest = session.updated_at, Millis(0)
        for participant, at in zip(session.participants, deadlines(session), strict=True):
            if at is not None:
                latest = max(latest, at)
            elif clock_of(participant).state in (RunState.NOT_BEGUN, RunState.PAUSED):
                longest = max(longest, own_time_left(session, participant) or Millis(0))
        longest = max(longest, elapsed_between(session.updated_at, latest))
        return Millis(longest + settings_of(session).grace_ms)

    def join(self, session: Session, newcomer: Participant) -> Session:
        return replace(super().join(session, newcomer), active_participant_id=None)

    def leave(self, session: Session, leaver: Participant) -> Session:
        return ended_if_all_are_done(super().leave(session, leaver))

    def adjust(self, session: Session, participant: Participant, value: Millis) -> Session:
        """Set the time left of the participant's limit. Raises `RuleViolation` without a limit."""
        if session.total_time_ms is None:
            message = "needs a clock that runs toward zero: this session has no total_time_ms"
            raise RuleViolation(Violation("total_time_ms", message, "not_allowed"))
        return self.with_values(session, {_name_of(participant): value})

    def adjustable(self, session: Session, scope: ClockScope) -> list[ClockName]:
        """Return the clocks of all who are not done."""
        if scope is not ClockScope.ALL or session.total_time_ms is None:
            return []
        return [_name_of(p) for p in session.participants if not clock_of(p).state.is_done]

    def adjustable_of(self, session: Session, participant: Participant) -> ClockName | None:
        return None if session.total_time_ms is None else _name_of(participant)

    def adjustable_clocks(self, session: Session) -> Iterator[AdjustableClock]:
        for participant in session.participants:
            left = own_time_left(session, participant)
            if left is not None:
                factor = clock_of(participant).allowance.factor_permille
                yield AdjustableClock(_name_of(participant), left, factor_permille=factor)

    def with_values(self, session: Session, values: Mapping[ClockName, Millis]) -> Session:
        """Set the time left of limits. An overdue participant with time left runs again."""
        named = {name.participant_id: value for name, value in values.items()}
        return with_participants(
            session,
            [
                _with_time_left(session, participant, named[participant.participant_id])
                for participant in session.participants
                if participant.participant_id in named
            ],
        )

    def drawn(self, session: Session, only: Collection[int] | None = None) -> DrawnClocks:
        value = self.value(session)
        return DrawnClocks(
            individual_clocks(session, only),
            (),
            None if value is None else Clock(value, -1),
            _session_clock(session),
            None,
            Clock(session.used_ms, 0 if session.cycle_started_at is None else 1),
        )


def _session_clock(session: Session) -> Clock | None:
    """Return the time left until `closes_at`, or of those who began at the start."""
    settings, total = settings_of(session), session.total_time_ms
    is_over = session.status.is_terminal
    until_close = None if is_over else until(session, settings.closes_at)
    if total is not None and settings.begins is Begins.TOGETHER and not settings.rounds:
        left, is_running = usual_time_left(session), session.status is Status.RUNNING
        return countdown_to_close(left, until_close, is_running=is_running)
    return None if until_close is None else Clock(until_close, -1 if until_close else 0)


def _with_time_left(session: Session, participant: Participant, value: Millis) -> Participant:
    clock = clock_of(participant)
    given = clock.given_ms + value - (own_time_left(session, participant) or 0)
    adjusted = replace(clock, given_ms=given)
    is_closing = until(session, closing_time(session, participant)) == 0
    if clock.state is RunState.OVERDUE and value and not is_closing:
        adjusted = adjusted.resume(session.used_ms)
    return replace(participant, individual=adjusted)


def _name_of(participant: Participant) -> ClockName:
    return ClockName(participant_id=participant.participant_id)
