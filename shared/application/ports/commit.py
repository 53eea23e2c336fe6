"""A commit: everything that one accepted change writes, and what came of it."""

from collections.abc import Sequence
from typing import Literal

from shared.application.ports.push_message import PushMessage
from shared.domain.events import Expiry, SessionChange
from shared.domain.session import Participant, Session
from shared.domain.units import Instant, Millis
from shared.domain.values import Value

Revision = str
"""Identifies one write of a session: the operation id of its commit."""


class WholeSnapshot(Value, frozen=True, array_like=True):
    """The last whole snapshot of a session in parts that was written to the trail.

    `changed` has the `participant_index` of each participant that came, changed or left since.
    """

    version: int
    operation_id: str
    changed: tuple[int, ...] = ()


class SnapshotDifference(Value, frozen=True):
    """A snapshot of a session in parts, as the difference to the whole one of version `since`.

    `operation_id` is that of the whole one's commit. `core` is the session without participants;
    `changed` are those that came or changed since, `removed` the `participant_index` of each that
    left.
    """

    since: int
    operation_id: str
    core: Session
    changed: tuple[Participant, ...]
    removed: tuple[int, ...]

    @property
    def base(self) -> tuple[int, str]:
        """Version and operation id of the whole snapshot."""
        return self.since, self.operation_id


class StoredSession(Value, frozen=True):
    """A session as the store holds it. `last_whole` is None if the next snapshot must be whole."""

    session: Session
    revision: Revision
    last_whole: WholeSnapshot | None = None


class IdempotencyKey(Value, frozen=True):
    """An `Idempotency-Key`, unique within `scope`, and the `fingerprint` of its request."""

    scope: str
    key: str
    fingerprint: str


class IdempotencyRecord(Value, frozen=True):
    """Record of an idempotent request, from which its first response can be made again.

    `fingerprint` is that of the request, which led to `version` of the session `name` (None: the
    session of the request), or removed the session (`version` is None). The response showed the
    session `at` that instant of the store; `expiry` is that of the clock that a switch ended.
    `entry_id` identifies the version's audit entry in the outbox. `session` is the version itself,
    if it is stored here.
    """

    fingerprint: str
    name: str | None = None
    version: int | None = None
    at: Instant = Instant(0)
    expiry: Expiry | None = None
    entry_id: str = ""
    session: Session | None = None


class OwnerLimits(Value, frozen=True):
    """Limits of one owner; None means unlimited.

    `sessions`: live sessions. `bytes`: bytes in the store. `load`: load of all running sessions,
    in the unit of `shared.domain.automatic_load`. `written`: bytes of sessions and audit entries
    written in one minute.
    """

    sessions: int | None = None
    bytes: int | None = None
    load: int | None = None
    written: int | None = None


UNLIMITED = OwnerLimits()


class Origin(Value, frozen=True):
    """Actor and request id of a change, for the audit trail."""

    actor: str
    request_id: str | None = None


class Commit(Value, frozen=True):
    """Everything that one accepted change writes, in one atomic step.

    `name` is `Session.name`, `expected` the revision on which the change is based (None: no session
    yet), `base` the session at that revision, `session` the new state (None: only a tombstone).
    `operation_id` makes a repeated commit harmless.
    `wake_at` is None for an ended session; for a live one it is at the latest the end of its
    retention. `alarm_at` is the next flag fall or warning, if any.
    The stored bytes and the `load` count against the limits of the session's `owner`, if it has
    one. A commit that adds to them is refused if it would exceed `owner_limits`.
    With a `key`, an idempotency record is written too.
    `listed_until` is an instant not before the end of its retention, until which the lists of
    sessions keep it; None if they have it already, for long enough.
    `snapshots` are those of `changes`, None for whole ones; without any, all are whole.
    """

    name: str
    expected: Revision | None
    operation_id: str
    session: Session | None
    retention_ms: Millis
    wake_at: Instant | None
    now: Instant
    alarm_at: Instant | None = None
    changes: Sequence[SessionChange] = ()
    origin: Origin = Origin("system")
    pushes: Sequence[PushMessage] = ()
    key: IdempotencyKey | None = None
    owner: str | None = None
    owner_limits: OwnerLimits = UNLIMITED
    load: int = 0
    listed_until: Instant | None = None
    base: Session | None = None
    snapshots: Sequence[SnapshotDifference | None] = ()
    last_whole: WholeSnapshot | None = None

    @property
    def stored(self) -> StoredSession | None:
        """The session as the store holds it after this commit."""
        if self.session is None:
            return None
        return StoredSession(self.session, self.operation_id, self.last_whole)


class Committed(Value, frozen=True):
    """The commit was written, now or by an earlier attempt."""


class DuplicateRequest(Value, frozen=True):
    """A request with the same idempotency key was committed before; nothing was written."""

    recorded: IdempotencyRecord


class RevisionConflict(Value, frozen=True):
    """The session is no longer at the expected revision; nothing was written."""

    stored: StoredSession | None


LimitName = Literal["sessions", "bytes", "load", "written"]
"""A field of `OwnerLimits`."""


class QuotaExceeded(Value, frozen=True):
    """The owner would exceed one of its limits; nothing was written."""

    of: LimitName


CommitResult = Committed | DuplicateRequest | RevisionConflict | QuotaExceeded
