"""`AuditLog` in Postgres itself, over a small pool of connections."""

import asyncio
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from shared.audit.failures import failure
from shared.audit.ports import AuditedEvent, Clash, Moment
from shared.domain.naming import tenant_and_id
from shared.domain.session import Session
from shared.domain.units import Instant
from shared.errors import AuditUnavailable
from shared.instants import datetime_of, instant_of
from shared.slices import LARGE_BYTES, next_slice
from shared.snapshot import decode_session

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

    Pool = AsyncConnectionPool[AsyncConnection[dict[str, Any]]]

MAX_CONNECTIONS = 4
_CONNECT_TIMEOUT_S = 1
_SILENCE_MS = 5_000
_READ_TIMEOUT_S = 1.0
_WRITE_TIMEOUT_S = 5.0

_OF_SESSION = "from public.sync_events where tenant = %s and session_id = %s"
_MOMENT = f"select state_snapshot::text, event::text, occurred_at {_OF_SESSION}"

_LAST_OF = """
select last.* from unnest(%s::text[], %s::uuid[]) as wanted (tenant, session_id)
cross join lateral (
  select state_snapshot::text, event::text, occurred_at from public.sync_events
  where tenant = wanted.tenant and session_id = wanted.session_id
  order by version desc limit 1
) as last
"""


class PostgresAuditLog:
    """The trail behind `url`. Nothing is imported or connected before it is first used."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: Pool | None = None
        self._running: set[asyncio.Task[list[dict[str, Any]]]] = set()

    async def append(self, entries: Sequence[bytes]) -> list[Clash]:
        batch = b"[" + b",".join(entries) + b"]"
        query = "select session_id::text, version, tenant from public.record_events(%s::text::json)"
        rows = await self._query(query, (batch.decode(),), _WRITE_TIMEOUT_S)
        return [Clash(**row | {"tenant": row["tenant"] or None}) for row in rows]

    async def events(self, name: str, after: int, limit: int) -> list[AuditedEvent]:
        rows = await self._query(
            "select version, event::text, occurred_at, actor, request_id,"
            " participant_id::text, group_id::text, time_remaining_ms, time_elapsed_ms,"
            f" cycle_number, metadata {_OF_SESSION} and version > %s order by version limit %s",
            (*_key(name), after, limit),
        )
        return [
            AuditedEvent(**row | {"occurred_at": instant_of(row["occurred_at"])}) for row in rows
        ]

    async def last(self, name: str) -> Moment | None:
        return await self._moment(name, "order by version desc")

    async def last_of(self, names: Collection[str]) -> dict[str, Moment]:
        keys = [_key(name) for name in names]
        parameters = ([tenant for tenant, _ in keys], [session_id for _, session_id in keys])
        rows = await self._query(_LAST_OF, parameters)
        moments: dict[str, Moment] = {}
        for row in rows:
            if len(row["state_snapshot"]) > LARGE_BYTES:
                await next_slice()
            moment = _moment_in(row)
            moments[moment.session.name] = moment
        return moments

    async def at_version(self, name: str, version: int) -> Moment | None:
        return await self._moment(name, "and version = %s", version)

    async def at_instant(self, name: str, at: Instant) -> Moment | None:
        condition = "and occurred_at <= %s order by version desc"
        return await self._moment(name, condition, datetime_of(at))

    async def waking(self, after: str | None, limit: int) -> list[Session]:
        query = "select state_snapshot::text from public.sessions_that_wake(%s, %s, %s)"
        start = _key(after) if after else (None, None)
        rows = await self._query(query, (*start, limit), _WRITE_TIMEOUT_S)
        sessions = []
        for row in rows:
            if len(row["state_snapshot"]) > LARGE_BYTES:
                await next_slice()
            sessions.append(decode_session(row["state_snapshot"]))
        return sessions

    async def ping(self) -> None:
        await self._query("select tenant from public.sync_sessions limit 1", ())

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def _moment(self, name: str, condition: str, *parameters: Any) -> Moment | None:
        rows = await self._query(f"{_MOMENT} {condition} limit 1", (*_key(name), *parameters))
        return _moment_in(rows[0]) if rows else None

    async def _query(
        self, query: str, parameters: Sequence[Any], timeout_s: float = _READ_TIMEOUT_S
    ) -> list[dict[str, Any]]:
        """The rows. A query that takes too long is left behind at once: cancelling it asks the
        server, which may be what hangs."""
        from psycopg import Error

        running = asyncio.create_task(self._run(query, parameters))
        self._running.add(running)
        running.add_done_callback(self._forget)
        try:
            done, _ = await asyncio.wait({running}, timeout=timeout_s)
            if not done:
                raise AuditUnavailable
            return running.result()
        except Error as error:
            raise failure(error.sqlstate, str(error)) from error
        finally:
            running.cancel()

    async def _run(self, query: str, parameters: Sequence[Any]) -> list[dict[str, Any]]:
        pool = await self._opened()
        async with pool.connection() as connection:
            cursor = await connection.execute(query, parameters)
            return await cursor.fetchall()

    def _forget(self, ended: asyncio.Task[list[dict[str, Any]]]) -> None:
        self._running.discard(ended)
        if not ended.cancelled():
            ended.exception()  # whoever waited for it has been told, or has left

    async def _opened(self) -> "Pool":
        if self._pool is None:
            from psycopg import AsyncConnection
            from psycopg.rows import dict_row
            from psycopg_pool import AsyncConnectionPool

            self._pool = AsyncConnectionPool(
                self._url,
                # No prepared statements: a pooler in transaction mode knows nothing of them.
                kwargs={
                    "row_factory": dict_row,
                    "prepare_threshold": None,
                    "autocommit": True,
                    "connect_timeout": _CONNECT_TIMEOUT_S,
                    "tcp_user_timeout": _SILENCE_MS,
                },
                connection_class=AsyncConnection[dict[str, Any]],
                min_size=0,
                max_size=MAX_CONNECTIONS,
                timeout=_CONNECT_TIMEOUT_S,
                # One attempt for each who asks; else the pool would wait longer and longer.
                reconnect_timeout=0,
                check=AsyncConnectionPool.check_connection,
                open=False,
            )
            await self._pool.open()
        return self._pool


def _moment_in(row: dict[str, Any]) -> Moment:
    session = decode_session(row["state_snapshot"])
    return Moment(session, row["event"], instant_of(row["occurred_at"]))


def _key(name: str) -> tuple[str, str]:
    """A session's tenant and id as the tables have them."""
    tenant, session_id = tenant_and_id(name)
    return tenant or "", session_id
