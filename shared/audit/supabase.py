"""`AuditLog` in Supabase, over PostgREST with Supabase's own clients."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from shared.application.errors import AuditUnavailable, EntriesRefused
from shared.application.instants import datetime_of, instant_of
from shared.application.ports.audit_log import (
    AuditConflict,
    AuditedEvent,
    ExaminedSession,
    SessionSnapshot,
)
from shared.application.ports.listed_sessions import ListScope, ListSpan, SessionFilter
from shared.application.snapshots import state_from_json
from shared.audit.completion import complete
from shared.audit.database_errors import error_from_code, timeout_error
from shared.audit.session_lists import examined, list_parameters
from shared.domain.events import EventType
from shared.domain.session import Session, session_name, tenant_and_id
from shared.domain.units import Instant

if TYPE_CHECKING:
    from postgrest import AsyncPostgrestClient

Opening = Callable[[], Awaitable["AsyncPostgrestClient"]]

_READ_TIMEOUT_S = 1.0
_WRITE_TIMEOUT_S = 5.0

_EVENT_COLUMNS = (
    "version,event,occurred_at,actor,request_id,participant_id,group_id,"
    "time_remaining_ms,time_elapsed_ms,cycle_number,metadata"
)
_SNAPSHOT_COLUMNS = "state_snapshot,event,occurred_at"

_UNICODE_CHARACTER = "\N{BLACK CHESS PAWN}"
"""A character that UTF8 has and hardly any other encoding."""


class SupabaseAuditLog:
    """The audit trail of a Supabase project, through the client that `opening` creates.

    The client is created at the first use, because importing it takes longer than most requests.
    """

    def __init__(self, opening: Opening) -> None:
        self._open = opening
        self._client: AsyncPostgrestClient | None = None
        self._opening = asyncio.Lock()

    async def append(self, entries: Sequence[bytes]) -> list[AuditConflict]:
        batch = _decoded(entries)
        client = await self._opened()
        query = client.rpc("record_events", {"entries": batch})
        # Naming `tenant` makes a database without the tenants migration refuse the batch.
        rows = await _execute(query.select("session_id", "version", "tenant"), _WRITE_TIMEOUT_S)
        return [
            AuditConflict(row["session_id"], row["version"], row["tenant"] or None) for row in rows
        ]

    async def events(
        self,
        name: str,
        after: int | None,
        limit: int,
        *,
        event: EventType | None = None,
        newest_first: bool = False,
    ) -> list[AuditedEvent]:
        query = await self._of(name, _EVENT_COLUMNS)
        if after is not None:
            query = query.lt("version", after) if newest_first else query.gt("version", after)
        if event is not None:
            query = query.eq("event", event.value)
        rows = await _rows(query.order("version", desc=newest_first).limit(limit))
        return [AuditedEvent(**row | {"occurred_at": _instant(row["occurred_at"])}) for row in rows]

    async def last(self, name: str) -> SessionSnapshot | None:
        return await self._newest(await self._of(name, _SNAPSHOT_COLUMNS))

    async def newest_of(self, names: Collection[str]) -> dict[str, SessionSnapshot]:
        """See `AuditLog`. Sends two requests per tenant: PostgREST can't select the newest row of
        each session in one request, so the first one asks for the versions."""
        by_tenant: dict[str, list[str]] = {}
        for tenant, session_id in map(tenant_and_id, names):
            by_tenant.setdefault(tenant or "", []).append(session_id)
        snapshots = [
            snapshot
            for tenant, ids in by_tenant.items()
            for snapshot in await self._last_of_tenant(tenant, ids)
        ]
        whole = [known for one in snapshots if (known := await self.completed(one))]
        return {snapshot.session.name: snapshot for snapshot in whole}

    async def _last_of_tenant(
        self, tenant: str, session_ids: Sequence[str]
    ) -> list[SessionSnapshot]:
        client = await self._opened()
        query = client.table("sync_sessions").select("session_id", "version")
        rows = await _rows(query.eq("tenant", tenant).in_("session_id", session_ids))
        versions = dict.fromkeys(session_ids, 0) | {r["session_id"]: r["version"] for r in rows}
        each = (f"and(session_id.eq.{i},version.eq.{version})" for i, version in versions.items())
        query = client.table("sync_events").select(_SNAPSHOT_COLUMNS).eq("tenant", tenant)
        return list(map(_snapshot_of, await _rows(query.or_(",".join(each)))))

    async def at_version(self, name: str, version: int) -> SessionSnapshot | None:
        query = await self._of(name, _SNAPSHOT_COLUMNS)
        return await self._newest(query.eq("version", version))

    async def at_instant(self, name: str, at: Instant) -> SessionSnapshot | None:
        query = await self._of(name, _SNAPSHOT_COLUMNS)
        return await self._newest(query.lte("occurred_at", datetime_of(at).isoformat()))

    async def completed(self, snapshot: SessionSnapshot) -> SessionSnapshot | None:
        if (difference := snapshot.difference) is None:
            return snapshot
        query = await self._of(snapshot.session.name, _SNAPSHOT_COLUMNS)
        version, operation_id = difference.base
        base = await _newest(query.eq("version", version).eq("operation_id", operation_id))
        return complete(snapshot, base)

    async def sessions_with_wakeup(self, after: str | None, limit: int) -> list[Session]:
        client = await self._opened()
        tenant, session_id = tenant_and_id(after) if after else (None, None)
        page: Any = {"after_tenant": tenant, "after": session_id, "at_most": limit}
        query = client.rpc("sessions_that_wake", page)
        rows = await _rows(query, _WRITE_TIMEOUT_S)
        states = [state_from_json(row["state_snapshot"]) for row in rows]
        recorded = [SessionSnapshot.of(state, "", Instant(0)) for state in states]
        return [whole.session for one in recorded if (whole := await self.completed(one))]

    async def names(self, after: str | None, limit: int) -> list[str]:
        """See `AuditLog`. Reads the rest of the same tenant first, then the tenants after it."""
        if after is None:
            return await self._names(lambda query: query, limit)
        tenant, session_id = tenant_and_id(after)
        return await self._names(
            lambda query: query.eq("tenant", tenant or "").gt("session_id", session_id), limit
        ) or await self._names(lambda query: query.gt("tenant", tenant or ""), limit)

    async def _names(self, narrow: Callable[[Any], Any], limit: int) -> list[str]:
        query = narrow((await self._opened()).table("sync_sessions").select("tenant,session_id"))
        rows = await _rows(query.order("tenant").order("session_id").limit(limit), _WRITE_TIMEOUT_S)
        return [session_name(row["session_id"], row["tenant"]) for row in rows]

    async def newest_in(
        self, scope: ListScope, wanted: SessionFilter, span: ListSpan
    ) -> list[ExaminedSession]:
        client = await self._opened()
        parameters = list_parameters(scope, wanted, span)
        return [examined(row) for row in await _rows(client.rpc("list_sessions", parameters))]

    async def ping(self) -> None:
        client = await self._opened()
        await _rows(client.table("sync_sessions").select("tenant").limit(1))

    async def check(self) -> str | None:
        """See `AuditLog`. An empty batch fails where every batch would. The filter matches no
        tenant, but fails if the database's encoding lacks the character (SQLSTATE 22P05)."""
        client = await self._opened()
        nothing: Any = {"entries": []}
        query = client.rpc("record_events", nothing).select("tenant")
        try:
            await _execute(query.eq("tenant", _UNICODE_CHARACTER), _READ_TIMEOUT_S)
        except EntriesRefused as error:
            return f"its encoding can't store every character, use a database in UTF8: {error}"
        return None

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
        self._client = None

    async def _newest(self, query: Any) -> SessionSnapshot | None:
        newest = await _newest(query)
        return await self.completed(newest) if newest else None

    async def _of(self, name: str, columns: str) -> Any:
        tenant, session_id = tenant_and_id(name)
        query = (await self._opened()).table("sync_events").select(columns)
        return query.eq("tenant", tenant or "").eq("session_id", session_id)

    async def _opened(self) -> "AsyncPostgrestClient":
        async with self._opening:
            if self._client is None:
                self._client = await self._open()
            return self._client


