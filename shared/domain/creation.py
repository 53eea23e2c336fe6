"""Creation of a session: checks across fields, and its first version."""

from collections.abc import Iterator
from operator import attrgetter

from shared.domain.clocks import ClockOwner, clocks_of
from shared.domain.commands import Create, NewGroup
from shared.domain.errors import RuleViolation, Violation
from shared.domain.events import EventType, SessionChange
from shared.domain.individual_rules import individual_violations
from shared.domain.lag_compensation import with_quotas
from shared.domain.participants import (
    PARTICIPANTS_OPTIONAL,
    bank_violation,
    build_participant,
    duplicate_violations,
    time_violations,
)
from shared.domain.programme_rules import overtime_violation, setting_violations
from shared.domain.schedule import instant_violation, schedule_violations
from shared.domain.session import Group, Participant, Session, Status, SyncMode
from shared.domain.soft_close import soft_close_violations
from shared.domain.time_control import TimeControl, control_violations
from shared.domain.units import Instant, Millis
from shared.domain.values import replace
from shared.domain.virtual_clock import VirtualClock

_MODES_WITH_BANKS = (SyncMode.PER_PARTICIPANT, SyncMode.PER_GROUP)
_MODES_WITH_SOFT_CLOSE = (SyncMode.GLOBAL, SyncMode.PER_CYCLE)


def create(spec: Create, now: Instant) -> SessionChange:
    """Create a pending session from `spec`. Raises `RuleViolation` naming every invalid field."""
    members = [
        build_participant(p, position, spec.sync_mode)
        for position, p in enumerate(spec.participants)
    ]
    if spec.default_bank_ms is not None and spec.sync_mode is SyncMode.PER_PARTICIPANT:
        members = [_with_default_bank(member, spec.default_bank_ms) for member in members]
    violations = [
        *_violations(spec, members),
        *_instant_violations(spec, now),
        *individual_violations(spec, now),
    ]
    if violations:
        raise RuleViolation(*violations)
    in_order = tuple(sorted(members, key=lambda p: p.participant_index))
    groups = tuple(_groups(spec, in_order))
    session = Session(
        session_id=spec.session_id,
        sync_mode=spec.sync_mode,
        created_at=now,
        updated_at=now,
        participants=in_order,
        groups=groups,
        total_time_ms=_total(spec, in_order, groups),
        time_per_cycle_ms=spec.time_per_cycle_ms,
        increment_ms=spec.time_control.increment_ms if spec.time_control else spec.increment_ms,
        auto_advance=spec.auto_advance,
        action_on_timeout=spec.action_on_timeout,
        metadata=spec.metadata,
        version=1,
        status=Status.PENDING,
        active_participant_id=_starter(spec, in_order),
    )
    session = _with_rare_settings(session, spec)
    opened = with_quotas(clocks_of(session).open(session))
    return SessionChange(EventType.SESSION_CREATED, opened, now, ClockOwner())


_RARE = (
    "time_control",
    "max_time_ms",
    "warn_at_ms",
    "participants_may_pause",
    "participants_may_give_ms",
    "lag",
    "programme",
    "overtime",
    "start_at",
    "warn_before_start_ms",
    "ends_at",
    "moves_with_pause",
    "extend_on_switch",
    "tenant",
    "owner",
)
"""Settings that most sessions don't have: fields of `Create` and `Session` whose defaults are false
as a condition."""

_rare_values = attrgetter(*_RARE)


def _with_rare_settings(session: Session, spec: Create) -> Session:
    """Return the session with the settings that most sessions don't have.

    A struct is made twice as fast without them.
    """
    values = _rare_values(spec)
    if any(values):
        given = {name: value for name, value in zip(_RARE, values, strict=True) if value}
        session = replace(session, **given)
    if spec.sync_mode is SyncMode.INDIVIDUAL:
        session = replace(session, individual=spec.individual)
    return replace(session, virtual_clock=VirtualClock()) if spec.is_test else session


def _starter(spec: Create, members: tuple[Participant, ...]) -> str | None:
    """The participant who takes the first turn; None if nobody takes turns."""
    if spec.sync_mode is SyncMode.INDIVIDUAL or not members:
        return None
    return spec.active_participant_id or members[0].participant_id


def _with_default_bank(member: Participant, bank_ms: Millis) -> Participant:
    return member if member.bank_ms is not None else replace(member, bank_ms=bank_ms)


def _violations(spec: Create, members: list[Participant]) -> Iterator[Violation]:
    if not members and spec.sync_mode not in PARTICIPANTS_OPTIONAL:
        yield Violation("participants", "must have at least 1 participant", "too_short")
    yield from duplicate_violations(
        members, lambda position, name: f"participants.{position}.{name}"
    )
    if spec.sync_mode is SyncMode.GLOBAL:
        yield from _missing_total(spec)
    yield from _member_time_violations(spec, members)
    if spec.groups:
        yield from _group_violations(spec, members)
    if spec.time_control is not None:
        yield from _control_violations(spec, spec.time_control, members)
    yield from setting_violations(spec)
    if spec.lag and spec.sync_mode not in _MODES_WITH_BANKS:
        yield Violation("lag", "is for per_participant and per_group only", "not_allowed")
    starter = spec.active_participant_id
    if starter is not None and starter not in {p.participant_id for p in members}:
        yield Violation(
            "active_participant_id", "must be one of the participants", "unknown_participant"
        )


