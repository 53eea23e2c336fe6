"""Add time to several clocks, or set them, in one change."""

from collections.abc import Iterable, Iterator
from typing import Any

from shared.domain.clocks import (
    AdjustableClock,
    ClockName,
    ClockOwner,
    ClockScope,
    clocks_of,
    over_ms,
)
from shared.domain.clocks.base import SESSION_CLOCK
from shared.domain.clocks.individual_times import usual_time_left, with_usual_time_left
from shared.domain.commands import AdjustClocks, ClockTarget
from shared.domain.errors import InvalidTransition, RuleViolation, Violation
from shared.domain.events import EventType, SessionChange
from shared.domain.individual_clock import FULL_PERMILLE
from shared.domain.participants import bank_violation
from shared.domain.schedule import with_end_following
from shared.domain.session import Participant, Session, Status, SyncMode
from shared.domain.switch_record import with_correction
from shared.domain.time_budget import Sources
from shared.domain.time_control import MAX_LONG_TIME
from shared.domain.timekeeping import at_time, move_anchor
from shared.domain.units import Instant, Millis
from shared.domain.values import replace


def adjust_clocks(session: Session, command: AdjustClocks, now: Instant) -> SessionChange:
    """Return the change of all clocks that `command` means, at `now`.

    `session` must be settled. Raises `InvalidTransition` if the session has ended and is not
    reopened, and `RuleViolation` if a field is wrong, or one of the clocks would have no time left
    or too much.
    """
    _check_status(session, command)
    if violations := [*_amount_violations(command), *_mode_violations(session, command)]:
        raise RuleViolation(*violations)
    stored = move_anchor(session, now)
    session = at_time(stored, now)
    clocks = clocks_of(session)
    meant = dict.fromkeys(_clocks_meant(session, command.to))
    before = [clock for clock in clocks.adjustable_clocks(session) if clock.name in meant]
    if violations := [*dict.fromkeys(_value_violations(session, command, before))]:
        raise RuleViolation(*violations)
    values = {clock.name: _new_value(command, clock) for clock in before}
    adjusted = with_end_following(stored, clocks.with_values(session, values), now)
    if command.set_ms == 0:
        members = (p for p in adjusted.participants if clocks.adjustable_of(adjusted, p) in meant)
        check_not_emptied(adjusted, members, "set_ms")
    if session.individual and command.to.scope is ClockScope.ALL:
        usual = AdjustableClock(SESSION_CLOCK, usual_time_left(session))
        adjusted = with_usual_time_left(adjusted, _new_value(command, usual))
    adjusted = with_correction(adjusted)
    if command.reopen:
        adjusted = _reopened(adjusted, now)
    side = before[0].name.owner if len(before) == 1 else ClockOwner()
    value = _value(adjusted, side)
    return SessionChange(
        EventType.TIME_ADJUSTED,
        adjusted.next_version(now),
        now,
        side,
        time_remaining_ms=None if value is None else Millis(max(0, value)),
        time_elapsed_ms=adjusted.cycle_used_ms,
        metadata=_metadata(command, before) | _moved_end(session, adjusted),
        over_ms=over_ms(value),
    )


def _check_status(session: Session, command: AdjustClocks) -> None:
    if command.reopen and session.status is not Status.EXPIRED:
        raise InvalidTransition("cannot be reopened", session.status)
    if session.status.is_terminal and not command.reopen:
        raise InvalidTransition("cannot be adjusted", session.status)


def _amount_violations(command: AdjustClocks) -> Iterator[Violation]:
    if command.add_ms is None and command.set_ms is None:
        yield Violation("add_ms", "is required unless set_ms is given", "missing")
    elif command.add_ms is not None and command.set_ms is not None:
        yield Violation("add_ms", "cannot be combined with set_ms", "not_allowed")
    if command.scaled and command.add_ms is None:
        yield Violation("scaled", "is for add_ms only", "not_allowed")


def _mode_violations(session: Session, command: AdjustClocks) -> Iterator[Violation]:
    is_individual = session.sync_mode is SyncMode.INDIVIDUAL
    if command.scaled and not is_individual:
        yield Violation("scaled", "is for individual only", "not_allowed")
    if command.reopen and is_individual:
        message = "is not for individual: a participant can be reopened until the session ends"
        yield Violation("reopen", message, "not_allowed")


def _clocks_meant(session: Session, target: ClockTarget) -> list[ClockName]:
    """Return the clocks that `target` means. Raises `RuleViolation`."""
    if target.scope:
        return _clocks_in_scope(session, target.scope)
    names = _clocks_of_participants if target.participants else _clocks_of_groups
    found = list(names(session, target))
    if violations := [one for one in found if isinstance(one, Violation)]:
        raise RuleViolation(*violations)
    return [one for one in found if isinstance(one, ClockName)]


def _clocks_in_scope(session: Session, scope: ClockScope) -> list[ClockName]:
    names = clocks_of(session).adjustable(session, scope)
    if not names:
        message = (
            "needs a clock that runs toward zero: this session has none"
            if scope is ClockScope.ALL
            else f"needs a {scope} clock: this session has none"
        )
        raise RuleViolation(Violation("to", message, "not_allowed"))
    return names


