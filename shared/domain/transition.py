"""Apply one command to a session."""

from collections.abc import Callable, Mapping
from typing import Any

from shared.domain import commands as c
from shared.domain.adjustment import adjust_clocks, check_not_emptied
from shared.domain.changes import change
from shared.domain.clocks import ClockOwner, clocks_of
from shared.domain.errors import (
    InvalidTransition,
    NotActiveParticipant,
    RuleViolation,
    StaleVersion,
    UnknownParticipant,
    Violation,
)
from shared.domain.events import EventType, Expiry, SessionChange
from shared.domain.extension import check_not_closed, last_extension_ms, with_extension
from shared.domain.individual_rules import action_violation
from shared.domain.individual_transition import INDIVIDUAL_TRANSITIONS, close_participant
from shared.domain.lag import LagClaim
from shared.domain.lag_compensation import end_turn, with_quotas
from shared.domain.lifecycle import LIFECYCLE_TRANSITIONS, end_session, require_running
from shared.domain.participants import (
    add_participant,
    bank_violation,
    choose_starter,
    remove_participant,
    set_retired,
)
from shared.domain.programme_rules import setting_violations
from shared.domain.schedule import (
    NO_LIMIT,
    schedule_violations,
    with_end_following,
)
from shared.domain.scheduling import SCHEDULING_TRANSITIONS, without_impossible
from shared.domain.session import Participant, Session, Status, SyncMode
from shared.domain.settlement import applied_action, begin_next_cycle, flag_fall
from shared.domain.switch_record import with_correction
from shared.domain.timekeeping import at_time, move_anchor
from shared.domain.undo import ended_participant, undo
from shared.domain.units import Instant
from shared.domain.values import replace


def transition(session: Session, command: c.Command, now: Instant) -> SessionChange:
    """Return the change that `command` makes at `now`.

    `session` must be settled up to `now` for that command.

    Raises a `Refusal` if the command isn't allowed.
    """
    return without_impossible(_TRANSITIONS[type(command)](session, command, now))


def _switch(session: Session, command: c.Switch, now: Instant) -> SessionChange:
    if session.sync_mode is SyncMode.INDIVIDUAL:
        raise InvalidTransition("has no turns: its participants begin and finish", session.status)
    require_running(session, "is not running")
    if command.current_participant_id not in (None, session.active_participant_id):
        raise NotActiveParticipant(session.active_participant_id)
    next_id = _next_participant_id(session, command)
    if session.programme and session.programme.next_place is None:
        return end_session(session, Status.COMPLETED, EventType.SESSION_COMPLETED, now)
    metadata: dict[str, Any] = {}
    if session.lag is None:
        session = at_time(session, now)
    else:
        session, claim = end_turn(session, session.lag, command, now)
        if command.acted_at_ms is not None or command.frame_lag_ms is not None:
            metadata["lag"] = _recorded(claim)
    check_not_closed(session)
    switched = with_extension(session, begin_next_cycle(session, next_id, now), now)
    if extended_by_ms := last_extension_ms(switched):
        metadata["extended_by_ms"] = extended_by_ms
    return _switched(session, switched, now, metadata)


def _go(session: Session, command: c.GoToItem, now: Instant) -> SessionChange:
    require_running(session, "is not running")
    place = session.programme.place_of(command.item_id) if session.programme else None
    if place is None:
        message = "is not an item of this session" if session.programme else "needs a programme"
        code = "unknown_item" if session.programme else "not_allowed"
        raise RuleViolation(Violation("item_id", message, code))
    session = at_time(session, now)
    next_id = clocks_of(session).next_in_turn(session)
    return _switched(session, begin_next_cycle(session, next_id, now, place), now, {})


def _switched(
    before: Session, after: Session, now: Instant, metadata: dict[str, Any]
) -> SessionChange:
    """Return the event of a switch; `before` is the session when the cycle ended."""
    item = after.programme.as_metadata() if after.programme else {}
    metadata = {"next_participant_id": after.active_participant_id, **item, **metadata}
    switched = change(EventType.CYCLE_SWITCHED, after, now, before=before, metadata=metadata)
    if switched.time_remaining_ms:  # then its clock has not expired
        return switched
    return replace(switched, expiry=_expiry_of(before))


def _recorded(claim: LagClaim) -> dict[str, Any]:
    """The claim as the audit event shows it; `error_ms` is None if the client sent none."""
    recorded = {
        "claimed_ms": claim.claimed_ms,
        "compensated_ms": claim.compensated_ms,
        "error_ms": claim.error_ms,
    }
    frame_lag = claim.frame_lag_ms
    return recorded if frame_lag is None else recorded | {"frame_lag_ms": frame_lag}


