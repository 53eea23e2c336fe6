"""What the audit trail tells: the story of a session, and the session at any point of it."""

from shared.audit.ports import AuditedEvent, AuditLog, Outbox
from shared.domain.errors import RuleViolation, Violation
from shared.domain.session import Session
from shared.domain.settlement import settled
from shared.domain.units import Instant
from shared.errors import AuditUnavailable, SessionNotFound, VersionUnknown
from shared.ports import SessionStore


class History:
    """Reads the audit trail; every method raises `AuditUnavailable` while that is away.

    A replay also sees what waits in the outbox, and looks there first: an entry leaves it only
    when the trail has it.
    """

    def __init__(self, store: SessionStore, outbox: Outbox, audit: AuditLog | None) -> None:
        self._store = store
        self._outbox = outbox
        self._audit = audit

    async def events(
        self, session_id: str, after: int, limit: int
    ) -> tuple[list[AuditedEvent], int | None]:
        """Events above version `after`, oldest first, and where the next page begins, if anywhere.

        Raises `SessionNotFound` where neither the trail nor the store ever heard of the session.
        """
        events = await self._trail.events(session_id, after, limit + 1)
        if not events:
            await self._require_known(session_id)
        page = events[:limit]
        return page, page[-1].version if len(events) > limit else None

    async def at_version(self, session_id: str, version: int) -> tuple[Session, Instant]:
        """The session as that version left it, and when that was.

        Raises `SessionNotFound` and `VersionUnknown`.
        """
        trail = self._trail
        for moment in await self._outbox.waiting(session_id):
            if moment.session.version == version:
                return moment.session, moment.occurred_at
        recorded = await trail.at_version(session_id, version)
        if recorded is None:
            await self._require_known(session_id)
            raise VersionUnknown("This session has no such version")
        return recorded.session, recorded.occurred_at

    async def at_instant(self, session_id: str, at: Instant) -> tuple[Session, Instant]:
        """The session as a read at that instant showed it.

        Raises `SessionNotFound`; `VersionUnknown` for a time at which the session was not there;
        `RuleViolation` for one that has not come yet.
        """
        trail = self._trail
        if at > await self._store.time():
            raise RuleViolation(Violation("at", "cannot lie in the future", "too_big"))
        waiting = await self._outbox.waiting(session_id)
        recorded = await trail.at_instant(session_id, at)
        moments = [moment for moment in waiting if moment.occurred_at <= at]
        moment = moments[-1] if moments else recorded
        if moment is None:
            await self._require_known(session_id)
        if moment is None or moment.is_deletion:
            raise VersionUnknown("The session was not there at that instant")
        return settled(moment.session, at), at

    @property
    def _trail(self) -> AuditLog:
        if self._audit is None:
            raise AuditUnavailable("No audit database is set up")
        return self._audit

    async def _require_known(self, session_id: str) -> None:
        """Raises `SessionNotFound` unless there is or was such a session."""
        loaded = await self._store.load(session_id)
        is_known = loaded.stored is not None or loaded.is_deleted
        if not is_known and await self._trail.last(session_id) is None:
            raise SessionNotFound
