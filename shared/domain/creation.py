"""Creation of a session: checks across fields, and its first version."""

from collections.abc import Iterator

from shared.domain.clocks import ClockOwner, clocks_of
from shared.domain.commands import Create
from shared.domain.errors import RuleViolation, Violation
from shared.domain.events import EventType, SessionChange
from shared.domain.participants import (
    build_participant,
    duplicate_violations,
    missing_time_violation,
    needs_bank,
)
from shared.domain.session import Group, Participant, Session, Status, SyncMode
from shared.domain.units import Instant, Millis

_PARTICIPANTS_OPTIONAL = (SyncMode.GLOBAL, SyncMode.COUNT_UP)


def create(spec: Create, now: Instant) -> SessionChange:
    """Create a pending session from `spec`. Raises `RuleViolation` naming every invalid field."""
    members = [
        build_participant(p, position, spec.sync_mode)
        for position, p in enumerate(spec.participants)
    ]
    if violations := list(_violations(spec, members)):
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
        total_time_ms=_total(spec, groups),
        time_per_cycle_ms=spec.time_per_cycle_ms,
        increment_ms=spec.increment_ms,
        max_time_ms=spec.max_time_ms,
        auto_advance=spec.auto_advance,
        action_on_timeout=spec.action_on_timeout,
        warn_at_ms=spec.warn_at_ms,
        metadata=spec.metadata,
        participants_may_pause=spec.participants_may_pause,
        tenant=spec.tenant,
        owner=spec.owner,
        version=1,
        status=Status.PENDING,
        active_participant_id=spec.active_participant_id
        or (in_order[0].participant_id if in_order else None),
    )
    return SessionChange(
        EventType.SESSION_CREATED, clocks_of(session).open(session), now, ClockOwner()
    )


def _violations(spec: Create, members: list[Participant]) -> Iterator[Violation]:
    if not members and spec.sync_mode not in _PARTICIPANTS_OPTIONAL:
        yield Violation("participants", "must have at least 1 participant", "too_short")
    yield from duplicate_violations(
        members, lambda position, name: f"participants.{position}.{name}"
    )
    yield from _missing_times(spec, members)
    yield from _group_violations(spec, members)
    starter = spec.active_participant_id
    if starter is not None and starter not in {p.participant_id for p in members}:
        yield Violation(
            "active_participant_id", "must be one of the participants", "unknown_participant"
        )


def _missing_times(spec: Create, members: list[Participant]) -> Iterator[Violation]:
    mode, per_cycle = spec.sync_mode, spec.time_per_cycle_ms is not None
    if mode is SyncMode.GLOBAL and spec.total_time_ms is None and not per_cycle:
        yield Violation(
            "total_time_ms", "is required in global unless time_per_cycle_ms is given", "missing"
        )
    pooled = {g.group_id for g in spec.groups}
    for position, member in enumerate(members):
        is_pooled = member.group_id in pooled
        needed = needs_bank(mode, has_cycle_time=per_cycle, is_pooled=is_pooled)
        if needed and member.bank_ms is None:
            yield missing_time_violation(f"participants.{position}.total_time_ms", mode)


def _group_violations(spec: Create, members: list[Participant]) -> Iterator[Violation]:
    if spec.groups and spec.sync_mode is not SyncMode.PER_GROUP:
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


def _groups(spec: Create, members: tuple[Participant, ...]) -> Iterator[Group]:
    """Groups in order of first appearance; a bank defaults to the sum of its members' banks."""
    if spec.sync_mode is not SyncMode.PER_GROUP:
        return
    given = {g.group_id: g.total_time_ms for g in spec.groups}
    summed: dict[str, int] = {}
    for member in members:
        group_id = member.group_id or member.participant_id
        summed[group_id] = summed.get(group_id, 0) + (member.bank_ms or 0)
    for group_id, total in summed.items():
        yield Group(group_id, given.get(group_id, Millis(total)))


def _total(spec: Create, groups: tuple[Group, ...]) -> Millis | None:
    """The total as given; outside `global` it defaults to the sum of the banks, if any."""
    if spec.total_time_ms is not None or spec.sync_mode is SyncMode.GLOBAL:
        return spec.total_time_ms
    banks = [g.bank_ms for g in groups] or [
        p.total_time_ms for p in spec.participants if p.total_time_ms is not None
    ]
    return Millis(sum(banks)) if banks else None
