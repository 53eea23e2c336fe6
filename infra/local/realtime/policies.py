"""Evaluate the project's RLS policies on `realtime.messages` in its Postgres."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from infra.local.realtime.errors import database_unavailable, policy_failed
from infra.local.realtime.tokens import Identity

_MAX_CONNECTIONS = 4
_POOL_TIMEOUT_S = 2.0
_EXTENSIONS = ("broadcast", "presence")
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


@dataclass(frozen=True, slots=True)
class Rights:
    """The extensions of a topic that a caller may read, or write."""

    broadcast: bool = False
    presence: bool = False


class Policies:
    """Evaluates policies like the real server: reads or writes as the caller, then rolls back."""

    def __init__(self, database_url: str) -> None:
        self._pool = AsyncConnectionPool(
            database_url,
            min_size=1,
            max_size=_MAX_CONNECTIONS,
            timeout=_POOL_TIMEOUT_S,
            check=AsyncConnectionPool.check_connection,  # Postgres may have restarted
            open=False,
        )

    async def open(self) -> None:
        """Connect. Raises `PoolTimeout` if Postgres is unavailable."""
        await self._pool.open(wait=True, timeout=_POOL_TIMEOUT_S)

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.close()

    async def read_rights(self, identity: Identity, topic: str) -> Rights:
        """Return the rights to read `topic`.

        Raises `RealtimeError` if a policy or Postgres fails.
        """
        ids = {extension: uuid4() for extension in _EXTENSIONS}
        async with self._rolled_back() as connection:
            for extension, message_id in ids.items():
                await connection.execute(_INSERT, (message_id, topic, extension))
            await _assume_role(connection, identity, topic)
            query = "select extension from realtime.messages where id = any(%s)"
            try:
                rows = await (await connection.execute(query, (list(ids.values()),))).fetchall()
            except psycopg.errors.InsufficientPrivilege:
                return Rights()
        return Rights(**{extension: True for (extension,) in rows})

    async def write_rights(self, identity: Identity, topic: str) -> Rights:
        """Return the rights to write to `topic`.

        Raises `RealtimeError` if a policy or Postgres fails.
        """
        allowed = {}
        async with self._rolled_back() as connection:
            await _assume_role(connection, identity, topic)
            for extension in _EXTENSIONS:
                try:
                    async with connection.transaction():
                        await connection.execute(_INSERT, (uuid4(), topic, extension))
                    allowed[extension] = True
                except psycopg.errors.InsufficientPrivilege:
                    allowed[extension] = False
        return Rights(**allowed)

    async def message(self, message_id: str) -> tuple[str, str, object, bool] | None:
        """Return topic, event, payload and privacy of a stored message, or `None`."""
        query = "select topic, event, payload, private from realtime.messages where id = %s"
        async with self._pool.connection() as connection:
            return await (await connection.execute(query, (message_id,))).fetchone()

    @asynccontextmanager
    async def _rolled_back(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is always rolled back. Turns its errors into `RealtimeError`."""
        try:
            async with (
                self._pool.connection() as connection,
                connection.transaction(force_rollback=True),
            ):
                yield connection
        except psycopg.OperationalError:
            raise database_unavailable() from None
        except psycopg.Error as error:
            raise policy_failed(error.diag.message_primary or str(error)) from None
        except UnicodeError as error:
            raise policy_failed(str(error)) from None  # a lone surrogate in the topic or claims


async def _assume_role(connection: AsyncConnection, identity: Identity, topic: str) -> None:
    """Run the rest of the transaction as the caller."""
    settings = {
        "role": identity.role,
        "topic": topic,
        "claims": json.dumps(identity.claims),
        "sub": str(identity.claims.get("sub") or ""),
    }
    await connection.execute(_ASSUME_ROLE, settings)
