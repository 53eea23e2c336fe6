"""Entries of lists of sessions, their order, and filters."""

from collections.abc import Mapping
from typing import Any, Self

from shared.domain.session import Session, Status, SyncMode, session_name
from shared.domain.units import Instant
from shared.domain.values import Value

Scalar = str | int | float | bool
"""A value in metadata that a filter can ask for."""


class ListScope(Value, frozen=True):
    """Whose sessions a list has: all of a tenant, or those of one of its hosts."""

    tenant: str | None
    owner: str | None = None

    def name_of(self, session_id: str) -> str:
        """Return the store name of a session in this list."""
        return session_name(session_id, self.tenant)


class ListPosition(Value, frozen=True, order=True, array_like=True):
    """The place of a session in a list: the greatest comes first.

    Sessions of the same millisecond are ordered by id.
    """

    created_at: Instant
    session_id: str


class ListSpan(Value, frozen=True):
    """The part of a list that is read: the newest `limit` sessions behind the position `before`.

    Only sessions count that were created at `since` or later.
    """

    limit: int
    before: ListPosition | None = None
    since: Instant | None = None


class ListedSession(Value, frozen=True, kw_only=True):
    """The short form of a session, as of its last change."""

    session_id: str
    status: Status
    sync_mode: SyncMode
    created_at: Instant
    updated_at: Instant
    version: int
    participant_count: int
    metadata: Mapping[str, Any] | None = None
    owner: str | None = None

    @classmethod
    def of(cls, session: Session) -> Self:
        """Return the short form of `session`."""
        return cls(
            session_id=session.session_id,
            status=session.status,
            sync_mode=session.sync_mode,
            created_at=session.created_at,
            updated_at=session.updated_at,
            version=session.version,
            participant_count=len(session.participants),
            metadata=session.metadata,
            owner=session.owner,
        )

    @property
    def position(self) -> ListPosition:
        """The session's place in a list."""
        return ListPosition(self.created_at, self.session_id)


class SessionFilter(Value, frozen=True):
    """The sessions that a list shows; None and no metadata: all of them.

    `metadata` has for each key the values of which the session must have one, of the same JSON
    type. 7 and 7.0 are the same number.
    """

    status: Status | None = None
    sync_mode: SyncMode | None = None
    metadata: Mapping[str, tuple[Scalar, ...]] = {}

    @property
    def admits_all(self) -> bool:
        """Whether every session meets the conditions."""
        return self == _ALL

    def admits(self, session: ListedSession) -> bool:
        """Return whether the session meets all conditions."""
        has = session.metadata or {}
        return (
            self.status in (None, session.status)
            and self.sync_mode in (None, session.sync_mode)
            and all(
                any(_is_same(has.get(key), value) for value in accepted)
                for key, accepted in self.metadata.items()
            )
        )


_ALL = SessionFilter()


def _is_same(value: Any, other: Scalar) -> bool:
    """Return whether two JSON values are equal; in Python, true would be equal to 1."""
    return isinstance(value, bool) == isinstance(other, bool) and bool(value == other)
