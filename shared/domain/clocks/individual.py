"""`individual`: each participant has a clock of its own, and many run at once (exams, races).

A session is read at the instant `updated_at`: `advance` moves it, because a closing time comes
nearer also while no clock runs.
"""

from collections.abc import Iterable, Iterator, Mapping

from shared.domain.clocks.base import (
    AdjustableClock,
    ClockName,
    ClockOwner,
    ClockRules,
    ClockScope,
)
from shared.domain.errors import RuleViolation, Violation
from shared.domain.individual_clock import (
    Begins,
    IndividualClock,
    IndividualSettings,
    RunState,
)
from shared.domain.session import Participant, Session, Status
from shared.domain.time_budget import Clock
from shared.domain.units import Instant, Millis, after, elapsed_between
from shared.domain.values import replace

_NO_SETTINGS = IndividualSettings()
_NO_CLOCK = IndividualClock()


def settings_of(session: Session) -> IndividualSettings:
    """Return the session's settings; the defaults in any other mode."""
    return session.individual or _NO_SETTINGS


def clock_of(participant: Participant) -> IndividualClock:
    """Return the participant's clock."""
    return participant.individual or _NO_CLOCK


def with_clock(participant: Participant, clock: IndividualClock) -> Participant:
    """Return the participant with `clock`; its used time grows as the clock's has grown."""
    grown = max(0, clock.used_ms - clock_of(participant).used_ms)
    return replace(participant, individual=clock, used_ms=Millis(participant.used_ms + grown))


def with_participants(session: Session, changed: Iterable[Participant]) -> Session:
    """Return the session with those participants; all others stay the same objects."""
    by_id = {participant.participant_id: participant for participant in changed}
    return replace(
        session,
        participants=tuple([by_id.get(p.participant_id, p) for p in session.participants]),
    )


def closing_time(session: Session, participant: Participant) -> Instant | None:
    """Return when the participant's time is over at the latest: by its own rule or by that of all.

    None if there is no such instant.
    """
    own = clock_of(participant).allowance.closes_at
    return settings_of(session).closes_at if own is None else own


def own_time_left(session: Session, participant: Participant) -> Millis | None:
    """Return the time left of the participant's limit, ms, whatever its closing time."""
    clock = clock_of(participant)
    granted = clock.granted_ms(session.total_time_ms)
    if granted is None:
        return None
    return Millis(max(0, granted - clock.used_at(session.used_ms)))


def deadline_of(session: Session, participant: Participant) -> Instant | None:
    """Return the participant's deadline; None if its time isn't running out or has run out."""
    state = clock_of(participant).state
    if state.is_done or state is RunState.OVERDUE:
        return None
    closes_at = closing_time(session, participant)
    left = own_time_left(session, participant) if _is_running(session, state) else None
    if left is None:
        return closes_at
    at = after(session.updated_at, left)
    return at if closes_at is None else min(at, closes_at)


def ended_if_all_are_done(session: Session) -> Session:
    """Return the session, ended if all are done; `completed` if anybody has finished."""
    states = (clock_of(participant).state for participant in session.participants)
    if settings_of(session).rounds or not all(state.is_done for state in states):
        return session
    has_finisher = any(clock_of(p).state is RunState.FINISHED for p in session.participants)
    status = Status.COMPLETED if has_finisher else Status.EXPIRED
    return replace(
        session,
        status=status,
        cycle_started_at=None,
        session_completed_at=session.updated_at,
    )


def next_due(session: Session) -> tuple[Instant, Participant] | None:
    """Return the next deadline or end of a grace period, and whose it is; None if there is none.

    Of several at the same instant, the one of the lowest `participant_index`.
    """
    grace_ms = settings_of(session).grace_ms
    found: tuple[Instant, Participant] | None = None
    for participant, at in zip(session.participants, deadlines(session), strict=True):
        clock = clock_of(participant)
        if clock.state is RunState.OVERDUE and clock.expired_at is not None:
            at = after(clock.expired_at, grace_ms)
        if at is not None and (found is None or at < found[0]):
            found = at, participant
    return found


