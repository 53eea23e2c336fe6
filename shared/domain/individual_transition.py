"""Commands on single participants in `individual`: begin, finish, reopen, pause, resume, close."""

from collections.abc import Callable, Mapping
from typing import Any

from shared.domain import commands as c
from shared.domain.changes import with_session_metadata
from shared.domain.clocks import ClockOwner, clocks_of
from shared.domain.clocks.individual_times import (
    begin,
    clock_of,
    closing_time,
    ended_if_all_are_done,
    own_time_left,
    settings_of,
    with_clock,
)
from shared.domain.errors import (
    InvalidTransition,
    RuleViolation,
    UnknownParticipant,
    Violation,
    WrongRunState,
)
from shared.domain.events import EventType, SessionChange
from shared.domain.individual_clock import IndividualClock, RunState
from shared.domain.session import Participant, Session, Status, SyncMode
from shared.domain.timekeeping import move_anchor
from shared.domain.units import Instant, after
from shared.domain.values import replace


def close_participant(session: Session, command: c.Forfeit, now: Instant) -> SessionChange:
    """Return the change that ends a participant's run without a finish."""
    session, participant = _at(session, command.participant_id, now)
    clock = clock_of(participant)
    if clock.state.is_done:
        raise WrongRunState(participant.participant_id, "has already ended", clock.state)
    closed = _with(session, participant, clock.close(session.used_ms))
    metadata: dict[str, Any] = {"reason": "forfeit"}
    if command.reason is not None:
        metadata["explanation"] = command.reason
    return _change(EventType.PARTICIPANT_CLOSED, closed, participant, now, metadata)


def _begin(session: Session, command: c.BeginParticipants, now: Instant) -> SessionChange:
    _require_mode(session)
    if session.status is not Status.RUNNING:
        raise InvalidTransition("is not running", session.status)
    session = move_anchor(session, now)
    beginners = _beginners(session, command.participants)
    begun = begin(session, beginners)
    return with_session_metadata(_begun(begun, beginners, now), command.metadata)


def _begun(begun: Session, beginners: list[Participant], now: Instant) -> SessionChange:
    names = [participant.participant_id for participant in beginners]
    if len(beginners) == 1:
        return _change(EventType.PARTICIPANT_BEGUN, begun, beginners[0], now)
    return SessionChange(
        EventType.PARTICIPANT_BEGUN,
        begun.next_version(now),
        now,
        time_remaining_ms=clocks_of(begun).left(begun),
        time_elapsed_ms=begun.cycle_used_ms,
        metadata={"participants": names},
    )


def _beginners(session: Session, names: tuple[str, ...]) -> list[Participant]:
    """Return the named participants, or all who may begin. Raises a `Refusal` if there are none."""
    if not names:
        found = [p for p in session.participants if _refusal_to_begin(session, p) is None]
        if not found:
            message = "must name a participant: nobody is left who may begin"
            raise RuleViolation(Violation("participants", message, "not_allowed"))
        return found
    members = {participant.participant_id: participant for participant in session.participants}
    for name in names:
        if name not in members:
            raise UnknownParticipant(name)
        refusal = _refusal_to_begin(session, members[name])
        if refusal is not None:
            raise WrongRunState(name, refusal, clock_of(members[name]).state)
    return [members[name] for name in dict.fromkeys(names)]


def _refusal_to_begin(session: Session, participant: Participant) -> str | None:
    """Return why the participant may not begin; None if it may."""
    state, closes_at = clock_of(participant).state, closing_time(session, participant)
    if state.is_done and not settings_of(session).rounds:
        return "has already ended"
    if state.is_under_way:
        return "has already begun"
    if closes_at is not None and closes_at <= session.updated_at:
        return "cannot begin after its closing time"
    return None


def _finish(session: Session, command: c.FinishParticipant, now: Instant) -> SessionChange:
    session, participant = _at(session, command.participant_id, now)
    clock = clock_of(participant)
    if not clock.state.is_under_way:
        message = "has already ended" if clock.state.is_done else "has not begun"
        raise WrongRunState(participant.participant_id, message, clock.state)
    clock = clock.finish(session.used_ms, now)
    counted = replace(participant, cycle_count=participant.cycle_count + 1)
    finished = _with(session, counted, clock)
    metadata = None if clock.late_ms is None else {"late_ms": clock.late_ms}
    return _change(EventType.PARTICIPANT_FINISHED, finished, participant, now, metadata)


