"""`AuditLog` on a direct Postgres connection, through a small pool."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from shared.application.errors import AuditUnavailable, EntriesRefused
from shared.application.event_loop import LARGE_BYTES, yield_to_event_loop
from shared.application.ports.audit_log import (
    AuditConflict,
    AuditedEvent,
    ExaminedSession,
    SessionSnapshot,
)
from shared.application.ports.listed_sessions import ListScope, ListSpan, SessionFilter
from shared.application.snapshots import decode_state
from shared.audit.completion import complete
from shared.audit.postgres_pool import PostgresPool
from shared.audit.session_lists import examined, list_parameters
from shared.domain.events import EventType
from shared.domain.session import Session, session_name, tenant_and_id
from shared.domain.units import Instant

_READ_TIMEOUT_S = 1.0
_WRITE_TIMEOUT_S = 5.0

_UNICODE = "UTF8"
"""The only Postgres encoding that can store every character."""

_OCCURRED_AT = "(extract(epoch from occurred_at) * 1000)::bigint as occurred_at"
"""In ms, because a timestamp as text depends on the database's DateStyle and TimeZone."""

_OF_SESSION = "from public.sync_events where tenant = %s and session_id = %s"
_COLUMNS = f"select state_snapshot::text, event::text, {_OCCURRED_AT}"
_MOMENT = f"{_COLUMNS} {_OF_SESSION}"
_NAMES = "select tenant, session_id::text from public.sync_sessions"
_RECORD = "select session_id::text, version, tenant from public.record_events(%s::text::json)"

_WRITE_NOTHING = """
select current_setting('server_encoding') as encoding, count(e.tenant)
from public.record_events('[]'::json) as e
"""
"""Fails where a batch would fail: read-only database, missing function, missing privilege."""

_EACH_WANTED = "select last.* from unnest(%s::text[], %s::uuid[]) as wanted (tenant, session_id)"
_NEWEST_OF_WANTED = """
from public.sync_events where tenant = wanted.tenant and session_id = wanted.session_id
order by version desc limit 1
"""
_LAST_OF = f"{_EACH_WANTED} cross join lateral ({_COLUMNS} {_NEWEST_OF_WANTED}) as last"


_LIST = """
select session_id::text, created_at_ms, matches, status, sync_mode, updated_at_ms, version,
  participant_count, owner, metadata::text
from public.list_sessions(%s::text, %s::text, %s::bigint, %s::uuid, %s::bigint, %s::jsonb, %s::int)
"""


