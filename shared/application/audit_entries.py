"""Audit entries in the outbox: one JSON object each, with the table's columns as field names."""

from typing import Any

import msgspec

from shared.application.ports.audit_log import SessionSnapshot
from shared.application.ports.commit import Commit, SnapshotDifference
from shared.application.session_encoding import encode_session
from shared.application.session_time import store_time
from shared.application.snapshots import decode_state, is_difference
from shared.domain.events import EventType, SessionChange
from shared.domain.session import session_name
from shared.domain.timekeeping import next_wakeup
from shared.domain.units import Instant, Millis
from shared.domain.values import Value


class AuditEntry(msgspec.Struct, frozen=True, gc=False):
    """One event of the audit trail, with the session's state after it."""

    session_id: str
    version: int
    event: EventType
    occurred_at: Instant
    actor: str
    request_id: str | None
    participant_id: str | None
    group_id: str | None
    time_remaining_ms: Millis | None
    time_elapsed_ms: Millis | None
    cycle_number: int
    metadata: dict[str, Any]
    state_snapshot: msgspec.Raw
    operation_id: str
    """The commit's. Distinguishes a repeated delivery from another change of the same version."""
    wakes_at: Instant | None
    """Next instant at which the session changes without a command, by the store's time."""
    tenant: str | None = None
    participant_count: int | None = None
    """None in entries of earlier releases."""


class _EntryCommit(Value, frozen=True):
    version: int
    operation_id: str


class _EntryEvent(Value, frozen=True):
    event: EventType


class _EntryState(Value, frozen=True):
    state_snapshot: msgspec.Raw


class EntryKey(Value, frozen=True):
    """The session and the version of an entry: the fields that delivery needs."""

    session_id: str
    version: int
    tenant: str | None = None

    @property
    def session_name(self) -> str:
        """The session's name, unique across tenants."""
        return session_name(self.session_id, self.tenant)


_encoder = msgspec.json.Encoder()
_entries = msgspec.json.Decoder(AuditEntry)
_names = msgspec.json.Decoder(EntryKey)
_commits = msgspec.json.Decoder(_EntryCommit)
_events = msgspec.json.Decoder(_EntryEvent)
_states = msgspec.json.Decoder(_EntryState)


def encode(commit: Commit, state: bytes | None = None) -> list[bytes]:
    """Return the audit entries of a commit, oldest first.

    `state` is the commit's session in encoded form, if the caller has encoded it already.
    """
    snapshots = commit.snapshots or [None] * len(commit.changes)
    return [
        _encoder.encode(_entry(commit, change, snapshot, state))
        for change, snapshot in zip(commit.changes, snapshots, strict=True)
    ]


def decode_key(raw: bytes) -> EntryKey:
    """Return the session and version of an entry. Raises `ValueError` if `raw` is not an entry."""
    return _names.decode(raw)


def decode_event(raw: bytes) -> EventType:
    """Return the event of an entry. Raises `ValueError` if `raw` is not an entry."""
    return _events.decode(raw).event


def decode_entry(raw: bytes) -> AuditEntry:
    """Return an entry, with its snapshot as JSON. Raises `ValueError` if `raw` is not an entry."""
    return _entries.decode(raw)


def decode_snapshot(raw: bytes) -> SessionSnapshot:
    """Return the session as an entry records it. Raises `ValueError` if `raw` is not an entry."""
    entry = _entries.decode(raw)
    state = decode_state(bytes(entry.state_snapshot))
    return SessionSnapshot.of(state, entry.event, entry.occurred_at)


def version_and_commit(raw: bytes) -> tuple[int, str]:
    """Return an entry's version, and the operation id of its commit. Raises `ValueError`."""
    entry = _commits.decode(raw)
    return entry.version, entry.operation_id


def has_difference(raw: bytes) -> bool:
    """Whether an entry has a difference instead of a whole snapshot. Raises `ValueError`."""
    return is_difference(bytes(_states.decode(raw).state_snapshot))


def _entry(
    commit: Commit,
    change: SessionChange,
    snapshot: SnapshotDifference | None,
    state: bytes | None,
) -> AuditEntry:
    metadata = dict(change.metadata or {})
    if change.expiry:
        metadata["action_applied"] = change.expiry.action_applied
    if change.over_ms:
        metadata["over_ms"] = change.over_ms
    session = change.session
    if state and session is commit.session:
        wakes_at = commit.alarm_at
    else:
        is_deletion = change.type is EventType.SESSION_DELETED
        state = _encoder.encode(snapshot) if snapshot else encode_session(session)
        next_at = None if is_deletion else next_wakeup(session)
        wakes_at = None if next_at is None else store_time(session, next_at)
    # Partly by position: CPython 3.11 needs a dictionary for more than 15 keywords.
    return AuditEntry(
        session.session_id,
        session.version,
        change.type,
        change.occurred_at,
        actor="system" if change.is_automatic else commit.origin.actor,
        request_id=commit.origin.request_id,
        participant_id=change.side.participant_id,
        group_id=change.side.group_id,
        time_remaining_ms=change.time_remaining_ms,
        time_elapsed_ms=change.time_elapsed_ms,
        cycle_number=session.cycle_number,
        metadata=metadata,
        state_snapshot=msgspec.Raw(state),
        operation_id=commit.operation_id,
        wakes_at=wakes_at,
        tenant=session.tenant,
        participant_count=len(session.participants),
    )
