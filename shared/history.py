"""What the audit trail tells: the story of a session, and the session at any point of it."""

import time
from itertools import islice

from shared.access.permits import Permit
from shared.audit.ports import AuditedEvent, AuditLog, Outbox
from shared.domain.errors import RuleViolation, Violation
from shared.domain.session import Session
from shared.domain.settlement import settle
from shared.domain.units import Instant
from shared.errors import AuditUnavailable, SessionNotFound, VersionUnknown
from shared.ports import SessionStore
from shared.slices import next_slice

_SETTLED_WITHIN_S = 1.0
_SHOWN_PER_SLICE = 5_000
"""Participants in all the steps that are settled without a pause: some ms."""


class History:
    """Reads the audit trail; every method raises `AuditUnavailable` while that is away.

    Whoever asks must be one who may read what is told, not only what the store has under that name:
    an id may have been used anew while the trail could not be asked.

    A replay also sees what waits in the outbox, and looks there first: an entry leaves it only
    when the trail has it.
    """

    def __init__(self, store: SessionStore, outbox: Outbox, audit: AuditLog | None) -> None:
        self._store = store
        self._outbox = outbox
        self._audit = audit

    async def events(
        self, permit: Permit, session_id: str, after: int, limit: int
    ) -> tuple[list[AuditedEvent], int | None]:
        """Events above version `after`, oldest first, and where the next page begins, if anywhere.

        Raises `SessionNotFound` where neither the trail nor the store ever heard of the session,
        or it is none of the caller's.
        """
        trail = self._trail
        name, _ = await self._admitted(permit, session_id)
        events = await trail.events(name, after, limit + 1)
        if events and (last := await trail.last(name)):
            permit.check(last.session)
        page = events[:limit]
        return page, page[-1].version if len(events) > limit else None

    async def at_version(
        self, permit: Permit, session_id: str, version: int
    ) -> tuple[Session, Instant]:
        """The session as that version left it, and when that was.

        Raises `SessionNotFound` and `VersionUnknown`.
        """
        trail = self._trail
        name, _ = await self._admitted(permit, session_id)
        for moment in await self._outbox.waiting(name):
            if moment.session.version == version:
                permit.check(moment.session)
                return moment.session, moment.occurred_at
        recorded = await trail.at_version(name, version)
        if recorded is None:
            raise VersionUnknown("This session has no such version")
        permit.check(recorded.session)
        return recorded.session, recorded.occurred_at

    async def at_instant(
        self, permit: Permit, session_id: str, at: Instant
    ) -> tuple[Session, Instant]:
        """The session as a read at that instant showed it.

        Raises `SessionNotFound`; `VersionUnknown` for a time at which the session was not there;
        `RuleViolation` for one that has not come yet.
        """
        trail = self._trail
        name, now = await self._admitted(permit, session_id)
        if at > now:
            raise RuleViolation(Violation("at", "cannot lie in the future", "too_big"))
        waiting = await self._outbox.waiting(name)
        recorded = await trail.at_instant(name, at)
        moments = [moment for moment in waiting if moment.occurred_at <= at]
        moment = moments[-1] if moments else recorded
        if moment is None or moment.is_deletion:
            raise VersionUnknown("The session was not there at that instant")
        permit.check(moment.session)
        return await _settled(moment.session, at), at

    @property
    def _trail(self) -> AuditLog:
        if self._audit is None:
            raise AuditUnavailable("No audit database is set up")
        return self._audit

    async def _admitted(self, permit: Permit, session_id: str) -> tuple[str, Instant]:
        """The session's name and the time, for a caller who hasn't asked too often.

        Raises `SessionNotFound` unless there is or was such a session, and it is the caller's.
        """
        name = permit.name_of(session_id)
        loaded = await self._store.load(name, limits=permit.allowance.limits)
        permit.allowance.take(loaded.quotas)
        session = loaded.stored.session if loaded.stored else None
        if session is None or permit.hides(session):
            # A host is told as late of a session that isn't its own as of one that isn't there.
            session = await self._remembered(name) or session
        if session is None:
            raise SessionNotFound
        permit.check(session)
        return name, loaded.now

    async def _remembered(self, name: str) -> Session | None:
        """Some version of a session that the store knows no more: its owner never changes.

        The trail is asked again behind the outbox, for an entry may have moved meanwhile. All
        three are asked whatever the first says, so that the time taken tells nothing.
        """
        before = await self._trail.last(name)
        waiting = (await self._outbox.newest_of([name])).get(name)
        after = await self._trail.last(name)
        last = before or waiting or after
        return last.session if last else None


async def _settled(session: Session, at: Instant) -> Session:
    """The session after everything that was due by `at`.

    Raises `AuditUnavailable` where so much was due that it takes longer than a request may.
    """
    give_up = time.monotonic() + _SETTLED_WITHIN_S
    steps = settle(session, at)
    most = max(1, _SHOWN_PER_SLICE // max(1, len(session.participants)))
    while portion := list(islice(steps, most)):
        session = portion[-1].session
        if len(portion) == most:
            await next_slice()
        if time.monotonic() > give_up:
            raise AuditUnavailable("So much had happened by then that it takes too long to tell")
    return session
