"""`make migrate`: bring the database up to date, and say so in the Supabase CLI's own history.

Supabase's `db push` and this command can take turns: both go by `schema_migrations`.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg

from shared.audit.postgres import encoding_fault
from shared.settings import read_settings

_MIGRATIONS = Path(__file__).parent / "supabase" / "migrations"
_NAME = re.compile(r"(?P<version>\d{14})_(?P<name>\w+)\.sql")
_CONNECT_TIMEOUT_S = 5
_LOCK = 7_265_337_402
"""Of our choosing: two who migrate at once do it one after the other."""

_HISTORY = """
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations
  (version text not null primary key);
alter table supabase_migrations.schema_migrations
  add column if not exists statements text[],
  add column if not exists name text;
"""
"""As the CLI makes it (supabase/cli, pkg/migration/history.go)."""


class MigrationFailed(Exception):
    """One migration failed and left nothing behind; those before it stay. Says which, and why."""


def migrate(
    url: str, folder: Path = _MIGRATIONS, tell: Callable[[str], None] = lambda name: None
) -> list[str]:
    """Apply what is missing, each file whole or not at all; returns the names of those applied.

    Each is told of as soon as it is done. Raises `MigrationFailed`, and
    `psycopg.OperationalError` when the database can't be reached.
    """
    done: list[str] = []
    with _connected(url) as connection:
        connection.execute("set statement_timeout = 0")
        connection.execute("set lock_timeout = 0")
        connection.execute("select pg_advisory_lock(%s)", (_LOCK,))
        connection.execute("set client_min_messages = warning")
        connection.execute(_HISTORY)
        rows = connection.execute("select version from supabase_migrations.schema_migrations")
        applied = {version for (version,) in rows}
        for file in sorted(folder.glob("*.sql")):
            named = _NAME.fullmatch(file.name)
            if named is None:
                raise MigrationFailed(f"{file.name}: the name is not <14 digits>_<name>.sql")
            if named["version"] not in applied:
                _apply(connection, file, named["version"], named["name"])
                done.append(file.stem)
                tell(file.stem)
    return done


def encoding_fault_of(url: str) -> tuple[str | None, bool]:
    """Why the database can't hold every entry, or None; and whether it has our tables already.

    Raises `psycopg.OperationalError` when it can't be reached.
    """
    query = "select current_setting('server_encoding'), to_regclass('public.sync_events') is null"
    with _connected(url) as connection:
        ((encoding, is_new),) = connection.execute(query).fetchall()
    return encoding_fault(encoding), not is_new


def _connected(url: str) -> psycopg.Connection:
    return psycopg.connect(
        url, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S, client_encoding="utf8"
    )


def _apply(connection: psycopg.Connection, file: Path, version: str, name: str) -> None:
    statements = file.read_text("utf-8")
    try:
        with connection.transaction():
            connection.execute(statements.encode())
            connection.execute(
                "insert into supabase_migrations.schema_migrations (version, name, statements)"
                " values (%s, %s, %s)",
                (version, name, [statements]),
            )
    except psycopg.Error as error:
        raise MigrationFailed(f"{file.name}: {_first_line(error)}") from error


def _first_line(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error).partition("\n")[0]


def main() -> None:
    """Migrate `DATABASE_URL`, telling what was done.

    A new database that can't hold every entry is refused; one that is in use is only named.
    """
    url = read_settings().database_url
    if url is None:
        sys.exit("Say which database to migrate: DATABASE_URL=postgresql://... make migrate")
    try:
        fault, is_in_use = encoding_fault_of(url.get_secret_value())
        if fault and not is_in_use:
            sys.exit(f"Nothing was applied to this database: {fault}.")
        if fault:
            print(f"Warning: {fault}.", file=sys.stderr)
        applied = migrate(url.get_secret_value(), tell=lambda name: print(f"applied {name}"))
    except MigrationFailed as failure:
        sys.exit(f"Nothing of this one was applied. {failure}")
    except psycopg.OperationalError as error:
        sys.exit(f"The database can't be reached: {_first_line(error)}")
    except psycopg.Error as error:
        sys.exit(f"The database refuses to be migrated: {_first_line(error)}")
    if not applied:
        print("The database is up to date.")


if __name__ == "__main__":
    main()
