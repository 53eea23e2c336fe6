"""`infra/scripts/check-postgres`: check that a Postgres can hold the audit trail."""

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from psycopg import AsyncConnection, Error, OperationalError

from infra.checks.redaction import redact_url
from infra.checks.runner import Check, CheckFailed, check_parser, print_results, run_checks
from infra.migrate import MIGRATIONS, MISSING_POLICIES, POLICIES
from shared.audit.postgres import encoding_problem
from shared.audit.postgres_pool import MAX_CONNECTIONS
from shared.domain.events import EventType
from shared.domain.session import Status, SyncMode
from shared.settings.settings import read_settings

_DESCRIPTION = "Runs seven checks on DATABASE_URL. Writes nothing."

_TABLES = {"sync_sessions", "sync_events", "sync_participants"}
_FUNCTIONS = {"record_events", "sessions_that_wake", "list_sessions"}
_TYPES = {
    "sync_mode": {mode.value for mode in SyncMode},
    "sync_status": {status.value for status in Status},
    "sync_event": {event.value for event in EventType},
}
_PRIVILEGES = {
    "sync_events": "select, insert",
    "sync_sessions": "select, insert, update",
    "sync_participants": "select, insert, update",
}
_OUTSIDERS = ("anon", "authenticated")
_GRANTS = """
select role, 'the table ' || name, privilege,
  has_table_privilege(role, 'public.' || name, privilege)
from unnest(%s::text[]) as role, unnest(%s::text[], %s::text[]) as given (name, privileges),
  unnest(string_to_array(privileges, ', ')) as privilege
union all
select role, 'the function ' || proname, 'execute',
  has_function_privilege(role, pg_proc.oid, 'execute')
from unnest(%s::text[]) as role, pg_proc
where pronamespace = 'public'::regnamespace and proname = any (%s::text[])
order by 1, 2, 3
"""
_SERVER = """
select current_setting('server_version'), current_setting('server_encoding'),
  current_setting('transaction_read_only')::boolean
"""
_ROUNDS = 20
_CONNECT_TIMEOUT_S = 4

Rows = list[tuple[Any, ...]]


def main() -> int:
    """Check `DATABASE_URL`; return the exit code."""
    options = check_parser("check-postgres", _DESCRIPTION).parse_args()
    url = read_settings().database_url
    if url is None:
        sys.exit("DATABASE_URL is not set: DATABASE_URL=postgresql://...")
    return asyncio.run(_check(url.get_secret_value(), as_json=options.json))


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
        await _require_functions(url)
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

    checks: dict[str, Callable[[], Awaitable[str]]] = {
        "connection": connection,
        "schema": schema,
        "types": types,
        "grants": partial(_require_grants, url),
        "realtime": partial(_require_policies, url),
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


async def _require_functions(url: str) -> None:
    rows = await _query(
        url, "select proname from pg_proc where pronamespace = 'public'::regnamespace"
    )
    if missing := sorted(_FUNCTIONS - {name for (name,) in rows}):
        raise CheckFailed(
            f"missing functions: {', '.join(missing)}. Apply the migrations to a new database, or"
            " restore them from a backup"
        )


async def _require_grants(url: str) -> str:
    """Check what this user and Supabase's roles may do."""
    rows = await _query(
        url,
        "select rolname from pg_roles where rolname = any (%s::text[])",
        ["service_role", *_OUTSIDERS],
    )
    existing = {name for (name,) in rows}
    ((user,),) = await _query(url, "select current_user")
    insiders = sorted({user} | (existing & {"service_role"}))
    outsiders = sorted(existing & set(_OUTSIDERS))
    given = await _grants(url, insiders + outsiders)
    if lacking := [right for role, right, allowed in given if role in insiders and not allowed]:
        raise CheckFailed(
            f"{lacking[0]} is not granted. Run DATABASE_URL=... make migrate as the user postgres"
        )
    if open_to := [right for role, right, allowed in given if role in outsiders and allowed]:
        raise CheckFailed(f"{open_to[0]} is granted to clients of Supabase's API: revoke it")
    return f"{', '.join(insiders)} may write" + (f"; {', '.join(outsiders)} not" * bool(outsiders))


async def _grants(url: str, roles: list[str]) -> list[tuple[str, str, bool]]:
    """Return role, description of a right, and whether the role has it."""
    rows = await _query(
        url,
        _GRANTS,
        *(roles, list(_PRIVILEGES), list(_PRIVILEGES.values()), roles, sorted(_FUNCTIONS)),
    )
    return [(role, f"{privilege} on {thing} to {role}", ok) for role, thing, privilege, ok in rows]


async def _require_policies(url: str) -> str:
    rows = await _query(url, MISSING_POLICIES, sorted(POLICIES))
    if not rows:
        return "there is no realtime.messages: not a Supabase project, or Realtime is not set up"
    if missing := rows[0][0]:
        raise CheckFailed(
            f"missing policies on realtime.messages: {', '.join(missing)}."
            " Run DATABASE_URL=... make migrate"
        )
    return f"{len(POLICIES)} policies"


async def _require_migrations(url: str) -> str:
    rows = await _query(url, "select version from supabase_migrations.schema_migrations")
    applied = {version for (version,) in rows}
    required = {file.name.partition("_")[0] for file in MIGRATIONS.glob("*.sql")}
    if missing := sorted(required - applied):
        raise CheckFailed(
            f"migrations not applied: {len(missing)}. Run DATABASE_URL=... make migrate"
        )
    return f"{len(_TABLES)} tables, {len(_FUNCTIONS)} functions, {len(required)} migrations"


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


async def _query(url: str, query: str, *parameters: str | list[str]) -> Rows:
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
        return f"can't be reached: {reason}. Supabase: use the pooler's address"
    if isinstance(error, Error):
        return f"Postgres reports an error: {reason}"
    return f"{type(error).__name__}: {reason}"


if __name__ == "__main__":
    sys.exit(main())
