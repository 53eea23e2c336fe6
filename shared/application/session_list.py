"""List sessions: from the store what it has, and from the audit trail all others."""

import asyncio
from collections.abc import Sequence

from shared.application.authorization import Authorization, Role
from shared.application.errors import Forbidden
from shared.application.ports.audit_log import AuditLog, ExaminedSession
from shared.application.ports.listed_sessions import (
    ListedSession,
    ListPosition,
    ListScope,
    ListSpan,
    SessionFilter,
)
from shared.application.ports.session_index import SessionIndex
from shared.application.timeout import store_timeout
from shared.domain.errors import RuleViolation, Violation
from shared.domain.values import Value

MAX_EXAMINED = 500
"""Sessions that a page examines at most. A filter that few of them meet makes the page short."""

MAX_LIVE = 2_000
"""Live sessions among which `SessionList.live` looks for those that meet a filter."""

_BATCH = 100
"""Sessions that one round trip examines, if the page needs no fewer."""


class SessionPage(Value, frozen=True):
    """A page of a list, newest first; the next page begins behind `following` (None: the end)."""

    sessions: list[ListedSession]
    following: ListPosition | None


class SessionList:
    """Lists the sessions that a caller may read. Without an `audit` trail, only the store's.

    The store knows the newest state of each session that it has. The trail gets a change shortly
    after its answer, so it is asked only about sessions that the store doesn't have.
    """

    def __init__(self, index: SessionIndex, audit: AuditLog | None) -> None:
        self._index = index
        self._audit = audit

    async def page(
        self,
        authorization: Authorization,
        wanted: SessionFilter,
        span: ListSpan,
        *,
        owner: str | None = None,
    ) -> SessionPage:
        """Return the sessions of this part of the list that meet the filter.

        The page has fewer sessions than the part may have, or none, although more follow, if
        `MAX_EXAMINED` sessions were examined. Each round examines up to `_BATCH` with two round
        trips to the store and one to the trail. Raises `Forbidden`, `RateLimitExceeded`,
        `StoreUnavailable` and `AuditUnavailable`.
        """
        scope = _scope_of(authorization, owner)
        authorization.rate_limit.check()
        found: list[ListedSession] = []
        examined, before = 0, span.before
        size = span.limit + 1 if wanted.admits_all else _BATCH
        while examined < MAX_EXAMINED:
            counting = None if examined else authorization
            part = ListSpan(size, before, span.since)
            batch = await self._examined(scope, wanted, part, counting)
            for one in batch:
                if one.session and len(found) == span.limit:
                    return SessionPage(found, before)
                before = one.position
                if one.session:
                    found.append(one.session)
            if len(batch) < size:
                return SessionPage(found, None)
            examined, size = examined + len(batch), _BATCH
        return SessionPage(found, before)

    async def live(self, authorization: Authorization, wanted: SessionFilter) -> list[str]:
        """Return the ids of the caller's live sessions that meet a filter, newest first.

        Only the store is asked. Raises `RuleViolation` if the caller has more than `MAX_LIVE` live
        sessions, `RateLimitExceeded` and `StoreUnavailable`.
        """
        scope = _scope_of(authorization, None)
        authorization.rate_limit.check()
        with store_timeout():
            page = await self._index.newest(
                scope,
                ListSpan(MAX_LIVE + 1),
                include_ended=False,
                limits=authorization.rate_limit.limits,
            )
            authorization.rate_limit.record(page.quotas)
            if len(page.positions) > MAX_LIVE:
                message = f"can't select among more than {MAX_LIVE} live sessions"
                raise RuleViolation(Violation("metadata", message, "too_large"))
            names = [scope.name_of(position.session_id) for position in page.positions]
            found: list[str] = []
            for start in range(0, len(names), _BATCH):
                held = await self._index.sessions(names[start : start + _BATCH])
                found += [
                    one.session_id
                    for one in held.values()
                    if one and not one.status.is_terminal and wanted.admits(one)
                ]
        return found

    async def _examined(
        self,
        scope: ListScope,
        wanted: SessionFilter,
        part: ListSpan,
        counting: Authorization | None,
    ) -> list[ExaminedSession]:
        """Return this part of both lists together, shorter than its limit only at their end."""
        positions_held, recorded = await asyncio.gather(
            self._indexed(scope, part, counting),
            self._recorded(scope, wanted, part),
        )
        in_trail = {one.position: one for one in recorded}
        positions = sorted({*positions_held, *in_trail}, reverse=True)[: part.limit]
        names = {
            position: scope.name_of(position.session_id)
            for position in positions
            if position in positions_held or in_trail[position].session
        }
        with store_timeout():
            held = await self._index.sessions(names.values())
        examined: list[ExaminedSession] = []
        for position in positions:
            session = in_trail[position].session if position in in_trail else None
            if (name := names.get(position)) in held:
                newest = held[name]
                session = newest if newest and wanted.admits(newest) else None
            examined.append(ExaminedSession(position, session))
        return examined

    async def _indexed(
        self, scope: ListScope, part: ListSpan, counting: Authorization | None
    ) -> frozenset[ListPosition]:
        """Return the positions that the store has, and count the request."""
        limits = counting.rate_limit.limits if counting else ()
        with store_timeout():
            page = await self._index.newest(scope, part, limits=limits)
        if counting:
            counting.rate_limit.record(page.quotas)
        return frozenset(page.positions)

    async def _recorded(
        self, scope: ListScope, wanted: SessionFilter, part: ListSpan
    ) -> Sequence[ExaminedSession]:
        if self._audit is None:
            return ()
        return await self._audit.newest_in(scope, wanted, part)


def _scope_of(authorization: Authorization, owner: str | None) -> ListScope:
    """Return the list that the caller may read, narrowed to `owner`. Raises `Forbidden`."""
    caller = authorization.caller
    match caller.role:
        case Role.SERVICE:
            return ListScope(caller.tenant, owner)
        case Role.HOST if owner in (None, caller.subject):
            return ListScope(caller.tenant, caller.subject)
        case Role.HOST:
            raise Forbidden(
                "A host can list only its own sessions",
                Violation("owner", "must be the host itself", "not_allowed"),
            )
        case _:
            raise Forbidden(f"A {caller.role} can't do that: {authorization.operation}")
