"""The times of participants in `individual`: what each has left, and when each is due.

A session is read at the instant `updated_at`.
"""

from collections.abc import Collection, Iterable, Sequence

from shared.domain.individual_clock import (
    STANDARD,
    IndividualClock,
    IndividualSettings,
    RunState,
)
from shared.domain.session import Participant, Session, Status
from shared.domain.time_budget import Clock
from shared.domain.units import Instant, Millis, after, elapsed_between
from shared.domain.values import remembered, replace

_NO_SETTINGS = IndividualSettings()
_NO_CLOCK = IndividualClock()
_MAY_RUN_OUT = (RunState.RUNNING, RunState.NOT_BEGUN, RunState.PAUSED)


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


def usual_time_left(session: Session) -> Millis:
    """Return the time left of a participant who began at the start and has no extra time, ms.

    `session` must have a `total_time_ms`.
    """
    granted = (session.total_time_ms or 0) + settings_of(session).given_ms
    return Millis(max(0, granted - session.used_ms))


def with_usual_time_left(session: Session, value: Millis) -> Session:
    """Return the session after a correction of all clocks, with `value` as the usual time left.

    A time that is over stays over unless a participant without extra time can still use it.
    """
    people = (clock_of(participant) for participant in session.participants)
    can_use = any(clock.allowance == STANDARD and not clock.state.is_done for clock in people)
    if session.individual is None or not (can_use or usual_time_left(session)):
        return session
    given_ms = value + session.used_ms - (session.total_time_ms or 0)
    return replace(session, individual=replace(session.individual, given_ms=given_ms))


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


@remembered
def next_due(session: Session) -> tuple[Instant, Participant] | None:
    """Return the next deadline or end of a grace period, and whose it is; None if there is none.

    Of several at the same instant, the one of the lowest `participant_index`.
    """
    grace_ms = settings_of(session).grace_ms
    found: tuple[Instant, Participant] | None = None
    for participant, at in zip(session.participants, deadlines(session), strict=True):
        if at is None:
            clock = clock_of(participant)
            if clock.state is not RunState.OVERDUE or clock.expired_at is None:
                continue
            at = after(clock.expired_at, grace_ms)
        if found is None or at < found[0]:
            found = at, participant
    return found


@remembered
def granted_times(session: Session) -> Sequence[Millis | None]:
    """Return all time that each participant may use, ms; None where time counts up.

    Most have the usual allowance, whose limit is calculated once.
    """
    total, usual = session.total_time_ms, STANDARD.limit_ms(session.total_time_ms)
    clocks = [participant.individual or _NO_CLOCK for participant in session.participants]
    return [
        Millis(usual + own.given_ms)
        if usual is not None and own.allowance is STANDARD
        else own.granted_ms(total)
        for own in clocks
    ]


@remembered
def deadlines(session: Session) -> Sequence[Instant | None]:
    """Return the deadline of each participant; None if its time isn't running out or has run out.

    Every change asks for them several times, for up to 1 000 participants.
    """
    settings, now = settings_of(session), session.updated_at
    is_running = session.status is Status.RUNNING
    found: list[Instant | None] = []
    for participant, granted in zip(session.participants, granted_times(session), strict=True):
        clock = participant.individual or _NO_CLOCK
        state = clock.state
        if state not in _MAY_RUN_OUT:
            found.append(None)
            continue
        closes_at = clock.allowance.closes_at
        at = settings.closes_at if closes_at is None else closes_at
        if is_running and state is RunState.RUNNING and granted is not None:
            own = Instant(now + granted + clock.origin_ms - session.used_ms)
            at = own if at is None or own < at else at
        found.append(at)
    return found


@remembered
def first_deadline(session: Session) -> Instant | None:
    """Return the first of all deadlines; None if no time is running out."""
    return min([at for at in deadlines(session) if at is not None], default=None)


def individual_clocks(session: Session, only: Collection[int] | None = None) -> list[Clock]:
    """Return what clients draw for each participant, in their order.

    With `only`, for the participants of these `participant_index`. Like `deadlines`, this is one
    loop, because an answer shows all participants.
    """
    session_ms = session.used_ms
    is_over, is_session_running = session.status.is_terminal, session.status is Status.RUNNING
    until_close_of_all = until(session, settings_of(session).closes_at)
    clocks = []
    for participant, granted in zip(session.participants, granted_times(session), strict=True):
        if only is not None and participant.participant_index not in only:
            continue
        own = participant.individual or _NO_CLOCK
        closes_at = own.allowance.closes_at
        until_close = until_close_of_all if closes_at is None else until(session, closes_at)
        if is_over or own.state.is_done:
            until_close = None
        is_running = is_session_running and own.state is RunState.RUNNING
        used = own.used_at(session_ms)
        if granted is None:
            clocks.append(_upward(used, until_close, is_running=is_running))
        else:
            left = Millis(granted - used) if granted > used else Millis(0)
            clocks.append(countdown_to_close(left, until_close, is_running=is_running))
    return clocks


def _upward(used: Millis, until_close: Millis | None, *, is_running: bool) -> Clock:
    """Return the clock of a participant without a limit, who has used `used` ms."""
    if not is_running:
        return Clock(used, 0)
    return Clock(used, 1, ceiling_ms=None if until_close is None else Millis(used + until_close))


def begin(session: Session, participants: Iterable[Participant]) -> Session:
    """Let `participants` begin at the session's instant."""
    instant, session_ms = session.updated_at, session.used_ms
    return with_participants(
        session,
        [replace(p, individual=clock_of(p).begin(session_ms, instant)) for p in participants],
    )


def until(session: Session, instant: Instant | None) -> Millis | None:
    """Return the time until `instant`, at least 0 ms; None if there is no such instant."""
    return None if instant is None else elapsed_between(session.updated_at, instant)


def countdown_to_close(left: Millis, until_close: Millis | None, *, is_running: bool) -> Clock:
    """Return the clock of `left` ms that is cut at the close.

    If it isn't running, it stands still until less than that is left to the close, and then runs.
    """
    if until_close is not None and until_close <= left:
        return Clock(until_close, -1 if until_close else 0)
    if is_running or until_close is None:
        return Clock(left, -1 if is_running and left else 0)
    return Clock(left, -1, hold_ms=Millis(until_close - left))
