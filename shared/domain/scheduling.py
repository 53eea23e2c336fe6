"""Commands ahead of time: accept one, let it take effect at its instant, withdraw it.

A session has at most one scheduled command. It takes effect at its instant, even if the
server handles it later. A stop must always get through: it replaces what is scheduled, unless that
stops the clocks earlier.
"""

from collections.abc import Callable, Mapping
from typing import Any

from shared.domain import commands as c
from shared.domain.adjustment import adjust_clocks
from shared.domain.changes import change
from shared.domain.errors import (
    AlreadyScheduled,
    NothingScheduled,
    Refusal,
    RuleViolation,
    Violation,
)
from shared.domain.events import EventType, SessionChange
from shared.domain.lifecycle import LIFECYCLE_TRANSITIONS
from shared.domain.scheduled_command import MAX_AHEAD, ScheduledCommand, ScheduledOperation
from shared.domain.session import Session, Status
from shared.domain.timekeeping import move_anchor
from shared.domain.units import Instant, elapsed_between
from shared.domain.values import replace


def take_effect(session: Session) -> SessionChange:
    """Return the effect of the scheduled command at its instant.

    `session` must be settled up to that instant. If the command isn't possible then, the change is
    that it is withdrawn.
    """
    scheduled = _scheduled(session)
    at, released = scheduled.effective_at, replace(session, scheduled=None)
    facts: dict[str, Any] = {"scheduled_version": scheduled.version}
    try:
        effect = _apply(released, command_of(scheduled), at)
    except Refusal as refusal:
        facts |= {**_described(scheduled), "refusal": _reason_of(refusal)}
        anchored = move_anchor(released, at)
        effect = change(EventType.COMMAND_UNSCHEDULED, anchored, at)
    metadata = {**(effect.metadata or {}), **facts}
    return replace(effect, metadata=metadata, is_automatic=True)


def outcome(session: Session) -> Session | None:
    """Return the session as the scheduled command will leave it; None if that isn't possible.

    Nothing else is taken to happen before.
    """
    if session.scheduled is None:
        return None
    try:
        return _apply(
            session, command_of(session.scheduled), session.scheduled.effective_at
        ).session
    except Refusal:
        return None


def without_impossible(change: SessionChange) -> SessionChange:
    """Return the change without a scheduled command that its new status makes impossible."""
    session = change.session
    scheduled = session.scheduled
    if scheduled is None or _is_possible(scheduled.operation, session.status):
        return change
    metadata = {**(change.metadata or {}), "unscheduled": scheduled.operation.value}
    return replace(change, session=replace(session, scheduled=None), metadata=metadata)


def command_of(scheduled: ScheduledCommand) -> c.SchedulableCommand:
    """Return the command that takes effect."""
    return scheduled.adjustment or _COMMANDS[scheduled.operation]


def _schedule(session: Session, command: c.Schedule, now: Instant) -> SessionChange:
    _check_instant(command, now)
    if _is_withdrawal(session, command.command):
        return _withdrawn(session, now, {"reason": "paused"})
    effect = _apply(session, command.command, now)
    if command.effective_at <= now:
        return _late(effect, command.effective_at, now)
    scheduled = _accepted(session, command)
    pending = session.scheduled
    if pending and (not scheduled.operation.is_stop or pending.stops_by(scheduled.effective_at)):
        raise AlreadyScheduled(pending.operation.value, pending.effective_at)
    metadata = _described(scheduled)
    if pending:
        metadata["replaces"] = _described(pending)
    waiting = replace(move_anchor(session, now), scheduled=scheduled)
    return change(EventType.COMMAND_SCHEDULED, waiting, now, metadata=metadata)


def _check_instant(command: c.Schedule, now: Instant) -> None:
    if command.effective_at > now + MAX_AHEAD:
        message = f"cannot lie more than {MAX_AHEAD}ms in the future, by the server's clock"
        raise RuleViolation(Violation("effective_at", message, "too_late"))
    if command.effective_at < now - MAX_AHEAD:
        message = f"cannot lie more than {MAX_AHEAD}ms in the past, by the server's clock"
        raise RuleViolation(Violation("effective_at", message, "too_soon"))
    if isinstance(command.command, c.AdjustClocks) and command.command.reopen:
        message = "cannot be combined with effective_at"
        raise RuleViolation(Violation("reopen", message, "not_allowed"))


