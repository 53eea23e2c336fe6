"""`make migrate`: bring the database up to date, and say so in the Supabase CLI's own history.

Supabase's `db push` and this command can take turns: both go by `schema_migrations`.
"""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg

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
    with psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S) as connection:
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


def _apply(connection: psycopg.Connection, file: Path, version: str, name: str) -> None:
    statements = file.read_text()
    try:
        with connection.transaction():
            connection.execute(statements.encode())
            connection.execute(
                "insert into supabase_migrations.schema_migrations (version, name, statements)"
                " values (%s, %s, %s)",
                (version, name, [statements]),
            )
    except psycopg.Error as error:
        raise MigrationFailed(f"{file.name}: {error}") from error


def main() -> None:
    """Migrate `DATABASE_URL`, telling what was done."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        sys.exit("Say which database to migrate: DATABASE_URL=postgresql://... make migrate")
    try:
        applied = migrate(url, tell=lambda name: print(f"applied {name}", flush=True))
    except MigrationFailed as failure:
        sys.exit(f"Nothing of this one was applied. {failure}")
    except psycopg.OperationalError as error:
        sys.exit(f"The database can't be reached: {str(error).splitlines()[0]}")
    except psycopg.ProgrammingError:
        sys.exit("DATABASE_URL is not a Postgres URL: postgresql://USER:PASSWORD@HOST:PORT/NAME")
    if not applied:
        print("The database is up to date.")


if __name__ == "__main__":
    main()
