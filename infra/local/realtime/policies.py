"""Evaluate the project's RLS policies on `realtime.messages` in its Postgres."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal, Self
from uuid import uuid4

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from infra.local.realtime.tokens import Identity, RealtimeError

Extension = Literal["broadcast", "presence"]

_MAX_CONNECTIONS = 4
_POOL_TIMEOUT_S = 2.0
_INSERT = "insert into realtime.messages (id, topic, extension) values (%s, %s, %s)"
_ASSUME_ROLE = """
select
  set_config('role', %(role)s, true),
  set_config('realtime.topic', %(topic)s, true),
  set_config('request.jwt.claims', %(claims)s, true),
  set_config('request.jwt.claim.sub', %(sub)s, true),
  set_config('request.jwt.claim.role', %(role)s, true),
  set_config('request.headers', '{}', true)
"""


class Policies:
    """Evaluates policies like the real server: reads or writes as the caller, then rolls back.

    A policy that fails, or a role that doesn't exist, permits nothing. Methods raise
    `RealtimeError` if the database is unavailable.
    """

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    @classmethod
    @asynccontextmanager
    async def of(cls, database_url: str) -> AsyncIterator[Self]:
        """Connect for the duration of the block. Raises `PoolTimeout` if Postgres is down."""
        pool = AsyncConnectionPool(
            database_url,
            min_size=1,
            max_size=_MAX_CONNECTIONS,
            timeout=_POOL_TIMEOUT_S,
            check=AsyncConnectionPool.check_connection,  # Postgres may have restarted
            open=False,
        )
        async with pool:
            await pool.wait(_POOL_TIMEOUT_S)
            yield cls(pool)

    async def may_read(self, identity: Identity, topic: str, extension: Extension) -> bool:
        """Return whether the policies let `identity` read broadcasts, or presence, of `topic`."""
        message_id = uuid4()
        async with self._rolled_back() as connection:
            await connection.execute(_INSERT, (message_id, topic, extension))
            await _assume_role(connection, identity, topic)
            query = "select 1 from realtime.messages where id = %s"
            return await (await connection.execute(query, (message_id,))).fetchone() is not None
        return False

    async def may_write(self, identity: Identity, topic: str, extension: Extension) -> bool:
        """Return whether the policies let `identity` send broadcasts, or be shown, on `topic`."""
        async with self._rolled_back() as connection:
            await _assume_role(connection, identity, topic)
            await connection.execute(_INSERT, (uuid4(), topic, extension))
            return True
        return False

    @asynccontextmanager
    async def _rolled_back(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is always rolled back. An error of its statements ends the block.

        Raises `RealtimeError` if the database is unavailable.
        """
        try:
            async with (
                self._pool.connection() as connection,
                connection.transaction(force_rollback=True),
            ):
                yield connection
        except psycopg.OperationalError:
            reason = "Realtime was unable to connect to the project database"
            raise RealtimeError("UnableToConnectToProject", reason) from None
        except (psycopg.Error, UnicodeError):  # a lone surrogate in the topic or claims
            return


async def _assume_role(connection: AsyncConnection, identity: Identity, topic: str) -> None:
    """Run the rest of the transaction as the caller."""
    settings = {
        "role": identity.role,
        "topic": topic,
        "claims": json.dumps(identity.claims),
        "sub": str(identity.claims.get("sub") or ""),
    }
    await connection.execute(_ASSUME_ROLE, settings)