class PostgresAuditLog:
    """The audit trail in the database at `url`. Imports and connects at the first use.

    Queries don't depend on the settings of the database, the role or `url`: names are qualified,
    times are numbers, and the pool sets the relevant settings itself (`postgres_pool.py`).
    """

    def __init__(self, url: str) -> None:
        self._pool = PostgresPool(url)

    async def append(self, entries: Sequence[bytes]) -> list[AuditConflict]:
        try:
            batch = (b"[" + b",".join(entries) + b"]").decode()
        except UnicodeDecodeError as error:
            raise EntriesRefused(f"not UTF-8: {error}") from error
        rows = await self._pool.query(_RECORD, (batch,), _WRITE_TIMEOUT_S)
        return [AuditConflict(**row | {"tenant": row["tenant"] or None}) for row in rows]

    async def events(
        self,
        name: str,
        after: int | None,
        limit: int,
        *,
        event: EventType | None = None,
        newest_first: bool = False,
    ) -> list[AuditedEvent]:
        conditions = ""
        parameters: list[str | int] = [*_key(name)]
        if after is not None:
            conditions += " and version < %s" if newest_first else " and version > %s"
            parameters.append(after)
        if event is not None:
            conditions += " and event::text = %s"
            parameters.append(event.value)
        order = "desc" if newest_first else "asc"
        rows = await self._read(
            f"select version, event::text, {_OCCURRED_AT}, actor, request_id,"
            " participant_id::text, group_id::text, time_remaining_ms, time_elapsed_ms,"
            f" cycle_number, metadata {_OF_SESSION}{conditions} order by version {order} limit %s",
            (*parameters, limit),
        )
        return [AuditedEvent(**row) for row in rows]

    async def last(self, name: str) -> SessionSnapshot | None:
        return await self._moment(name, "order by version desc")

    async def newest_of(self, names: Collection[str]) -> dict[str, SessionSnapshot]:
        keys = [_key(name) for name in names]
        parameters = ([tenant for tenant, _ in keys], [session_id for _, session_id in keys])
        rows = await self._read(_LAST_OF, parameters)
        snapshots: dict[str, SessionSnapshot] = {}
        for row in rows:
            if len(row["state_snapshot"]) > LARGE_BYTES:
                await yield_to_event_loop()
            if snapshot := await self.completed(_snapshot_of(row)):
                snapshots[snapshot.session.name] = snapshot
        return snapshots

    async def at_version(self, name: str, version: int) -> SessionSnapshot | None:
        return await self._moment(name, "and version = %s", version)

    async def at_instant(self, name: str, at: Instant) -> SessionSnapshot | None:
        instant = "timestamptz 'epoch' + %s * interval '1 millisecond'"
        return await self._moment(
            name, f"and occurred_at <= {instant} order by version desc", int(at)
        )

    async def completed(self, snapshot: SessionSnapshot) -> SessionSnapshot | None:
        if (difference := snapshot.difference) is None:
            return snapshot
        name, query = snapshot.session.name, f"{_MOMENT} and version = %s and operation_id = %s"
        rows = await self._read(query, (*_key(name), *difference.base))
        return complete(snapshot, _snapshot_of(rows[0]) if rows else None)

    async def sessions_with_wakeup(self, after: str | None, limit: int) -> list[Session]:
        query = "select state_snapshot::text from public.sessions_that_wake(%s, %s, %s)"
        start = _key(after) if after else (None, None)
        rows = await self._read(query, (*start, limit), _WRITE_TIMEOUT_S)
        sessions = []
        for row in rows:
            if len(row["state_snapshot"]) > LARGE_BYTES:
                await yield_to_event_loop()
            recorded = SessionSnapshot.of(decode_state(row["state_snapshot"]), "", Instant(0))
            if snapshot := await self.completed(recorded):
                sessions.append(snapshot.session)
        return sessions

    async def names(self, after: str | None, limit: int) -> list[str]:
        behind = "where (tenant, session_id) > (%s, %s)" if after else ""
        query = f"{_NAMES} {behind} order by tenant, session_id limit %s"
        start = _key(after) if after else ()
        rows = await self._read(query, (*start, limit), _WRITE_TIMEOUT_S)
        return [session_name(row["session_id"], row["tenant"]) for row in rows]

    async def newest_in(
        self, scope: ListScope, wanted: SessionFilter, span: ListSpan
    ) -> list[ExaminedSession]:
        parameters = list_parameters(scope, wanted, span)
        parameters["conditions"] = msgspec.json.encode(parameters["conditions"]).decode()
        rows = await self._read(_LIST, tuple(parameters.values()))
        for row in rows:
            row["metadata"] = row["metadata"] and msgspec.json.decode(row["metadata"])
        return [examined(row) for row in rows]

    async def ping(self) -> None:
        await self._read("select tenant from public.sync_sessions limit 1", ())

    async def check(self) -> str | None:
        (row,) = await self._read(_WRITE_NOTHING, ())
        return encoding_problem(row["encoding"])

    async def close(self) -> None:
        await self._pool.close()

    async def _moment(self, name: str, condition: str, *parameters: Any) -> SessionSnapshot | None:
        rows = await self._read(f"{_MOMENT} {condition} limit 1", (*_key(name), *parameters))
        return await self.completed(_snapshot_of(rows[0])) if rows else None

    async def _read(
        self, query: str, parameters: Sequence[Any], timeout_s: float = _READ_TIMEOUT_S
    ) -> list[dict[str, Any]]:
        try:
            return await self._pool.query(query, parameters, timeout_s)
        except EntriesRefused as error:  # a query writes no entries, so none can be at fault
            raise AuditUnavailable(reason=str(error)) from error


def encoding_problem(encoding: str) -> str | None:
    """Return why a database in `encoding` can't store every entry; None if it can."""
    if encoding == _UNICODE:
        return None
    return (
        f"its encoding {encoding} can't store every character: entries with other characters"
        f" become dead letters. Create a database in {_UNICODE} (create database ... encoding"
        f" '{_UNICODE}' template template0), and move to it"
    )


def _snapshot_of(row: dict[str, Any]) -> SessionSnapshot:
    state = decode_state(row["state_snapshot"])
    return SessionSnapshot.of(state, row["event"], Instant(row["occurred_at"]))


def _key(name: str) -> tuple[str, str]:
    """Return a session's tenant and id as the tables have them ('' for no tenant)."""
    tenant, session_id = tenant_and_id(name)
    return tenant or "", session_id