def _next_participant_id(session: Session, command: c.Switch) -> str | None:
    named = command.next_participant_id
    if named is None:
        return clocks_of(session).next_in_turn(session)
    participant = session.find(named)
    if participant is None:
        message = "next_participant_id is not a participant of this session"
        violation = Violation("next_participant_id", message, "unknown_participant")
        raise RuleViolation(violation, summary=message)
    if participant.is_retired:
        raise RuleViolation(Violation("next_participant_id", "is retired", "retired"))
    return named


def _expiry_of(session: Session) -> Expiry | None:
    """The expiry of the clock that is switched away from, if it is at zero."""
    clocks, active = clocks_of(session), session.active
    if active is None:
        has_expired = session.cycle_left_ms is not None and session.cycle_left_ms <= 0
        return Expiry(ClockOwner(), applied_action(session)) if has_expired else None
    value = clocks.value_of(session, active)
    if value is None or value > 0:
        return None
    return Expiry(clocks.side(active), applied_action(session))


def _delete(session: Session, _: c.Delete, now: Instant) -> SessionChange:
    return change(EventType.SESSION_DELETED, move_anchor(session, now), now)


def _add(session: Session, command: c.AddParticipant, now: Instant) -> SessionChange:
    if session.status.is_terminal:
        raise InvalidTransition("cannot take participants", session.status)
    moved, newcomer = move_anchor(session, now), command.newcomer
    joined = with_correction(add_participant(moved, newcomer, allow_cut=command.allow_cut))
    joined = with_quotas(joined)
    side = ClockOwner(participant_id=command.newcomer.participant_id)
    return change(EventType.PARTICIPANT_ADDED, joined, now, side=side)


def _adjust(session: Session, command: c.AdjustTime, now: Instant) -> SessionChange:
    if session.status.is_terminal:
        raise InvalidTransition("cannot be adjusted", session.status)
    session = move_anchor(session, now)
    adjusted = _adjusted(session, _found(session, command.participant_id), command, now)
    given: dict[str, Any] = {"total_time_ms": command.total_time_ms}
    if command.total_time_ms is None:
        given = {"overtime_periods": command.overtime_periods}
    return change(
        EventType.PARTICIPANT_TIME_ADJUSTED,
        adjusted,
        now,
        side=ClockOwner(participant_id=command.participant_id),
        metadata={**given, "reason": command.reason},
    )


def _found(session: Session, participant_id: str) -> Participant:
    participant = session.find(participant_id)
    if participant is None:
        raise UnknownParticipant(participant_id)
    return participant


def _adjusted(
    session: Session, participant: Participant, command: c.AdjustTime, now: Instant
) -> Session:
    _check_adjustment(session, participant, command)
    clocks, value, periods = clocks_of(session), command.total_time_ms, command.overtime_periods
    if periods is not None:
        session = clocks.with_periods(session, participant, periods)
        participant = _found(session, participant.participant_id)
    if value is not None:
        adjusted = clocks.adjust(at_time(session, now), participant, value)
        session = with_end_following(session, adjusted, now)
    if value == 0 or periods == 0:
        field = "overtime_periods" if value is None else "total_time_ms"
        check_not_emptied(session, [_found(session, participant.participant_id)], field)
    return with_correction(session)


def _update_participant(
    session: Session, command: c.UpdateParticipant, now: Instant
) -> SessionChange:
    if session.status.is_terminal:
        raise InvalidTransition("cannot be updated", session.status)
    session = move_anchor(session, now)
    participant, given = _found(session, command.participant_id), dict[str, Any]()
    if adjustment := command.adjustment:
        session = _adjusted(session, participant, adjustment, now)
        given |= {
            "total_time_ms": adjustment.total_time_ms,
            "overtime_periods": adjustment.overtime_periods,
        }
    given |= {"is_retired": command.is_retired, "reason": command.reason}
    given = {name: value for name, value in given.items() if value is not None}
    if command.is_renamed:
        participant = _found(session, command.participant_id)
        session = session.with_participant(replace(participant, name=command.name))
        given["name"] = command.name
    if command.is_retired is not None:
        participant = _found(session, command.participant_id)
        session = set_retired(session, participant, is_retired=command.is_retired)
    side = ClockOwner(participant_id=command.participant_id)
    return change(EventType.PARTICIPANT_UPDATED, session, now, side=side, metadata=given)


def _remove(session: Session, command: c.RemoveParticipant, now: Instant) -> SessionChange:
    if session.status.is_terminal:
        raise InvalidTransition("cannot lose participants", session.status)
    session = move_anchor(session, now)
    leaver = _found(session, command.participant_id)
    side = ClockOwner(participant_id=leaver.participant_id)
    removed = remove_participant(session, leaver)
    return change(EventType.PARTICIPANT_REMOVED, removed, now, side=side, before=session)


