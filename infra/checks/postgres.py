"""`infra/scripts/check-postgres`: whether a Postgres can keep the trail. Five looks at it."""

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from psycopg import AsyncConnection, Error, OperationalError

from infra.checks.addresses import shown
from infra.checks.checking import Check, Unsound, look, tell, wants_json
from shared.audit.postgres import encoding_fault
from shared.audit.postgres_pool import MAX_CONNECTIONS
from shared.domain.session import Status, SyncMode
from shared.settings import read_settings

_ABOUT = "Five looks at DATABASE_URL. Writes nothing."

_MIGRATIONS = Path(__file__).parents[1] / "supabase" / "migrations"
_TABLES = {"sync_sessions", "sync_events", "sync_participants"}
_TYPES = {"sync_mode": {mode.value for mode in SyncMode}, "sync_status": {s.value for s in Status}}
_SERVER = """
select current_setting('server_version'), current_setting('server_encoding'),
  current_setting('transaction_read_only')::boolean
"""
_ROUNDS = 20
_CONNECT_TIMEOUT_S = 4

Rows = list[tuple[Any, ...]]


def main() -> int:
    """Look at `DATABASE_URL`; returns the exit code."""
    as_json, url = wants_json("check-postgres", _ABOUT), read_settings().database_url
    if url is None:
        sys.exit("Say which: DATABASE_URL=postgresql://...")
    return asyncio.run(_check(url.get_secret_value(), as_json=as_json))


async def _check(url: str, *, as_json: bool) -> int:
    found = await look(_checks(url), _explained)
    return tell(shown(url), found, as_json=as_json)


def _checks(url: str) -> list[Check]:
    async def connection() -> str:
        ((version, encoding, is_read_only),) = await _asked(url, _SERVER)
        if fault := encoding_fault(encoding):
            raise Unsound(fault)
        if is_read_only:
            raise Unsound(
                "it takes no writes (transaction_read_only is on): name the primary, or end what"
                " made it read-only. Supabase: the disk is nearly full"
            )
        return f"version {version}, {encoding}"

    async def schema() -> str:
        await _require_tables(url)
        return await _require_migrations(url)

    async def types() -> str:
        for name, wanted in _TYPES.items():
            await _require_values(url, name, wanted)
        return ", ".join(_TYPES)

    async def pool() -> str:
        queries = (_asked(url, "select pg_sleep(0.05)") for _ in range(MAX_CONNECTIONS))
        await asyncio.gather(*queries)
        return f"{MAX_CONNECTIONS} connections at once"

    async def latency() -> str:
        async with _opened(url) as connection:
            times = sorted([await _timed(connection) for _ in range(_ROUNDS)])
        return (
            f"median {statistics.median(times):.1f} ms, p95 {times[int(_ROUNDS * 0.95) - 1]:.1f} ms"
        )

    looks = {
        "connection": connection,
        "schema": schema,
        "types": types,
        "pool": pool,
        "query latency": latency,
    }
    return [Check(name, check) for name, check in looks.items()]


async def _require_tables(url: str) -> None:
    rows = await _asked(
        url, "select table_name from information_schema.tables where table_schema = 'public'"
    )
    if missing := sorted(_TABLES - {name for (name,) in rows}):
        raise Unsound(f"{', '.join(missing)} not there: DATABASE_URL=... make migrate")


async def _require_migrations(url: str) -> str:
    rows = await _asked(url, "select version from supabase_migrations.schema_migrations")
    applied = {version for (version,) in rows}
    ours = {file.name.partition("_")[0] for file in _MIGRATIONS.glob("*.sql")}
    if missing := sorted(ours - applied):
        raise Unsound(f"{len(missing)} migrations are not applied: DATABASE_URL=... make migrate")
    return f"{len(_TABLES)} tables, {len(ours)} migrations"


async def _require_values(url: str, name: str, wanted: set[str]) -> None:
    rows = await _asked(
        url,
        "select enumlabel from pg_enum join pg_type on pg_type.oid = enumtypid where typname = %s",
        name,
    )
    found = {label for (label,) in rows}
    if found != wanted:
        differs = ", ".join(sorted(found ^ wanted))
        raise Unsound(f"the type {name} differs from the service's own: {differs}")


async def _timed(connection: AsyncConnection) -> float:
    begun = time.monotonic()
    await connection.execute("select 1")
    return (time.monotonic() - begun) * 1000


async def _asked(url: str, query: str, *parameters: str) -> Rows:
    async with _opened(url) as connection:
        cursor = await connection.execute(query.encode(), parameters or None)
        return await cursor.fetchall()


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[AsyncConnection]:
    """A connection as the service makes them: through a pooler, too."""
    async with await AsyncConnection.connect(
        url, autocommit=True, prepare_threshold=None, connect_timeout=_CONNECT_TIMEOUT_S
    ) as connection:
        yield connection


def _explained(error: Exception) -> str:
    said = (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()
    if "password authentication failed" in str(error):
        return "user or password is not the right one (an @ in it must be written %40)"
    if isinstance(error, OperationalError):
        return f"can't be reached: {said}. Supabase: use the session pooler's address"
    if isinstance(error, Error):
        return f"it refuses: {said}"
    return f"{type(error).__name__}: {said}"


if __name__ == "__main__":
    sys.exit(main())
