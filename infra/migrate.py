"""`make migrate`: apply missing migrations to the database.

They are recorded in the Supabase CLI's history table `schema_migrations`, so this command and
`supabase db push` can be used alternately.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg

from shared.audit.postgres import encoding_problem
from shared.settings.settings import read_settings

_MIGRATIONS = Path(__file__).parent / "supabase" / "migrations"
_NAME = re.compile(r"(?P<version>\d{14})_(?P<name>\w+)\.sql")
_CONNECT_TIMEOUT_S = 5
_LOCK_KEY = 7_265_337_402
"""Arbitrary key of the advisory lock that serialises concurrent runs."""

_HISTORY = """
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations
  (version text not null primary key);
alter table supabase_migrations.schema_migrations
  add column if not exists statements text[],
  add column if not exists name text;
"""
"""The same table as the CLI creates (supabase/cli, pkg/migration/history.go)."""


class MigrationFailed(Exception):
    """A migration failed and changed nothing; earlier ones stay applied. Names the file."""


def migrate(
    url: str, folder: Path = _MIGRATIONS, tell: Callable[[str], None] = lambda name: None
) -> list[str]:
    """Apply missing migrations, each in its own transaction; return their names.

    Calls `tell` with each name after it is applied. Raises `MigrationFailed`, and
    `psycopg.OperationalError` when the database can't be reached.
    """
    done: list[str] = []
    with _connect(url) as connection:
        connection.execute("set statement_timeout = 0")
        connection.execute("set lock_timeout = 0")
        connection.execute("select pg_advisory_lock(%s)", (_LOCK_KEY,))
        connection.execute("set client_min_messages = warning")
        connection.execute(_HISTORY)
        rows = connection.execute("select version from supabase_migrations.schema_migrations")
        applied = {version for (version,) in rows}
        for file in sorted(folder.glob("*.sql")):
            match = _NAME.fullmatch(file.name)
            if match is None:
                raise MigrationFailed(f"{file.name}: the name is not <14 digits>_<name>.sql")
            if match["version"] not in applied:
                _apply(connection, file, match["version"], match["name"])
                done.append(file.stem)
                tell(file.stem)
    return done


def check_encoding(url: str) -> tuple[str | None, bool]:
    """Check the database's encoding.

    Returns the fault, or None, and whether the tables of the audit trail already exist. Raises
    `psycopg.OperationalError` when the database can't be reached.
    """
    query = "select current_setting('server_encoding'), to_regclass('public.sync_events') is null"
    with _connect(url) as connection:
        ((encoding, is_new),) = connection.execute(query).fetchall()
    return encoding_problem(encoding), not is_new


def _connect(url: str) -> psycopg.Connection:
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
    """Migrate `DATABASE_URL` and print the applied migrations.

    An encoding that can't hold every entry is an error for a new database, and only a warning for
    one that already has the tables.
    """
    url = read_settings().database_url
    if url is None:
        sys.exit("DATABASE_URL is not set: DATABASE_URL=postgresql://... make migrate")
    try:
        fault, is_in_use = check_encoding(url.get_secret_value())
        if fault and not is_in_use:
            sys.exit(f"Nothing was applied to this database: {fault}.")
        if fault:
            print(f"Warning: {fault}.", file=sys.stderr)
        applied = migrate(url.get_secret_value(), tell=lambda name: print(f"applied {name}"))
    except MigrationFailed as failure:
        sys.exit(f"The migration failed and changed nothing. {failure}")
    except psycopg.OperationalError as error:
        sys.exit(f"The database can't be reached: {_first_line(error)}")
    except psycopg.Error as error:
        sys.exit(f"The database can't be migrated: {_first_line(error)}")
    if not applied:
        print("The database is up to date.")


if __name__ == "__main__":
    main()