def _forfeit(session: Session, command: c.Forfeit, now: Instant) -> SessionChange:
    if session.sync_mode is SyncMode.INDIVIDUAL:
        return close_participant(session, command, now)
    require_running(session, "is not running")
    session = move_anchor(session, now)
    clocks, participant = clocks_of(session), _found(session, command.participant_id)
    side, is_running = clocks.side(participant), clocks.side(participant) == clocks.owner(session)
    forfeited = with_correction(clocks.forfeit(session, participant))
    if not clocks.time_left_of(session, participant):
        raise RuleViolation(Violation("participant_id", "has no time left", "not_allowed"))
    metadata = {"reason": "forfeit"}
    if command.reason is not None:
        metadata["explanation"] = command.reason
    return flag_fall(forfeited, side, now, is_running=is_running, command_metadata=metadata)


def _update(session: Session, command: c.UpdateSession, now: Instant) -> SessionChange:
    if session.status.is_terminal:
        raise InvalidTransition("cannot be updated", session.status)
    if violation := action_violation(session.sync_mode, command.action_on_timeout):
        raise RuleViolation(violation)
    given = {name: value for name in _SETTINGS if (value := getattr(command, name)) is not None}
    if command.removes_metadata:
        given = {"metadata": None, **given}
    if command.removes_start_at:
        given["start_at"] = None
    updated = replace(move_anchor(session, now), **given)
    if violations := [*setting_violations(updated)]:
        raise RuleViolation(*violations)
    if not _SCHEDULE.isdisjoint(given):
        updated = _rescheduled(session, updated, now)
    if command.active_participant_id is not None:
        given["active_participant_id"] = command.active_participant_id
        updated = choose_starter(updated, command.active_participant_id)
    return change(EventType.SESSION_UPDATED, updated, now, metadata={"fields": [*given]})


def _rescheduled(session: Session, updated: Session, now: Instant) -> Session:
    """Return the session with its new `start_at` and `ends_at`."""
    if session.status is not Status.PENDING:
        raise InvalidTransition("has started: start_at and ends_at cannot change", session.status)
    start_at, ends_at = updated.start_at, updated.ends_at
    closes_at = updated.individual.closes_at if updated.individual else None
    if violations := [*schedule_violations(updated.sync_mode, start_at, ends_at, closes_at, now)]:
        raise RuleViolation(*violations)
    has_no_clock = ends_at is not None and updated.session_left_ms is None
    return replace(updated, session_left_ms=NO_LIMIT) if has_no_clock else updated


_SCHEDULE = frozenset({"start_at", "ends_at"})
_SETTINGS = (
    "metadata",
    "warn_at_ms",
    "action_on_timeout",
    "participants_may_pause",
    "participants_may_give_ms",
    "warn_before_start_ms",
    *sorted(_SCHEDULE),
)
"""The fields of a session that `UpdateSession` sets to the given value."""


def _undo(session: Session, command: c.Undo, now: Instant) -> SessionChange:
    if not session.status.is_ongoing:
        raise InvalidTransition("has no turn to go back to", session.status)
    if command.if_version not in (None, session.version):
        raise StaleVersion(command.if_version or 0, session.version)
    session = move_anchor(session, now)
    ended = ended_participant(session)
    restored = undo(session, command.mode, now)
    side = clocks_of(session).side(ended) if ended else ClockOwner()
    return change(
        EventType.SWITCH_UNDONE,
        restored,
        now,
        side=side,
        metadata={"mode": command.mode.value, "reason": command.reason},
    )


def _check_adjustment(session: Session, participant: Participant, command: c.AdjustTime) -> None:
    clocks, periods = clocks_of(session), command.overtime_periods
    control = clocks.control_of(session, participant)
    bank_ms, violations = command.total_time_ms, list[Violation]()
    if bank_ms is not None and (violation := bank_violation(bank_ms, control, "total_time_ms")):
        violations.append(violation)
    most = control.overtime.periods if control and control.overtime else 0
    changes_nothing = not most and bank_ms is None
    if periods is not None and (periods > most or changes_nothing):
        message = f"cannot exceed {most}" if most else "needs a clock with overtime periods"
        code = "too_big" if most else "not_allowed"
        violations.append(Violation("overtime_periods", message, code))
    if violations:
        raise RuleViolation(*violations)


_TRANSITIONS: Mapping[type[c.Command], Callable[[Session, Any, Instant], SessionChange]] = {
    c.Switch: _switch,
    c.GoToItem: _go,
    c.Delete: _delete,
    c.AddParticipant: _add,
    c.AdjustTime: _adjust,
    c.AdjustClocks: adjust_clocks,
    c.UpdateSession: _update,
    c.UpdateParticipant: _update_participant,
    c.RemoveParticipant: _remove,
    c.Forfeit: _forfeit,
    c.Undo: _undo,
    **LIFECYCLE_TRANSITIONS,
    **INDIVIDUAL_TRANSITIONS,
    **SCHEDULING_TRANSITIONS,
}
