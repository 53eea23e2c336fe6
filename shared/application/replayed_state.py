"""Find the state that the first response to a repeated request showed."""

from shared.application.errors import AuditUnavailable
from shared.application.ports.audit_log import AuditLog, Outbox
from shared.application.ports.commit import IdempotencyRecord, StoredSession
from shared.application.ports.session_store import SessionStore
from shared.domain.session import Session


class ReplayedStateReader:
    """Looks for a version of a session in the record, the store, the outbox and the trail."""

    def __init__(self, store: SessionStore, outbox: Outbox, audit: AuditLog | None) -> None:
        self._store = store
        self._outbox = outbox
        self._audit = audit

    async def session(
        self, recorded: IdempotencyRecord, name: str, version: int, stored: StoredSession | None
    ) -> Session:
        """Return the session `name` at `version`, which the response of `recorded` showed.

        `stored` is the session's current state, if it was loaded. The outbox is read before the
        trail, because an entry leaves it only when the trail has it. Raises `AuditUnavailable` if
        the version can't be found now.
        """
        if recorded.session:
            return recorded.session
        if stored is None:
            stored = (await self._store.load(name)).stored
        if stored and stored.session.version == version:
            return stored.session
        moment = await self._outbox.entry(name, recorded.entry_id) if recorded.entry_id else None
        if moment is None and self._audit:
            moment = await self._audit.at_version(name, version)
        if moment is None or moment.session.version != version:
            raise AuditUnavailable("The first answer to this request can't be found right now")
        return moment.session