def _instant_violations(spec: Create, now: Instant) -> Iterator[Violation]:
    closes_at = spec.individual.closes_at
    yield from schedule_violations(spec.sync_mode, spec.start_at, spec.ends_at, closes_at, now)
    if spec.moves_with_pause and spec.ends_at is None:
        yield Violation("moves_with_pause", "needs ends_at", "not_allowed")
    rule = spec.extend_on_switch
    if rule is None:
        return
    if spec.sync_mode not in _MODES_WITH_SOFT_CLOSE:
        yield Violation("extend_on_switch", "is for global and per_cycle only", "not_allowed")
        return
    yield from soft_close_violations(rule, spec.ends_at)
    if violation := instant_violation("extend_on_switch.not_after", rule.not_after, now):
        yield violation


def _missing_total(spec: Create) -> Iterator[Violation]:
    """Yield that the time of a `global` session is missing."""
    ends = (spec.total_time_ms, spec.time_per_cycle_ms, spec.ends_at, spec.programme)
    if all(end is None for end in ends):
        message = "is required in global unless time_per_cycle_ms, ends_at or items are given"
        yield Violation("total_time_ms", message, "missing")


def _member_time_violations(spec: Create, members: list[Participant]) -> Iterator[Violation]:
    """Yield the rules that the participants' banks and time controls break.

    A participant needs no bank if there is a default or its group has one.
    """
    has_default = spec.default_bank_ms is not None
    pooled = {g.group_id for g in spec.groups} if spec.groups else ()
    for position, member in enumerate(members):
        has_time = has_default or member.group_id in pooled
        for violation in time_violations(member, spec, has_time=has_time):
            yield violation.within(f"participants.{position}")


def _group_violations(spec: Create, members: list[Participant]) -> Iterator[Violation]:
    if spec.sync_mode is not SyncMode.PER_GROUP:
        yield Violation("groups", "is for per_group only", "not_allowed")
        return
    populated = {p.group_id for p in members}
    seen: set[str] = set()
    for position, group in enumerate(spec.groups):
        if group.group_id in seen:
            yield Violation(f"groups.{position}.group_id", "must be unique", "duplicate")
        elif group.group_id not in populated:
            message = "must be the group of at least one participant"
            yield Violation(f"groups.{position}.group_id", message, "empty_group")
        seen.add(group.group_id)
        for violation in _group_time_violations(spec, group):
            yield violation.within(f"groups.{position}")


def _group_time_violations(spec: Create, group: NewGroup) -> Iterator[Violation]:
    """Yield the rules that a group's bank and time control break."""
    control, bank_ms = group.time_control, group.total_time_ms
    if violation := bank_violation(bank_ms, control or spec.time_control, "total_time_ms"):
        yield violation
    if control is None:
        return
    yield from control_violations(control, "time_control", is_sessions=False)
    if violation := overtime_violation(control, "time_control", spec):
        yield violation


def _control_violations(
    spec: Create, control: TimeControl, members: list[Participant]
) -> Iterator[Violation]:
    """Yield the rules that the session's time control breaks."""
    if spec.sync_mode in _MODES_WITH_BANKS:
        yield from control_violations(control, "time_control", is_sessions=True)
    else:
        message = "is for per_participant and per_group only"
        yield Violation("time_control", message, "not_allowed")
    if spec.increment_ms:
        yield Violation("increment_ms", "belongs into time_control", "not_allowed")
    if control.hourglass:
        yield from _hourglass_violations(spec, members)


def _hourglass_violations(spec: Create, members: list[Participant]) -> Iterator[Violation]:
    owners = {m.group_id if spec.groups or m.group_id else m.participant_id for m in members}
    if len(owners) != 2:
        message = "needs exactly two participants or groups"
        yield Violation("time_control.hourglass", message, "not_allowed")
    for position, group in enumerate(spec.groups):
        if group.time_control:
            field = f"groups.{position}.time_control"
            yield Violation(field, "cannot be combined with an hourglass", "not_allowed")


def _groups(spec: Create, members: tuple[Participant, ...]) -> Iterator[Group]:
    """Groups in order of first appearance.

    A bank defaults to the sum of its members' banks; if they have none, to the default bank.
    """
    if spec.sync_mode is not SyncMode.PER_GROUP:
        return
    given = {g.group_id: g for g in spec.groups}
    banks: dict[str, list[Millis]] = {}
    for member in members:
        own = [] if member.bank_ms is None else [member.bank_ms]
        banks.setdefault(member.group_id or member.participant_id, []).extend(own)
    for group_id, of_members in banks.items():
        if group := given.get(group_id):
            control = group.time_control
            yield Group(group_id, group.total_time_ms, time_control=control, name=group.name)
        else:
            default = spec.default_bank_ms or Millis(0)
            yield Group(group_id, Millis(sum(of_members)) if of_members else default)


def _total(
    spec: Create, members: tuple[Participant, ...], groups: tuple[Group, ...]
) -> Millis | None:
    """The total as given; outside `global` it defaults to the sum of the banks, if any."""
    if spec.total_time_ms is not None or spec.sync_mode is SyncMode.GLOBAL:
        return spec.total_time_ms
    banks = [g.bank_ms for g in groups] or [p.bank_ms for p in members if p.bank_ms is not None]
    return Millis(sum(banks)) if banks else None
