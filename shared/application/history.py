"""Read the audit trail: a session's events, and its state at a version or an instant."""

import time
from itertools import islice

from shared.application.authorization import Authorization
from shared.application.errors import AuditUnavailable, SessionNotFound, VersionNotFound
from shared.application.event_loop import yield_to_event_loop
from shared.application.ports.audit_log import AuditedEvent, AuditLog, Outbox
from shared.application.ports.commit import IdempotencyRecord, StoredSession
from shared.application.ports.session_store import SessionStore
from shared.application.session_time import session_time
from shared.domain.errors import RuleViolation, Violation
from shared.domain.events import EventType
from shared.domain.session import Session
from shared.domain.settlement import settle
from shared.domain.units import Instant

_SETTLE_TIMEOUT_S = 1.0
_PARTICIPANTS_PER_SLICE = 5_000
"""Sum over the steps that are settled without a pause, which takes some ms."""


class AuditHistory:
    """Reads the audit trail. Every method raises `AuditUnavailable` while that is unavailable.

    The caller must be allowed to read the session in the trail, not only the one in the store:
    the id may have been used again while the trail was unavailable.

    A replay also reads entries that wait in the outbox. It does so first, because an entry leaves
    the outbox only when the trail has it.
    """

    def __init__(self, store: SessionStore, outbox: Outbox, audit: AuditLog | None) -> None:
        self._store = store
        self._outbox = outbox
        self._audit = audit

    async def events(
        self,
        authorization: Authorization,
        session_id: str,
        after: int | None,
        limit: int,
        *,
        event: EventType | None = None,
        newest_first: bool = False,
    ) -> tuple[list[AuditedEvent], int | None]:
        """Return events behind version `after`, and the `after` of the next page.

        The order and the meaning of `event` are those of `AuditLog.events`.
        Raises `SessionNotFound` if neither the trail nor the store knows the session, or the caller
        may not read it.
        """
        trail = self._trail
        name, _ = await self._authorize(authorization, session_id)
        events = await trail.events(name, after, limit + 1, event=event, newest_first=newest_first)
        if events and (last := await trail.last(name)):
            authorization.check(last.session)
        page = events[:limit]
        return page, page[-1].version if len(events) > limit else None

    async def at_version(
        self, authorization: Authorization, session_id: str, version: int
    ) -> tuple[Session, Instant]:
        """Return the session at a version, and the instant of that version.

        Raises `SessionNotFound` and `VersionNotFound`.
        """
        trail = self._trail
        name, _ = await self._authorize(authorization, session_id)
        for snapshot in await self._outbox.waiting(name):
            if snapshot.session.version == version and (whole := await trail.completed(snapshot)):
                authorization.check(whole.session)
                return whole.session, whole.occurred_at
        recorded = await trail.at_version(name, version)
        if recorded is None:
            raise VersionNotFound("This session has no such version")
        authorization.check(recorded.session)
        return recorded.session, recorded.occurred_at

    async def at_instant(
        self, authorization: Authorization, session_id: str, at: Instant
    ) -> tuple[Session, Instant]:
        """Return the session as a read at that instant would have shown it, and the instant.

        Raises `SessionNotFound`, `VersionNotFound` if the session didn't exist at that instant, and
        `RuleViolation` if the instant is in the future.
        """
        trail = self._trail
        name, now = await self._authorize(authorization, session_id)
        if at > now:
            raise RuleViolation(Violation("at", "cannot lie in the future", "too_big"))
        waiting = await self._outbox.waiting(name)
        recorded = await trail.at_instant(name, at)
        snapshots = [snapshot for snapshot in waiting if snapshot.occurred_at <= at]
        snapshot = await trail.completed(snapshots[-1]) if snapshots else recorded
        if snapshot is None or snapshot.is_deletion:
            raise VersionNotFound("The session did not exist at that instant")
        authorization.check(snapshot.session)
        return await _settled(snapshot.session, at), at

    @property
    def _trail(self) -> AuditLog:
        if self._audit is None:
            raise AuditUnavailable("No audit database is set up")
        return self._audit

    async def _authorize(
        self, authorization: Authorization, session_id: str
    ) -> tuple[str, Instant]:
        """Count the request and check access; return the session's name and its time.

        Raises `SessionNotFound` if there never was such a session or the caller may not read it.
        """
        name = authorization.store_name(session_id)
        limits, token = authorization.rate_limit.limits, authorization.caller.token
        loaded = await self._store.load(name, limits=limits, token=token)
        authorization.record(loaded.quotas, is_revoked=loaded.is_revoked)
        session = loaded.stored.session if loaded.stored else None
        if session is None or authorization.must_hide(session):
            # The same calls in both cases, so that the time until the 404 doesn't reveal to a host
            # whether another owner's session exists.
            session = await self._last_known(name) or session
        if session is None:
            raise SessionNotFound
        authorization.check(session)
        return name, session_time(session, loaded.now)

    async def _last_known(self, name: str) -> Session | None:
        """Any version of a session that the store doesn't have; its owner never changes.

        The trail is read again after the outbox, because the entry may have moved meanwhile. All
        three reads are always made, so that the response time reveals nothing.
        """
        before = await self._trail.last(name)
        waiting = (await self._outbox.newest_versions_of([name])).get(name)
        after = await self._trail.last(name)
        last = before or waiting or after
        last = last and await self._trail.completed(last)
        return last.session if last else None


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
        snapshot = await self._outbox.entry(name, recorded.entry_id) if recorded.entry_id else None
        if snapshot and snapshot.difference:
            snapshot = await self._audit.completed(snapshot) if self._audit else None
        if snapshot is None and self._audit:
            snapshot = await self._audit.at_version(name, version)
        if snapshot is None or snapshot.session.version != version:
            raise AuditUnavailable("The first answer to this request can't be found right now")
        return snapshot.session


async def _settled(session: Session, at: Instant) -> Session:
    """The session after everything that was due by `at`.

    Raises `AuditUnavailable` if that takes longer than 1 s.
    """
    ends_at = time.monotonic() + _SETTLE_TIMEOUT_S
    steps = settle(session, at)
    batch_size = max(1, _PARTICIPANTS_PER_SLICE // max(1, len(session.participants)))
    while batch := list(islice(steps, batch_size)):
        session = batch[-1].session
        if len(batch) == batch_size:
            await yield_to_event_loop()
        if time.monotonic() > ends_at:
            raise AuditUnavailable("Too many changes were due by then to calculate them in time")
    return session