def _reopen(session: Session, command: c.ReopenParticipant, now: Instant) -> SessionChange:
    session, participant = _at(session, command.participant_id, now)
    name, clock = participant.participant_id, clock_of(participant)
    if not clock.state.is_done:
        raise WrongRunState(name, "has not ended", clock.state)
    if clock.finished_at is not None:
        participant = replace(participant, cycle_count=participant.cycle_count - 1)
    reopened = session.with_participant(_without_end(session, participant))
    return _change(
        EventType.PARTICIPANT_REOPENED, reopened, participant, now, _reason(command.reason)
    )


def _without_end(session: Session, participant: Participant) -> Participant:
    """Return the participant as if its run had not ended. Raises `WrongRunState` without time."""
    clock, closes_at = clock_of(participant), closing_time(session, participant)
    is_open = closes_at is None or closes_at > session.updated_at
    reopened = with_clock(participant, clock.reopen(session.used_ms))
    if is_open and own_time_left(session, reopened) != 0:
        return reopened
    grace_ends = clock.expired_at and after(clock.expired_at, settings_of(session).grace_ms)
    if clock.late_ms is not None and grace_ends and grace_ends > session.updated_at:
        return with_clock(participant, clock.reopen_overdue())
    message = "has no time left" if is_open else "cannot be reopened after its closing time"
    raise WrongRunState(participant.participant_id, message, clock.state)


def _pause(session: Session, command: c.PauseParticipant, now: Instant) -> SessionChange:
    session, participant = _at(session, command.participant_id, now)
    clock = clock_of(participant)
    if clock.state is not RunState.RUNNING:
        raise WrongRunState(participant.participant_id, "is not running", clock.state)
    paused = session.with_participant(with_clock(participant, clock.pause(session.used_ms)))
    return _change(EventType.PARTICIPANT_PAUSED, paused, participant, now, _reason(command.reason))


def _resume(session: Session, command: c.ResumeParticipant, now: Instant) -> SessionChange:
    session, participant = _at(session, command.participant_id, now)
    clock = clock_of(participant)
    if clock.state is not RunState.PAUSED:
        raise WrongRunState(participant.participant_id, "is not paused", clock.state)
    resumed = session.with_participant(with_clock(participant, clock.resume(session.used_ms)))
    return _change(
        EventType.PARTICIPANT_RESUMED, resumed, participant, now, _reason(command.reason)
    )


def _at(session: Session, participant_id: str, now: Instant) -> tuple[Session, Participant]:
    """Return the running or paused session at `now`, and the participant. Raises a `Refusal`."""
    _require_mode(session)
    if not session.status.is_ongoing:
        raise InvalidTransition("is not running", session.status)
    session = move_anchor(session, now)
    participant = session.find(participant_id)
    if participant is None:
        raise UnknownParticipant(participant_id)
    return session, participant


def _require_mode(session: Session) -> None:
    if session.sync_mode is not SyncMode.INDIVIDUAL:
        message = "has no clock of its own: this is for individual only"
        raise RuleViolation(Violation("participant_id", message, "not_allowed"))


def _with(session: Session, participant: Participant, clock: IndividualClock) -> Session:
    """Return the session with that clock, which has ended; the session ends if all have."""
    return ended_if_all_are_done(session.with_participant(with_clock(participant, clock)))


def _reason(reason: str | None) -> dict[str, Any] | None:
    return None if reason is None else {"reason": reason}


def _change(
    event: EventType,
    session: Session,
    participant: Participant,
    now: Instant,
    metadata: Mapping[str, Any] | None = None,
) -> SessionChange:
    """Return the change, with the time that the participant's clock shows after it."""
    changed = session.find(participant.participant_id) or participant
    return SessionChange(
        event,
        session.next_version(now),
        now,
        ClockOwner(participant_id=participant.participant_id),
        time_remaining_ms=clocks_of(session).time_left_of(session, changed),
        time_elapsed_ms=clock_of(changed).used_at(session.used_ms),
        metadata=metadata,
    )


INDIVIDUAL_TRANSITIONS: Mapping[
    type[c.Command], Callable[[Session, Any, Instant], SessionChange]
] = {
    c.BeginParticipants: _begin,
    c.FinishParticipant: _finish,
    c.ReopenParticipant: _reopen,
    c.PauseParticipant: _pause,
    c.ResumeParticipant: _resume,
}
"""The transitions of commands that only `individual` has."""