def _clocks_of_participants(
    session: Session, target: ClockTarget
) -> Iterator[ClockName | Violation]:
    clocks = clocks_of(session)
    members = {participant.participant_id: participant for participant in session.participants}
    seen: set[str] = set()
    for position, participant_id in enumerate(target.participants):
        field = f"to.participants.{position}"
        member = members.get(participant_id)
        name = clocks.adjustable_of(session, member) if member else None
        if member is None:
            message = "is not a participant of this session"
            yield Violation(field, message, "unknown_participant")
        elif name is None:
            yield Violation("to", _no_own_clock(session), "not_allowed")
            return
        elif participant_id in seen:
            yield Violation(field, "must be unique", "duplicate")
        else:
            yield name
        seen.add(participant_id)


def _no_own_clock(session: Session) -> str:
    if session.sync_mode is SyncMode.INDIVIDUAL:
        return "needs a clock that runs toward zero: this session has no total_time_ms"
    return f"must be all, session or cycle: in {session.sync_mode} all share the clocks"


def _clocks_of_groups(session: Session, target: ClockTarget) -> Iterator[ClockName | Violation]:
    if not session.groups:
        yield Violation("to.groups", "is for per_group only", "not_allowed")
        return
    known, seen = {group.group_id for group in session.groups}, set[str]()
    for position, group_id in enumerate(target.groups):
        field = f"to.groups.{position}"
        if group_id not in known:
            yield Violation(field, "is not a group of this session", "unknown_group")
        elif group_id in seen:
            yield Violation(field, "must be unique", "duplicate")
        else:
            yield ClockName(group_id=group_id)
        seen.add(group_id)


def _new_value(command: AdjustClocks, clock: AdjustableClock) -> Millis:
    if command.set_ms is not None:
        return command.set_ms
    added = command.add_ms or 0
    if command.scaled:
        added = added * clock.factor_permille // FULL_PERMILLE
    return Millis(clock.value_ms + added)


def _value_violations(
    session: Session, command: AdjustClocks, clocks: Iterable[AdjustableClock]
) -> Iterator[Violation]:
    """Yield the limits that the new values break.

    A clock below zero may still be below zero after time is added.
    """
    for clock in clocks:
        value = _new_value(command, clock)
        if command.add_ms is None:
            if violation := bank_violation(value, clock.control, "set_ms"):
                yield violation
        elif value <= 0 and (command.add_ms < 0 or not session.overtime):
            message = f"would leave {clock.name} with {value}ms, and must leave more than 0ms"
            yield Violation("add_ms", message, "too_small")
        elif command.add_ms > 0 and value > MAX_LONG_TIME:
            message = f"would leave {clock.name} with {value}ms, which exceeds {MAX_LONG_TIME}ms"
            yield Violation("add_ms", message, "too_big")


def check_not_emptied(adjusted: Session, participants: Iterable[Participant], field: str) -> None:
    """Check that the clocks of `participants` have time in the bank or in overtime.

    `participants` are those of the `adjusted` session, whose clocks `field` has set. A clock
    without any time would stand at zero, at the latest in its next turn, and its flag would never
    fall. Raises `RuleViolation`.
    """
    clocks = clocks_of(adjusted)
    emptied = [one for one in participants if _is_empty(clocks.sources_of(adjusted, one))]
    names = dict.fromkeys(str(clocks.adjustable_of(adjusted, one)) for one in emptied)
    message = "would leave {} with 0ms, and must leave more than 0ms"
    if names:
        raise RuleViolation(*(Violation(field, message.format(n), "too_small") for n in names))


def _is_empty(sources: Sources | None) -> bool:
    return sources is not None and not sources.bank_ms and not sources.reserve.period_ms


def _reopened(session: Session, now: Instant) -> Session:
    """Let the expired session run from `now` on. Raises `RuleViolation` if no clock would run."""
    if clocks_of(session).left(session) == 0:
        message = "needs time on the clock that was running: it would still be at 0ms"
        raise RuleViolation(Violation("reopen", message, "not_allowed"))
    return replace(
        session,
        status=Status.RUNNING,
        session_completed_at=None,
        cycle_started_at=now,
        warned=None,
    )


def _value(session: Session, side: ClockOwner) -> Millis | None:
    """Return what the clock of `side` shows, or else the running clock, ms."""
    clocks = clocks_of(session)
    members = (p for p in session.participants if clocks.side(p) == side)
    member = next(members, session.active)
    return clocks.value_of(session, member) if member else clocks.value(session)


def described_adjustment(command: AdjustClocks) -> dict[str, Any]:
    """Return the fields of the command as in the API, without those that have their default."""
    return _present(
        {
            "add_ms": command.add_ms,
            "set_ms": command.set_ms,
            "to": _described(command.to),
            "reason": command.reason,
            "reopen": command.reopen or None,
            "scaled": command.scaled or None,
        }
    )


def _metadata(command: AdjustClocks, before: Iterable[AdjustableClock]) -> dict[str, Any]:
    clocks = [
        {
            **_present(_named(clock.name)),
            "before_ms": clock.value_ms,
            "after_ms": _new_value(command, clock),
        }
        for clock in before
    ]
    return {**described_adjustment(command), "clocks": clocks}


def _moved_end(session: Session, adjusted: Session) -> dict[str, Any]:
    return {} if adjusted.ends_at == session.ends_at else {"ends_at_ms": adjusted.ends_at}


def _described(target: ClockTarget) -> str | dict[str, list[str]]:
    if target.scope:
        return target.scope.value
    name = "participants" if target.participants else "groups"
    return {name: [*(target.participants or target.groups)]}


def _named(name: ClockName) -> dict[str, Any]:
    shared = name.shared.value if name.shared else None
    return {"participant_id": name.participant_id, "group_id": name.group_id, "clock": shared}


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
