"""Queries to one Postgres: each in time, on a connection that can be trusted."""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from shared.audit.failures import ends_connection, failure, took_too_long
from shared.errors import AuditUnavailable, EntriesRefused

if TYPE_CHECKING:
    from psycopg import AsyncConnection, Error
    from psycopg_pool import AsyncConnectionPool

    Connection = AsyncConnection[dict[str, Any]]
    Pool = AsyncConnectionPool[Connection]

Rows = list[dict[str, Any]]

MAX_CONNECTIONS = 4
_ATTEMPTS = 3
"""Two are enough, but for a connection that was being made while the others were cut."""

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
"""For one transaction: poolers share a connection between clients and refuse settings at its start.

Without `synchronous_commit` a crash of the server loses what it has just confirmed.
"""

_STATEMENT_SHARE = 0.9
_LOCK_SHARE = 0.6
"""Of a query's time: the server gives up before we do, so its connection can be used again."""


class PostgresPool:
    """Connections to the servers of `url`; nothing is imported or connected before the first use.

    A database that is read-only stays so, whoever made it: Supabase does when a disk is nearly
    full. `target_session_attrs=read-write` in a `url` with several hosts finds the primary.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: Pool | None = None
        self._running: set[asyncio.Task[Rows]] = set()

    async def query(self, query: str, parameters: Sequence[Any], timeout_s: float) -> Rows:
        """The rows of `query`, which may run several times: it must be harmless then.

        Raises `AuditUnavailable`, after `timeout_s` seconds at the latest, and `EntriesRefused`.
        A query whose connection has ended runs again on a new one, in the time that is left.
        """
        from psycopg import Error, InterfaceError, OperationalError

        give_up = time.monotonic() + timeout_s
        try:
            for _ in range(_ATTEMPTS - 1):
                with suppress(_ConnectionEnded):
                    return await self._in_time(query, parameters, give_up - time.monotonic())
            return await self._in_time(query, parameters, give_up - time.monotonic())
        except TimeoutError as error:
            raise took_too_long(timeout_s) from error
        except _ConnectionEnded as ended:
            raise failure(ended.sqlstate, str(ended)) from ended
        except (OSError, RuntimeError) as error:  # uvloop's, of a socket that is gone
            raise AuditUnavailable from error
        except (OperationalError, InterfaceError) as error:
            raise failure(error.sqlstate, _said(error)) from error
        except Error as error:
            if error.sqlstate is None:  # psycopg itself won't send it
                raise EntriesRefused(str(error)) from error
            raise failure(error.sqlstate, _said(error)) from error

    async def close(self) -> None:
        """Let its connections go."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def _in_time(self, query: str, parameters: Sequence[Any], timeout_s: float) -> Rows:
        """The rows. A query that takes too long is left behind at once: cancelling it asks the
        server, which may be what hangs. Raises `TimeoutError`."""
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
                if not connection.broken and not (was_sent and ends_connection(error.sqlstate)):
                    await connection.rollback()
                    raise
                await _leave(connection, pool)
                raise _ConnectionEnded(error.sqlstate, _said(error)) from error
            except asyncio.CancelledError:
                await _leave(connection, pool)
                raise

    def _forget(self, ended: asyncio.Task[Rows]) -> None:
        self._running.discard(ended)
        if not ended.cancelled():
            ended.exception()  # it was raised to the caller, or the caller has left

    async def _opened(self) -> "Pool":
        if self._pool is None:
            from psycopg import AsyncConnection
            from psycopg.rows import dict_row
            from psycopg_pool import AsyncConnectionPool

            # It warns of each error that is raised in a transaction; we report those.
            logging.getLogger("psycopg").setLevel(logging.ERROR)
            logging.getLogger("psycopg.pool").setLevel(logging.WARNING)
            self._pool = AsyncConnectionPool(
                self._url,
                kwargs={
                    "row_factory": dict_row,
                    # A pooler in transaction mode knows nothing of prepared statements.
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
                # One attempt for each who asks; else the pool would wait longer and longer.
                reconnect_timeout=0,
                open=False,
            )
            await self._pool.open()
        return self._pool


class _ConnectionEnded(Exception):
    """The connection can't be used again, so a new one may succeed."""

    def __init__(self, sqlstate: str | None, message: str) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


async def _leave(connection: "Connection", pool: "Pool") -> None:
    """Close `connection`, and the idle ones: they lead to the same server."""
    await connection.close()
    await pool.drain()


async def _transaction(
    connection: "Connection", query: str, parameters: Sequence[Any], timeout_s: float
) -> Rows:
    """Run `query` in a transaction with our settings, all in one round trip."""
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


def _said(error: "Error") -> str:
    """The server's sentence, without the lines that quote what was written."""
    return error.diag.message_primary or str(error)


def _ms(seconds: float) -> str:
    """At least 1: a limit of 0 would be none."""
    return str(max(1, int(seconds * 1000)))
