"""`infra/scripts/check-postgres`: check that a Postgres can hold the audit trail."""

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from psycopg import AsyncConnection, Error, OperationalError

from infra.checks.redaction import redact_url
from infra.checks.runner import Check, CheckFailed, check_parser, print_results, run_checks
from shared.audit.postgres import encoding_problem
from shared.audit.postgres_pool import MAX_CONNECTIONS
from shared.domain.session import Status, SyncMode
from shared.settings.settings import read_settings

_DESCRIPTION = "Runs five checks on DATABASE_URL. Writes nothing."

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
    """Check `DATABASE_URL`; return the exit code."""
    as_json, url = (
        check_parser("check-postgres", _DESCRIPTION).parse_args().json,
        read_settings().database_url,
    )
    if url is None:
        sys.exit("DATABASE_URL is not set: DATABASE_URL=postgresql://...")
    return asyncio.run(_check(url.get_secret_value(), as_json=as_json))


async def _check(url: str, *, as_json: bool) -> int:
    results = await run_checks(_checks(url), _explain)
    return print_results(redact_url(url), results, as_json=as_json)


def _checks(url: str) -> list[Check]:
    async def connection() -> str:
        ((version, encoding, is_read_only),) = await _query(url, _SERVER)
        if fault := encoding_problem(encoding):
            raise CheckFailed(fault)
        if is_read_only:
            raise CheckFailed(
                "it takes no writes (transaction_read_only is on): use the primary's address, or"
                " end its read-only mode. Supabase: the disk is nearly full"
            )
        return f"version {version}, {encoding}"

    async def schema() -> str:
        await _require_tables(url)
        return await _require_migrations(url)

    async def types() -> str:
        for name, expected in _TYPES.items():
            await _require_values(url, name, expected)
        return ", ".join(_TYPES)

    async def pool() -> str:
        queries = (_query(url, "select pg_sleep(0.05)") for _ in range(MAX_CONNECTIONS))
        await asyncio.gather(*queries)
        return f"{MAX_CONNECTIONS} connections at once"

    async def latency() -> str:
        async with _connect(url) as connection:
            times = sorted([await _query_ms(connection) for _ in range(_ROUNDS)])
        return (
            f"median {statistics.median(times):.1f} ms, p95 {times[int(_ROUNDS * 0.95) - 1]:.1f} ms"
        )

    checks = {
        "connection": connection,
        "schema": schema,
        "types": types,
        "pool": pool,
        "query latency": latency,
    }
    return [Check(name, check) for name, check in checks.items()]


async def _require_tables(url: str) -> None:
    rows = await _query(
        url, "select table_name from information_schema.tables where table_schema = 'public'"
    )
    if missing := sorted(_TABLES - {name for (name,) in rows}):
        raise CheckFailed(
            f"missing tables: {', '.join(missing)}. Run DATABASE_URL=... make migrate"
        )


async def _require_migrations(url: str) -> str:
    rows = await _query(url, "select version from supabase_migrations.schema_migrations")
    applied = {version for (version,) in rows}
    required = {file.name.partition("_")[0] for file in _MIGRATIONS.glob("*.sql")}
    if missing := sorted(required - applied):
        raise CheckFailed(
            f"migrations not applied: {len(missing)}. Run DATABASE_URL=... make migrate"
        )
    return f"{len(_TABLES)} tables, {len(required)} migrations"


async def _require_values(url: str, name: str, expected: set[str]) -> None:
    rows = await _query(
        url,
        "select enumlabel from pg_enum join pg_type on pg_type.oid = enumtypid where typname = %s",
        name,
    )
    found = {label for (label,) in rows}
    if found != expected:
        differing = ", ".join(sorted(found ^ expected))
        raise CheckFailed(f"the values of type {name} differ from the service's: {differing}")


async def _query_ms(connection: AsyncConnection) -> float:
    started = time.monotonic()
    await connection.execute("select 1")
    return (time.monotonic() - started) * 1000


async def _query(url: str, query: str, *parameters: str) -> Rows:
    async with _connect(url) as connection:
        cursor = await connection.execute(query.encode(), parameters or None)
        return await cursor.fetchall()


@asynccontextmanager
async def _connect(url: str) -> AsyncIterator[AsyncConnection]:
    """Connect as the service does, without prepared statements so that poolers work."""
    async with await AsyncConnection.connect(
        url, autocommit=True, prepare_threshold=None, connect_timeout=_CONNECT_TIMEOUT_S
    ) as connection:
        yield connection


def _explain(error: Exception) -> str:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()
    if "password authentication failed" in str(error):
        return "the user or the password is wrong (write an @ in it as %40)"
    if isinstance(error, OperationalError):
        return f"can't be reached: {reason}. Supabase: use the session pooler's address"
    if isinstance(error, Error):
        return f"Postgres reports an error: {reason}"
    return f"{type(error).__name__}: {reason}"


if __name__ == "__main__":
    sys.exit(main())