def _late(effect: SessionChange, asked: Instant, now: Instant) -> SessionChange:
    """Return the effect at `now` of a command for the instant `asked`, which has passed."""
    facts = {"effective_at_ms": asked, "late_ms": elapsed_between(asked, now)}
    return replace(effect, metadata={**(effect.metadata or {}), **facts})


def _accepted(session: Session, command: c.Schedule) -> ScheduledCommand:
    adjustment = command.command if isinstance(command.command, c.AdjustClocks) else None
    operation = _OPERATIONS[type(command.command)]
    return ScheduledCommand(operation, command.effective_at, session.version + 1, adjustment)


def _pause(session: Session, command: c.Pause, now: Instant) -> SessionChange:
    """Pause the session; if it stands still until a scheduled command, withdraw that."""
    if _is_withdrawal(session, command):
        return _withdrawn(session, now, {"reason": "paused"})
    return _apply(session, command, now)


def _is_withdrawal(session: Session, command: c.Command) -> bool:
    is_waiting = session.status is not Status.RUNNING and session.scheduled is not None
    return is_waiting and isinstance(command, c.Pause) and _scheduled(session).operation.lets_run


def _unschedule(session: Session, _: c.Unschedule, now: Instant) -> SessionChange:
    if session.scheduled is None:
        raise NothingScheduled
    return _withdrawn(session, now, {})


def _withdrawn(session: Session, now: Instant, reason: Mapping[str, Any]) -> SessionChange:
    scheduled = _scheduled(session)
    facts = {**_described(scheduled), "scheduled_version": scheduled.version, **reason}
    released = replace(move_anchor(session, now), scheduled=None)
    return change(EventType.COMMAND_UNSCHEDULED, released, now, metadata=facts)


def _scheduled(session: Session) -> ScheduledCommand:
    assert session.scheduled is not None  # the caller has checked it
    return session.scheduled


def _apply(session: Session, command: c.SchedulableCommand, at: Instant) -> SessionChange:
    return _EFFECTS[type(command)](session, command, at)


def _is_possible(operation: ScheduledOperation, status: Status) -> bool:
    required = _REQUIRED.get(operation)
    return not status.is_terminal if required is None else status is required


def _described(scheduled: ScheduledCommand) -> dict[str, Any]:
    return {"operation": scheduled.operation.value, "effective_at_ms": scheduled.effective_at}


def _reason_of(refusal: Refusal) -> str:
    if isinstance(refusal, RuleViolation):
        return "; ".join(f"{broken.field} {broken.message}" for broken in refusal.violations)
    return str(refusal)


_COMMANDS: Mapping[ScheduledOperation, c.SchedulableCommand] = {
    ScheduledOperation.START: c.Start(),
    ScheduledOperation.PAUSE: c.Pause(),
    ScheduledOperation.RESUME: c.Resume(),
    ScheduledOperation.COMPLETE: c.Complete(),
}
_OPERATIONS: Mapping[type[c.Command], ScheduledOperation] = {
    **{type(command): operation for operation, command in _COMMANDS.items()},
    c.AdjustClocks: ScheduledOperation.ADJUST,
}
_REQUIRED: Mapping[ScheduledOperation, Status] = {
    ScheduledOperation.START: Status.PENDING,
    ScheduledOperation.PAUSE: Status.RUNNING,
    ScheduledOperation.RESUME: Status.PAUSED,
}
"""The status that a command needs; all others need a session that has not ended."""

_Transitions = Mapping[type[c.Command], Callable[[Session, Any, Instant], SessionChange]]
_EFFECTS: _Transitions = {**LIFECYCLE_TRANSITIONS, c.AdjustClocks: adjust_clocks}

SCHEDULING_TRANSITIONS: _Transitions = {
    c.Pause: _pause,
    c.Schedule: _schedule,
    c.Unschedule: _unschedule,
}
"""Pauses, and the commands that schedule another one or withdraw it."""