def _decoded(entries: Sequence[bytes]) -> Any:
    try:
        return msgspec.json.decode(b"[" + b",".join(entries) + b"]")
    except ValueError as error:
        raise EntriesRefused(str(error)) from error


async def _newest(query: Any) -> SessionSnapshot | None:
    rows = await _rows(query.order("version", desc=True).limit(1))
    return _snapshot_of(rows[0]) if rows else None


def _snapshot_of(row: dict[str, Any]) -> SessionSnapshot:
    state = state_from_json(row["state_snapshot"])
    return SessionSnapshot.of(state, row["event"], _instant(row["occurred_at"]))


async def _rows(query: Any, timeout_s: float = _READ_TIMEOUT_S) -> list[dict[str, Any]]:
    """Return the rows of a `query` that writes nothing. Raises `AuditUnavailable`."""
    try:
        return await _execute(query, timeout_s)
    except EntriesRefused as error:  # a query writes no entries, so none can be at fault
        raise AuditUnavailable(reason=str(error)) from error


async def _execute(query: Any, timeout_s: float) -> list[dict[str, Any]]:
    """Return the rows of `query`. Raises `AuditUnavailable` and `EntriesRefused`."""
    import httpx
    from postgrest.exceptions import APIError

    try:
        async with asyncio.timeout(timeout_s):
            answer = await _execute_with_retry(query)
    except (TimeoutError, httpx.TimeoutException) as error:
        raise timeout_error(timeout_s) from error
    except httpx.HTTPError as error:
        raise AuditUnavailable from error
    except APIError as error:
        raise error_from_code(error.code, error.message or "") from error
    except (OSError, RuntimeError, AttributeError) as error:
        # anyio and uvloop raise these if the connection is reset while it is being opened.
        raise AuditUnavailable from error
    rows: list[dict[str, Any]] = answer.data
    return rows


async def _execute_with_retry(query: Any) -> Any:
    """Execute `query`, and repeat it once if an idle connection turned out to be closed."""
    import httpx

    try:
        return await query.execute()
    except (httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError):
        return await query.execute()


def _instant(timestamp: str) -> Instant:
    return instant_of(datetime.fromisoformat(timestamp))
