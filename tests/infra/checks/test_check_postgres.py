"""`check-postgres` makes five checks, and writes nothing."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from infra.checks.redaction import redact_url
from infra.local.ports import free_port
from infra.local.postgres import EmbeddedPostgres, embedded_postgres
from infra.migrate import migrate
from tests.infra.checks.check_runner import found, found_by_script, run

_CHECKS = ["connection", "schema", "types", "pool", "query latency"]


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """One that these tests may break; it comes without our tables."""
    with embedded_postgres() as server:
        yield server


def failed(checks: dict[str, Any]) -> list[str]:
    """The names of those that did."""
    return [name for name, check in checks.items() if not check["ok"]]


def test_from_bare_to_broken(own_postgres: EmbeddedPostgres) -> None:
    """In one test, for each state follows from the one before."""
    code, checks = found_by_script("check-postgres", DATABASE_URL=own_postgres.url)
    assert (code, failed(checks)) == (1, ["schema", "types"])
    assert "make migrate" in checks["schema"]["message"]

    migrate(own_postgres.url)
    code, checks = found("check-postgres", DATABASE_URL=own_postgres.url)
    assert (code, list(checks), failed(checks)) == (0, _CHECKS, [])
    assert all(check["ms"] > 0 for check in checks.values())

    with psycopg.connect(own_postgres.url, autocommit=True) as connection:
        connection.execute(
            "delete from supabase_migrations.schema_migrations where version ="
            " (select max(version) from supabase_migrations.schema_migrations)"
        )
        connection.execute("alter type public.sync_status rename value 'paused' to 'resting'")
    code, checks = found("check-postgres", DATABASE_URL=own_postgres.url)
    assert (code, failed(checks)) == (1, ["schema", "types"])
    assert "migrations not applied: 1." in checks["schema"]["message"]
    assert "paused, resting" in checks["types"]["message"]


def test_one_without_enough_connections_is_found_out(own_postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(own_postgres.url, autocommit=True) as connection:
        connection.execute("drop role if exists narrow")
        connection.execute("create role narrow login password 'pw' connection limit 2")
    url = own_postgres.url.replace("//", "//narrow:pw@", 1) if "@" not in own_postgres.url else ""
    parts = psycopg.conninfo.conninfo_to_dict(own_postgres.url)
    url = url or f"postgresql://narrow:pw@{parts['host']}:{parts['port']}/{parts['dbname']}"
    code, checks = found("check-postgres", DATABASE_URL=url)
    assert code == 1
    assert "pool" in failed(checks)
    assert "too many connections" in checks["pool"]["message"]


def test_an_encoding_that_lacks_characters_is_found_out(own_postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(own_postgres.url, autocommit=True) as connection:
        connection.execute(
            "create database latin encoding 'LATIN1' template template0 lc_collate 'C' lc_ctype 'C'"
        )
    url = own_postgres.url.rsplit("/", 1)[0] + "/latin"
    migrate(url)
    code, checks = found("check-postgres", DATABASE_URL=url)
    assert (code, failed(checks)) == (1, ["connection"])
    assert "LATIN1" in checks["connection"]["message"]
    assert "UTF8" in checks["connection"]["message"]


def test_one_that_takes_no_writes_is_found_out(own_postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(own_postgres.url, autocommit=True) as connection:
        connection.execute("create role reader login")
        connection.execute("alter role reader set default_transaction_read_only = on")
    url = own_postgres.url.replace("postgres@", "reader@")
    code, checks = found("check-postgres", DATABASE_URL=url)
    assert code == 1
    assert "takes no writes" in checks["connection"]["message"]


def test_none_at_all_is_said_and_no_password_shown() -> None:
    ended = run(
        "check-postgres", DATABASE_URL=f"postgresql://app:a-password@127.0.0.1:{free_port()}/x"
    )
    assert ended.returncode == 1
    assert "can't be reached" in ended.stdout
    assert "a-password" not in ended.stdout + ended.stderr


@pytest.mark.parametrize("password", ["top/secret", "top#secret", "top?secret"])
def test_no_part_of_a_password_is_shown_whatever_it_holds(password: str) -> None:
    assert redact_url(f"postgresql://app:{password}@db.internal/x") == "postgresql://db.internal"


def test_without_an_address_it_says_what_it_needs() -> None:
    ended = run("check-postgres")
    assert ended.returncode == 1
    assert "DATABASE_URL" in ended.stderr
