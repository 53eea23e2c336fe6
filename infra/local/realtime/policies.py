"""What the project's own policies on `realtime.messages` allow, asked of its own Postgres."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from infra.local.realtime.refusals import no_database, policy_failed
from infra.local.realtime.tokens import Identity

_MOST_CONNECTIONS = 4
_WAIT_S = 2.0
_EXTENSIONS = ("broadcast", "presence")
_INSERT = "insert into realtime.messages (id, topic, extension) values (%s, %s, %s)"
_BECOME = """
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
    """What one may read, or write, of a topic."""

    broadcast: bool = False
    presence: bool = False


class Policies:
    """Decides as the real server does: by doing it as the caller, and undoing it."""

    def __init__(self, database_url: str) -> None:
        self._pool = AsyncConnectionPool(
            database_url,
            min_size=1,
            max_size=_MOST_CONNECTIONS,
            timeout=_WAIT_S,
            check=AsyncConnectionPool.check_connection,  # Postgres may have been away
            open=False,
        )

    async def open(self) -> None:
        """Connect. Raises `PoolTimeout` where there is no Postgres."""
        await self._pool.open(wait=True, timeout=_WAIT_S)

    async def close(self) -> None:
        """Let go of Postgres."""
        await self._pool.close()

    async def to_read(self, who: Identity, topic: str) -> Rights:
        """What of `topic` they may read. Raises `Refused` where that can't be told."""
        ids = {extension: uuid4() for extension in _EXTENSIONS}
        async with self._undone() as connection:
            for extension, message_id in ids.items():
                await connection.execute(_INSERT, (message_id, topic, extension))
            await _become(connection, who, topic)
            query = "select extension from realtime.messages where id = any(%s)"
            try:
                rows = await (await connection.execute(query, (list(ids.values()),))).fetchall()
            except psycopg.errors.InsufficientPrivilege:
                return Rights()
        return Rights(**{extension: True for (extension,) in rows})

    async def to_write(self, who: Identity, topic: str) -> Rights:
        """What of `topic` they may write. Raises `Refused` where that can't be told."""
        allowed = {}
        async with self._undone() as connection:
            await _become(connection, who, topic)
            for extension in _EXTENSIONS:
                try:
                    async with connection.transaction():
                        await connection.execute(_INSERT, (uuid4(), topic, extension))
                    allowed[extension] = True
                except psycopg.errors.InsufficientPrivilege:
                    allowed[extension] = False
        return Rights(**allowed)

    async def message(self, message_id: str) -> tuple[str, str, object, bool] | None:
        """Topic, event, payload and privacy of a message that was sent from SQL."""
        query = "select topic, event, payload, private from realtime.messages where id = %s"
        async with self._pool.connection() as connection:
            return await (await connection.execute(query, (message_id,))).fetchone()

    @asynccontextmanager
    async def _undone(self) -> AsyncIterator[AsyncConnection]:
        """A transaction of which nothing stays."""
        try:
            async with (
                self._pool.connection() as connection,
                connection.transaction(force_rollback=True),
            ):
                yield connection
        except psycopg.OperationalError:
            raise no_database() from None
        except psycopg.Error as error:
            raise policy_failed(error.diag.message_primary or str(error)) from None
        except UnicodeError as error:
            raise policy_failed(str(error)) from None  # half a surrogate pair is no text


async def _become(connection: AsyncConnection, who: Identity, topic: str) -> None:
    """From here on the transaction is theirs."""
    settings = {
        "role": who.role,
        "topic": topic,
        "claims": json.dumps(who.claims),
        "sub": str(who.claims.get("sub") or ""),
    }
    await connection.execute(_BECOME, settings)
