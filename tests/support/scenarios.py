"""Sequences of changes to a session, as test data for the audit trail."""

from collections.abc import Sequence
from uuid import uuid4

from shared.application import audit_entries
from shared.application.ports.commit import Commit, Origin
from shared.domain.commands import Command, Create, NewParticipant, Start, Switch
from shared.domain.creation import create
from shared.domain.events import SessionChange
from shared.domain.session import Session, SyncMode
from shared.domain.transition import transition
from shared.domain.units import Instant, Millis

CREATED_AT = Instant(1_750_000_000_123)
STEP_MS = 1_001
"""Time between two changes in ms."""


def changes_of(
    *commands: Command,
    session_id: str | None = None,
    tenant: str | None = None,
    owner: str | None = None,
) -> list[SessionChange]:
    """Return the changes that create a two-player session and apply `commands` in order."""
    players = tuple(NewParticipant(str(uuid4()), total_time_ms=Millis(60_000)) for _ in range(2))
    spec = Create(
        session_id or str(uuid4()),
        SyncMode.PER_PARTICIPANT,
        players,
        metadata={"name": "Zürich ♞", "ratio": 0.1, "large": 1e300},
        tenant=tenant,
        owner=owner,
    )
    changes = [create(spec, CREATED_AT)]
    for number, command in enumerate(commands, start=1):
        now = Instant(CREATED_AT + number * STEP_MS)
        changes.append(transition(changes[-1].session, command, now))
    return changes


def switched_session(
    switches: int = 3, *, session_id: str | None = None, tenant: str | None = None
) -> list[SessionChange]:
    """Return the changes of a session that was created, started and switched `switches` times."""
    return changes_of(Start(), *[Switch()] * switches, session_id=session_id, tenant=tenant)


def entries_of(changes: Sequence[SessionChange], operation_id: str | None = None) -> list[bytes]:
    """Return the audit entries of `changes`; each change has its own commit."""
    return [
        entry
        for change in changes
        for entry in audit_entries.encode(commit_of(change, operation_id))
    ]


def commit_of(change: SessionChange, operation_id: str | None = None) -> Commit:
    """Return a commit of `change` only."""
    return Commit(
        name=change.session.name,
        expected=None,
        operation_id=operation_id or f"operation-{change.session.version}",
        session=change.session,
        retention_ms=Millis(60_000),
        wake_at=None,
        now=change.occurred_at,
        changes=[change],
        origin=Origin("host", f"request-{change.session.version}"),
    )


def last_session(changes: Sequence[SessionChange]) -> Session:
    """Return the session after the last change."""
    return changes[-1].session
