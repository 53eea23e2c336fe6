"""`make migrate`: apply missing migrations to the database.

They are recorded in the Supabase CLI's history table `schema_migrations`, so this command and
`supabase db push` can be used alternately.

The policies for Supabase Realtime are made again if they are missing: a project whose Realtime was
set up after the migrations, or whose `realtime` schema was recreated, would have none.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg

from shared.audit.postgres import encoding_problem
from shared.settings.connection_urls import session_pooler_url
from shared.settings.settings import read_settings

MIGRATIONS = Path(__file__).parent / "supabase" / "migrations"
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


_REALTIME = ("20261125100000_realtime.sql", "20261130150000_realtime_presence.sql")
POLICIES = frozenset(
    {
        *("synckairos_listen", "synckairos_listen_to_own", "synckairos_send_nothing"),
        *("synckairos_see", "synckairos_see_permitted"),
        *("synckairos_be_shown", "synckairos_be_shown_as_own_role"),
    }
)
"""The policies on `realtime.messages` that these migrations make."""

MISSING_POLICIES = """
select array(
  select expected from unnest(%s::text[]) as expected
  where expected not in (
    select policyname from pg_catalog.pg_policies
    where schemaname = 'realtime' and tablename = 'messages'
  )
  order by expected
)
where to_regclass('realtime.messages') is not null
"""
"""The missing ones of the given policies; no row without Supabase Realtime."""


class MigrationFailed(Exception):
    """A migration failed and changed nothing; earlier ones stay applied. Names the file."""


class NotPermitted(MigrationFailed):
    """The user of DATABASE_URL may not apply a migration. `sql` does what it would have done."""

    def __init__(self, message: str, sql: str) -> None:
        super().__init__(message)
        self.sql = sql


def migrate(
    url: str, folder: Path = MIGRATIONS, tell: Callable[[str], None] = lambda name: None
) -> list[str]:
    """Apply missing migrations, each in its own transaction; return their names.

    Calls `tell` with each name after it is applied. Raises `MigrationFailed`, and
    `psycopg.OperationalError` when the database can't be reached.
    """
    done: list[str] = []
    with _connect(session_pooler_url(url)) as connection:
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
        realtime = [file for name in _REALTIME if (file := folder / name).exists()]
        if realtime and _missing_policies(connection):
            for file in realtime:
                _run(connection, file.name, file.read_text("utf-8"))
                done.append(file.stem)
                tell(f"{file.stem} again, because policies were missing")
    return done


def _missing_policies(connection: psycopg.Connection) -> list[str]:
    row = connection.execute(MISSING_POLICIES, (sorted(POLICIES),)).fetchone()
    return list(row[0]) if row else []


def check_encoding(url: str) -> tuple[str | None, bool]:
    """Check the database's encoding.

    Returns the fault, or None, and whether the tables of the audit trail already exist. Raises
    `psycopg.OperationalError` when the database can't be reached.
    """
    query = "select current_setting('server_encoding'), to_regclass('public.sync_events') is null"
    with _connect(session_pooler_url(url)) as connection:
        ((encoding, is_new),) = connection.execute(query).fetchall()
    return encoding_problem(encoding), not is_new


def _connect(url: str) -> psycopg.Connection:
    return psycopg.connect(
        url, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S, client_encoding="utf8"
    )


def _apply(connection: psycopg.Connection, file: Path, version: str, name: str) -> None:
    statements = file.read_text("utf-8")
    history = "insert into supabase_migrations.schema_migrations (version, name, statements)"
    record = (f"{history} values (%s, %s, %s)", (version, name, [statements]))
    by_hand = f"{history} values ('{version}', '{name}', '{{}}');\n"
    _run(connection, file.name, statements, record, by_hand)


def _run(
    connection: psycopg.Connection,
    name: str,
    statements: str,
    record: tuple[str, tuple[object, ...]] | None = None,
    by_hand: str = "",
) -> None:
    """Run statements, and the `record` of them, in one transaction. Raises `MigrationFailed`."""
    try:
        with connection.transaction():
            connection.execute(statements.encode())
            if record:
                connection.execute(record[0].encode(), record[1])
    except psycopg.errors.InsufficientPrivilege as error:
        sql = f"{statements.rstrip()}\n\n{by_hand}"
        raise NotPermitted(f"{name}: {_first_line(error)}", sql) from error
    except psycopg.Error as error:
        raise MigrationFailed(f"{name}: {_first_line(error)}") from error


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
    except NotPermitted as failure:
        print(failure.sql)
        sys.exit(
            f"The user of DATABASE_URL may not do this (42501), and nothing was changed. {failure}"
            "\nUse the user `postgres` (Supabase: postgres.PROJECT at the pooler). If it may not"
            " either, run the SQL above in Supabase's SQL Editor, then make migrate again."
        )
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
