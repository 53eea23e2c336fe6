"""Queries to one Postgres, each with a time limit and repeated when its connection breaks."""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shared.application.errors import AuditUnavailable, EntriesRefused
from shared.application.outage_log import OutageLog
from shared.audit.database_errors import breaks_connection, error_from_code, timeout_error

if TYPE_CHECKING:
    from psycopg import AsyncConnection, Error
    from psycopg_pool import AsyncConnectionPool

    Connection = AsyncConnection[dict[str, Any]]
    Pool = AsyncConnectionPool[Connection]

Rows = list[dict[str, Any]]

_log = logging.getLogger("synckairos.audit")

MAX_CONNECTIONS = 4
_ATTEMPTS = 3
"""Two are enough, unless a connection was being opened while the others were cut."""

_CONNECT_TIMEOUT_S = 1
_SILENCE_MS = 5_000

_BEGIN = b"begin isolation level read committed"
_SETTINGS = b"""
select
  set_config('statement_timeout', %(statement_ms)s, true),
  set_config('lock_timeout', %(lock_ms)s, true),
  set_config('idle_in_transaction_session_timeout', '0', true),
  set_config(
    'synchronous_commit',
    case current_setting('synchronous_commit') when 'off' then 'on'
      else current_setting('synchronous_commit') end,
    true)
"""
"""Set per transaction: poolers share connections between clients and refuse startup settings.

Without `synchronous_commit` a crash of the server loses transactions that it has just confirmed.
"""

_STATEMENT_SHARE = 0.9
_LOCK_SHARE = 0.6
"""Shares of a query's time limit. The server times out first, so the connection stays usable."""


class PostgresPool:
    """Connections to the servers of `url`. Imports and connects at the first use.

    The pool never overrides a read-only mode: Supabase sets it when a disk is nearly full. With
    several hosts, `target_session_attrs=read-write` in `url` selects the primary.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: Pool | None = None
        self._running: set[asyncio.Task[Rows]] = set()
        self._outages = OutageLog(_log)

    async def query(self, query: str, parameters: Sequence[Any], timeout_s: float) -> Rows:
        """Return the rows of `query`, which must be idempotent.

        A query whose connection breaks runs again on a new one, within the same `timeout_s`.
        Raises `AuditUnavailable`, after `timeout_s` seconds at the latest, and `EntriesRefused`.
        """
        try:
            rows = await self._query(query, parameters, timeout_s)
        except AuditUnavailable as error:
            if error.answer is None:
                name = f"Postgres at {urlsplit(self._url).netloc.rpartition('@')[2]}"
                self._outages.begin(f"{name} is unavailable: {error.reason}", f"{name} works again")
            raise
        self._outages.end()
        return rows

    async def _query(self, query: str, parameters: Sequence[Any], timeout_s: float) -> Rows:
        from psycopg import Error, InterfaceError, OperationalError

        give_up = time.monotonic() + timeout_s
        try:
            for _ in range(_ATTEMPTS - 1):
                with suppress(_ConnectionEnded):
                    return await self._in_time(query, parameters, give_up - time.monotonic())
            return await self._in_time(query, parameters, give_up - time.monotonic())
        except TimeoutError as error:
            raise timeout_error(timeout_s) from error
        except _ConnectionEnded as ended:
            raise error_from_code(ended.sqlstate, str(ended)) from ended
        except (OSError, RuntimeError) as error:  # uvloop raises RuntimeError for a lost socket
            raise AuditUnavailable from error
        except (OperationalError, InterfaceError) as error:
            raise error_from_code(error.sqlstate, _message(error)) from error
        except Error as error:
            if error.sqlstate is None:  # psycopg itself refuses to send it
                raise EntriesRefused(str(error)) from error
            raise error_from_code(error.sqlstate, _message(error)) from error

    async def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def _in_time(self, query: str, parameters: Sequence[Any], timeout_s: float) -> Rows:
        """Run the query and raise `TimeoutError` as soon as it takes too long.

        It doesn't wait for the cancellation, because that asks the server, which may be hanging.
        """
        running = asyncio.create_task(self._run(query, parameters, timeout_s))
        self._running.add(running)
        running.add_done_callback(self._forget)
        try:
            done, _ = await asyncio.wait({running}, timeout=max(0, timeout_s))
            if not done:
                raise TimeoutError
            return running.result()
        finally:
            running.cancel()

    async def _run(self, query: str, parameters: Sequence[Any], timeout_s: float) -> Rows:
        from psycopg import Error, InterfaceError, OperationalError

        pool = await self._opened()
        async with pool.connection() as connection:
            try:
                return await _transaction(connection, query, parameters, timeout_s)
            except Error as error:
                was_sent = error.sqlstate or isinstance(error, (InterfaceError, OperationalError))
                if not connection.broken and not (was_sent and breaks_connection(error.sqlstate)):
                    await connection.rollback()
                    raise
                await _discard(connection, pool)
                raise _ConnectionEnded(error.sqlstate, _message(error)) from error
            except asyncio.CancelledError:
                await _discard(connection, pool)
                raise

    def _forget(self, ended: asyncio.Task[Rows]) -> None:
        self._running.discard(ended)
        if not ended.cancelled():
            ended.exception()  # mark it as retrieved: the caller may have left

    async def _opened(self) -> "Pool":
        if self._pool is None:
            from psycopg import AsyncConnection
            from psycopg.rows import dict_row
            from psycopg_pool import AsyncConnectionPool

            # psycopg logs each error that is raised in a transaction; callers report those.
            logging.getLogger("psycopg").setLevel(logging.ERROR)
            # It logs each attempt to connect.
            logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
            self._pool = AsyncConnectionPool(
                self._url,
                kwargs={
                    "row_factory": dict_row,
                    # Poolers in transaction mode don't support prepared statements.
                    "prepare_threshold": None,
                    "autocommit": True,
                    "client_encoding": "utf8",
                    "connect_timeout": _CONNECT_TIMEOUT_S,
                    "tcp_user_timeout": _SILENCE_MS,
                },
                connection_class=AsyncConnection[dict[str, Any]],
                min_size=0,
                max_size=MAX_CONNECTIONS,
                timeout=_CONNECT_TIMEOUT_S,
                # One attempt per request; otherwise the pool waits longer after each failure.
                reconnect_timeout=0,
                open=False,
            )
            await self._pool.open()
        return self._pool


class _ConnectionEnded(Exception):
    """The connection can't be used again; a retry on a new one may succeed."""

    def __init__(self, sqlstate: str | None, message: str) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


async def _discard(connection: "Connection", pool: "Pool") -> None:
    """Close `connection` and the idle ones, which lead to the same server."""
    await connection.close()
    await pool.drain()


async def _transaction(
    connection: "Connection", query: str, parameters: Sequence[Any], timeout_s: float
) -> Rows:
    """Run `query` in a transaction with `_SETTINGS`, in one round trip."""
    settings = {
        "statement_ms": _ms(timeout_s * _STATEMENT_SHARE),
        "lock_ms": _ms(timeout_s * _LOCK_SHARE),
    }
    async with connection.pipeline():
        await connection.execute(_BEGIN)
        await connection.execute(_SETTINGS, settings)
        cursor = await connection.execute(query.encode(), parameters)
        await connection.execute(b"commit")
    return await cursor.fetchall()


def _message(error: "Error") -> str:
    """Return the server's primary message, without the detail lines that quote entries."""
    return error.diag.message_primary or str(error)


def _ms(seconds: float) -> str:
    """Convert to ms, at least 1, because Postgres takes 0 as no limit."""
    return str(max(1, int(seconds * 1000)))
