"""Snapshots of sessions in the trail: whole, or the difference to an earlier whole one.

A session in parts has a whole snapshot when it becomes one, after it was restored, and at least
every `WHOLE_EVERY` versions. Each snapshot between contains what changed since the last whole one,
so any version is read from at most two rows.

If each change concerns another one of n participants, the least bytes are written with a whole
snapshot after sqrt(2 n) changes: k differences have k / 2 participants on average, a whole snapshot
adds n / k to each.
"""

from collections.abc import Sequence

import msgspec

from shared.application.ports.commit import (
    SnapshotDifference,
    StoredSession,
    WholeSnapshot,
)
from shared.application.session_encoding import decode_session, session_from_json
from shared.application.session_parts import is_divided, participant_changes, without_participants
from shared.domain.events import SessionChange
from shared.domain.session import Session
from shared.domain.values import replace

WHOLE_EVERY = 50

_DIFFERENCE = "since"
"""First field of a difference, which no session has."""

_differences = msgspec.json.Decoder(SnapshotDifference)


def snapshots_of(
    stored: StoredSession | None, changes: Sequence[SessionChange], operation_id: str
) -> tuple[list[SnapshotDifference | None], WholeSnapshot | None]:
    """Return the snapshot of each change to `stored`, None for a whole one, and the last whole
    snapshot after them, if the session is stored in parts."""
    are_divided = [is_divided(change.session) for change in changes]
    if not any(are_divided):
        return [None] * len(changes), None
    before = stored.session if stored else None
    last = stored.last_whole if stored else None
    snapshots: list[SnapshotDifference | None] = []
    for change in changes:
        session, snapshot = change.session, None
        if not is_divided(session):
            last = None
        else:
            last = _continued(last, before, session) if before and last else None
            if last:
                snapshot = _difference(last, session)
            else:
                last = WholeSnapshot(session.version, operation_id)
        snapshots.append(snapshot)
        before = session
    return snapshots, last


def _continued(last: WholeSnapshot, before: Session, session: Session) -> WholeSnapshot | None:
    """Return `last` with what changed since; None if a whole snapshot is due."""
    changes = participant_changes(before, session)
    indexes = {p.participant_index for p in changes.changed}
    changed = tuple(sorted(indexes.union(last.changed, changes.removed)))
    is_old = session.version - last.version >= WHOLE_EVERY
    if is_old or len(changed) ** 2 > 2 * len(session.participants):
        return None
    return replace(last, changed=changed)


def _difference(last: WholeSnapshot, session: Session) -> SnapshotDifference:
    indexes = set(last.changed)
    changed = tuple([p for p in session.participants if p.participant_index in indexes])
    present = {p.participant_index for p in changed}
    return SnapshotDifference(
        since=last.version,
        operation_id=last.operation_id,
        core=without_participants(session),
        changed=changed,
        removed=tuple(index for index in last.changed if index not in present),
    )


def completed(difference: SnapshotDifference, whole: Session) -> Session:
    """Return the session that differs by `difference` from `whole`."""
    by_index = {p.participant_index: p for p in whole.participants}
    for index in difference.removed:
        by_index.pop(index, None)
    by_index |= {p.participant_index: p for p in difference.changed}
    participants = tuple([by_index[index] for index in sorted(by_index)])
    return replace(difference.core, participants=participants)


def decode_state(raw: bytes | str) -> Session | SnapshotDifference:
    """Decode a snapshot from JSON. Raises `ValueError`."""
    return _differences.decode(raw) if is_difference(raw) else decode_session(raw)


def is_difference(raw: bytes | str) -> bool:
    """Whether a snapshot in JSON is a difference."""
    prefix = f'{{"{_DIFFERENCE}":'
    return raw.startswith(prefix) if isinstance(raw, str) else raw.startswith(prefix.encode())


def state_from_json(value: object) -> Session | SnapshotDifference:
    """Return a snapshot from parsed JSON. Raises `ValueError`."""
    if isinstance(value, dict) and _DIFFERENCE in value:
        return msgspec.convert(value, SnapshotDifference)
    return session_from_json(value)
