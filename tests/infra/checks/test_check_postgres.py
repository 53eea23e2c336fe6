"""`check-postgres` runs seven checks, reports the faults that they find, and shows no password."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from infra.checks.redaction import redact_url
from infra.image.buildah import ROOT
from infra.local.ports import free_port
from infra.local.postgres import EmbeddedPostgres, embedded_postgres
from infra.migrate import migrate
from tests.infra.checks.check_runner import checks_by_script, run, run_checks

_CHECKS = ["connection", "schema", "types", "grants", "realtime", "pool", "query latency"]


_PRELUDE = (ROOT / "infra/local/realtime/prelude.sql").read_text()


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """A server that these tests may break, without the service's tables."""
    with embedded_postgres() as server:
        yield server


def failed(checks: dict[str, Any]) -> list[str]:
    """The names of the failed checks."""
    return [name for name, check in checks.items() if not check["ok"]]


def test_missing_tables_unapplied_migrations_and_changed_types_are_reported(
    own_postgres: EmbeddedPostgres,
) -> None:
    """One test, because each state follows from the one before."""
    code, checks = checks_by_script("check-postgres", DATABASE_URL=own_postgres.url)
    assert (code, failed(checks)) == (1, ["schema", "types", "grants"])
    assert "make migrate" in checks["schema"]["message"]

    migrate(own_postgres.url)
    code, checks = run_checks("check-postgres", DATABASE_URL=own_postgres.url)
    assert (code, list(checks), failed(checks)) == (0, _CHECKS, [])
    assert all(check["ms"] > 0 for check in checks.values())

    with psycopg.connect(own_postgres.url, autocommit=True) as connection:
        connection.execute(
            "delete from supabase_migrations.schema_migrations where version ="
            " (select max(version) from supabase_migrations.schema_migrations)"
        )
        connection.execute("alter type public.sync_status rename value 'paused' to 'resting'")
    code, checks = run_checks("check-postgres", DATABASE_URL=own_postgres.url)
    assert (code, failed(checks)) == (1, ["schema", "types"])
    assert "migrations not applied: 1." in checks["schema"]["message"]
    assert "paused, resting" in checks["types"]["message"]


def test_missing_policies_rights_and_functions_are_reported(own_postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(own_postgres.url, autocommit=True) as connection:
        connection.execute("create database supabase")
    url = own_postgres.url.rsplit("/", 1)[0] + "/supabase"
    with psycopg.connect(url, autocommit=True) as connection:
        for role in ("anon", "authenticated", "service_role"):
            connection.execute(
                f"do $$ begin create role {role}; exception when duplicate_object then null; end $$"
            )
        migrate(url)
        connection.execute(_PRELUDE.encode())
        code, checks = run_checks("check-postgres", DATABASE_URL=url)
        assert (code, failed(checks)) == (1, ["realtime"])
        assert "synckairos_see_permitted" in checks["realtime"]["message"]

        assert migrate(url) == [
            "20261125100000_realtime",
            "20261130150000_realtime_presence",
        ]
        code, checks = run_checks("check-postgres", DATABASE_URL=url)
        assert (code, failed(checks)) == (0, [])
        assert "7 policies" in checks["realtime"]["message"]
        assert "anon, authenticated not" in checks["grants"]["message"]
        assert migrate(url) == []

        connection.execute("revoke insert on sync_events from service_role")
        code, checks = run_checks("check-postgres", DATABASE_URL=url)
        assert failed(checks) == ["grants"]
        assert "insert on the table sync_events to service_role" in checks["grants"]["message"]

        connection.execute("grant insert on sync_events to service_role")
        connection.execute("grant select on sync_sessions to anon")
        code, checks = run_checks("check-postgres", DATABASE_URL=url)
        assert failed(checks) == ["grants"]
        assert "select on the table sync_sessions to anon is granted" in checks["grants"]["message"]

        connection.execute("revoke select on sync_sessions from anon")
        connection.execute("alter function list_sessions rename to other_sessions")
        code, checks = run_checks("check-postgres", DATABASE_URL=url)
        assert "missing functions: list_sessions" in checks["schema"]["message"]


def test_a_connection_limit_below_the_pool_size_is_reported(own_postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(own_postgres.url, autocommit=True) as connection:
        connection.execute("drop role if exists narrow")
        connection.execute("create role narrow login password 'pw' connection limit 2")
    url = own_postgres.url.replace("//", "//narrow:pw@", 1) if "@" not in own_postgres.url else ""
    parts = psycopg.conninfo.conninfo_to_dict(own_postgres.url)
    url = url or f"postgresql://narrow:pw@{parts['host']}:{parts['port']}/{parts['dbname']}"
    code, checks = run_checks("check-postgres", DATABASE_URL=url)
    assert code == 1
    assert "pool" in failed(checks)
    assert "too many connections" in checks["pool"]["message"]


def test_an_encoding_other_than_utf8_is_reported(own_postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(own_postgres.url, autocommit=True) as connection:
        connection.execute(
            "create database latin encoding 'LATIN1' template template0 lc_collate 'C' lc_ctype 'C'"
        )
    url = own_postgres.url.rsplit("/", 1)[0] + "/latin"
    migrate(url)
    code, checks = run_checks("check-postgres", DATABASE_URL=url)
    assert (code, failed(checks)) == (1, ["connection"])
    assert "LATIN1" in checks["connection"]["message"]
    assert "UTF8" in checks["connection"]["message"]


def test_a_read_only_database_is_reported(own_postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(own_postgres.url, autocommit=True) as connection:
        connection.execute("create role reader login")
        connection.execute("alter role reader set default_transaction_read_only = on")
    url = own_postgres.url.replace("postgres@", "reader@")
    code, checks = run_checks("check-postgres", DATABASE_URL=url)
    assert code == 1
    assert "takes no writes" in checks["connection"]["message"]


def test_an_unreachable_server_is_reported_without_its_password() -> None:
    result = run(
        "check-postgres", DATABASE_URL=f"postgresql://app:a-password@127.0.0.1:{free_port()}/x"
    )
    assert result.returncode == 1
    assert "can't be reached" in result.stdout
    assert "a-password" not in result.stdout + result.stderr


@pytest.mark.parametrize("password", ["top/secret", "top#secret", "top?secret"])
def test_no_part_of_a_password_with_url_delimiters_is_shown(password: str) -> None:
    assert redact_url(f"postgresql://app:{password}@db.internal/x") == "postgresql://db.internal"


def test_a_missing_address_names_the_variable() -> None:
    result = run("check-postgres")
    assert result.returncode == 1
    assert "DATABASE_URL" in result.stderr