def deadlines(session: Session) -> Iterator[Instant | None]:
    """Yield `deadline_of` each participant.

    Every change asks for them, of up to 1 000 participants: in one loop, they take a tenth.
    """
    settings, total, now = settings_of(session), session.total_time_ms, session.updated_at
    runs = session.status is Status.RUNNING and total is not None
    running, stopped = RunState.RUNNING, (RunState.NOT_BEGUN, RunState.PAUSED)
    for participant in session.participants:
        clock = participant.individual or _NO_CLOCK
        state = clock.state
        if state is not running and state not in stopped:
            yield None
            continue
        allowance = clock.allowance
        closes_at = settings.closes_at if allowance.closes_at is None else allowance.closes_at
        if state is running and runs:
            granted = clock.granted_ms(total)
            at = now + granted + clock.origin_ms - session.used_ms
            yield Instant(at) if closes_at is None or at < closes_at else closes_at
        else:
            yield closes_at


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

    def left(self, session: Session) -> Millis | None:
        """Return the time until the next deadline."""
        at = self.deadline(session)
        return None if at is None else elapsed_between(session.updated_at, at)

    def deadline(self, session: Session) -> Instant | None:
        return min((at for at in deadlines(session) if at is not None), default=None)

    def next_due(self, session: Session) -> Instant | None:
        due = next_due(session)
        return due[0] if due else None

    def time_left_of(self, session: Session, participant: Participant) -> Millis | None:
        left = own_time_left(session, participant)
        if clock_of(participant).state.is_done or session.status.is_terminal:
            return left
        until_close = _until(session, closing_time(session, participant))
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
        spans = [Millis(0)]
        for participant in session.participants:
            clock, closes_at = clock_of(participant), closing_time(session, participant)
            if clock.state is RunState.OVERDUE or clock.state.is_done:
                continue
            span = _until(session, closes_at) or own_time_left(session, participant)
            spans.append(span or Millis(0))
        return Millis(max(spans) + settings_of(session).grace_ms)

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

    def clocks(self, session: Session) -> list[Clock | None]:
        return [*individual_clocks(session)]

    def clock(self, session: Session) -> Clock | None:
        left = self.left(session)
        return None if left is None else Clock(left, -1)

    def session_clock(self, session: Session) -> Clock | None:
        """Return the time left until `closes_at`, or of those who began at the start."""
        settings, total = settings_of(session), session.total_time_ms
        is_over = session.status.is_terminal
        until_close = None if is_over else _until(session, settings.closes_at)
        if total is not None and settings.begins is Begins.TOGETHER and not settings.rounds:
            left = Millis(max(0, total - session.used_ms))
            is_running = session.status is Status.RUNNING
            return _countdown(left, until_close, is_running=is_running)
        return None if until_close is None else Clock(until_close, -1 if until_close else 0)

    def elapsed_clock(self, session: Session) -> Clock:
        return Clock(session.used_ms, 0 if session.cycle_started_at is None else 1)


def individual_clocks(session: Session) -> list[Clock]:
    """Return what clients draw for each participant, in their order."""
    return [_wire_clock(session, participant) for participant in session.participants]


def _wire_clock(session: Session, participant: Participant) -> Clock:
    clock = clock_of(participant)
    left = own_time_left(session, participant)
    is_over = session.status.is_terminal or clock.state.is_done
    until_close = None if is_over else _until(session, closing_time(session, participant))
    is_running = _is_running(session, clock.state)
    if left is not None:
        return _countdown(left, until_close, is_running=is_running)
    used = clock.used_at(session.used_ms)
    if not is_running:
        return Clock(used, 0)
    ceiling = None if until_close is None else Millis(used + until_close)
    return Clock(used, 1, ceiling_ms=ceiling)


def begin(session: Session, participants: Iterable[Participant]) -> Session:
    """Let `participants` begin at the session's instant."""
    instant, session_ms = session.updated_at, session.used_ms
    return with_participants(
        session,
        [replace(p, individual=clock_of(p).begin(session_ms, instant)) for p in participants],
    )


def _with_time_left(session: Session, participant: Participant, value: Millis) -> Participant:
    clock = clock_of(participant)
    given = clock.given_ms + value - (own_time_left(session, participant) or 0)
    adjusted = replace(clock, given_ms=given)
    is_closing = _until(session, closing_time(session, participant)) == 0
    if clock.state is RunState.OVERDUE and value and not is_closing:
        adjusted = adjusted.resume(session.used_ms)
    return replace(participant, individual=adjusted)


def _is_running(session: Session, state: RunState) -> bool:
    return state is RunState.RUNNING and session.status is Status.RUNNING


def _until(session: Session, instant: Instant | None) -> Millis | None:
    return None if instant is None else elapsed_between(session.updated_at, instant)


def _countdown(left: Millis, until_close: Millis | None, *, is_running: bool) -> Clock:
    """Return the clock of `left` ms that is cut at the close.

    If it isn't running, it stands until the close is nearer than that, and then runs toward it.
    """
    if until_close is not None and until_close <= left:
        return Clock(until_close, -1 if until_close else 0)
    if is_running or until_close is None:
        return Clock(left, -1 if is_running and left else 0)
    return Clock(left, -1, hold_ms=Millis(until_close - left))


def _name_of(participant: Participant) -> ClockName:
    return ClockName(participant_id=participant.participant_id)
