"""Interface of the lists of sessions: which sessions the store has, newest first."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol, Self

from shared.application.ports.rate_limit import RateLimit, RateLimitState
from shared.domain.session import Session, Status, SyncMode, session_name
from shared.domain.units import Instant
from shared.domain.values import Value


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


class IndexPage(Value, frozen=True):
    """A page of a list, newest first, and the states of the limits that were counted with it."""

    positions: list[ListPosition]
    quotas: tuple[RateLimitState, ...] = ()


class SessionIndex(Protocol):
    """The sessions that the store has. Every method raises `StoreUnavailable`."""

    async def newest(
        self,
        scope: ListScope,
        limit: int,
        *,
        before: ListPosition | None = None,
        since: Instant | None = None,
        include_ended: bool = True,
        limits: Sequence[RateLimit] = (),
    ) -> IndexPage:
        """Return the newest `limit` sessions of the list, and count a request for `limits`.

        Only those behind the position `before` that were created at `since` or later. One round
        trip, with one command for each shard, or two with ended sessions. Sessions that have just
        expired may be among them.
        """

    async def sessions(self, names: Collection[str]) -> dict[str, ListedSession | None]:
        """Return the named sessions that the store has, by name; None stands for a deleted one.

        One round trip, with one command for each session.
        """
