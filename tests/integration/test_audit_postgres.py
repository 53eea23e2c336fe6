"""The Postgres audit log with lost connections, a read-only database and unusual settings."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from infra.local.ports import free_port
from infra.local.postgres import EmbeddedPostgres, embedded_postgres
from infra.migrate import migrate
from shared.application.errors import AuditUnavailable, EntriesRefused
from shared.application.ports.audit_log import AuditLog
from shared.audit.postgres import PostgresAuditLog
from shared.audit.postgres_pool import PostgresPool
from shared.domain.units import Instant
from tests.support.scenarios import CREATED_AT, STEP_MS, entries_of, last_session, switched_session


@pytest.fixture
async def audit(breakable_postgres: EmbeddedPostgres) -> AsyncIterator[PostgresAuditLog]:
    """The audit log in `breakable_postgres`."""
    log = PostgresAuditLog(breakable_postgres.url)
    yield log
    await log.close()


def execute(url: str, *statements: str) -> None:
    """Run `statements` on a connection that may write even to a read-only database."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set default_transaction_read_only = off")
        for statement in statements:
            connection.execute(statement.encode())


def terminate_connections(url: str) -> None:
    """Terminate all connections but this function's own."""
    execute(
        url,
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where pid <> pg_backend_pid() and backend_type = 'client backend'",
    )


@contextmanager
def role_settings(url: str, **settings: str) -> Iterator[None]:
    """Connections that begin within the block have these settings."""
    execute(url, *(f"alter role postgres set {name} = {value}" for name, value in settings.items()))
    try:
        yield
    finally:
        execute(url, "alter role postgres reset all")


async def fill_pool(audit: AuditLog) -> None:
    """Use several connections at once, so that the pool keeps all of them."""
    await asyncio.gather(*(audit.ping() for _ in range(8)))


@pytest.mark.parametrize("kind", ["a read", "a write"])
async def test_the_first_query_after_all_connections_were_cut_is_served(
    audit: PostgresAuditLog, breakable_postgres: EmbeddedPostgres, kind: str
) -> None:
    """It makes at most three attempts, although more connections are lost."""
    changes = switched_session()
    await audit.append(entries_of(changes))
    await fill_pool(audit)
    terminate_connections(breakable_postgres.url)
    if kind == "a read":
        assert await audit.last(last_session(changes).name) is not None
    else:
        assert await audit.append(entries_of(changes)) == []


async def test_concurrent_queries_after_all_connections_were_cut_are_served(
    audit: PostgresAuditLog, breakable_postgres: EmbeddedPostgres
) -> None:
    await fill_pool(audit)
    terminate_connections(breakable_postgres.url)
    await asyncio.gather(*(audit.ping() for _ in range(16)))


async def test_connections_to_a_read_only_server_are_replaced(
    audit: PostgresAuditLog, breakable_postgres: EmbeddedPostgres
) -> None:
    changes = switched_session()
    with role_settings(breakable_postgres.url, default_transaction_read_only="on"):
        await fill_pool(audit)
        with pytest.raises(AuditUnavailable) as refused:
            await audit.append(entries_of(changes))
        assert refused.value.reason == "it is read-only (25006)"
    assert await audit.append(entries_of(changes)) == []
    assert await audit.last(last_session(changes).name) is not None


async def test_a_read_only_database_is_read_and_check_reports_it(
    audit: PostgresAuditLog, breakable_postgres: EmbeddedPostgres
) -> None:
    changes = switched_session()
    await audit.append(entries_of(changes))
    terminate_connections(breakable_postgres.url)
    with role_settings(breakable_postgres.url, default_transaction_read_only="on"):
        assert await audit.last(last_session(changes).name) is not None
        with pytest.raises(AuditUnavailable) as refused:
            await audit.check()
    assert refused.value.reason == "it is read-only (25006)"
    assert await audit.check() is None


async def test_of_several_hosts_the_writable_one_is_used(
    breakable_postgres: EmbeddedPostgres,
) -> None:
    with embedded_postgres() as standby:
        migrate(standby.url)
        execute(standby.url, "alter role postgres set default_transaction_read_only = on")
        hosts = (
            f"127.0.0.1:{free_port()},127.0.0.1:{standby.port},127.0.0.1:{breakable_postgres.port}"
        )
        url = f"postgresql://postgres@{hosts}/postgres?target_session_attrs=read-write"
        log, changes = PostgresAuditLog(url), switched_session()
        assert await log.append(entries_of(changes)) == []
        await log.close()
    direct = PostgresAuditLog(breakable_postgres.url)
    assert await direct.last(last_session(changes).name) is not None
    await direct.close()


@pytest.mark.parametrize(
    "settings",
    [
        {"datestyle": "'SQL, DMY'"},
        {"datestyle": "'German'"},
        {"timezone": "'Asia/Kathmandu'"},
        {"intervalstyle": "'sql_standard'"},
        {"search_path": "''"},
        {"standard_conforming_strings": "off"},
        {"client_encoding": "'LATIN1'"},
        {"bytea_output": "'escape'"},
        {"extra_float_digits": "-15"},
        {"default_transaction_isolation": "'serializable'"},
        {"lock_timeout": "1"},
        {"idle_in_transaction_session_timeout": "1"},
    ],
    ids=lambda settings: " ".join(*settings.items()),
)
async def test_the_roles_settings_do_not_change_the_audit_trail(
    breakable_postgres: EmbeddedPostgres, settings: dict[str, str]
) -> None:
    changes = switched_session()
    with role_settings(breakable_postgres.url, **settings):
        log = PostgresAuditLog(breakable_postgres.url)
        assert await log.append(entries_of(changes)) == []
        name = last_session(changes).name
        events = await log.events(name, 0, 10)
        assert [e.occurred_at for e in events] == [c.occurred_at for c in changes]
        assert events[0].metadata == {}
        last = await log.last(name)
        assert last is not None
        assert (last.session, last.occurred_at) == (last_session(changes), changes[-1].occurred_at)
        third = await log.at_instant(name, Instant(CREATED_AT + 2 * STEP_MS))
        assert third is not None
        assert third.session == changes[2].session
        assert await log.check() is None
        await log.close()


@pytest.mark.parametrize(
    ("setting", "of_the_role", "expected"),
    [
        ("statement_timeout", "50", "(8..|900)ms"),
        ("lock_timeout", "50", "(5..|600)ms"),
        ("synchronous_commit", "off", "on"),
        ("synchronous_commit", "remote_write", "remote_write"),
        ("client_encoding", "'LATIN1'", "UTF8"),
        ("transaction_isolation", None, "read committed"),
    ],
)
async def test_the_service_sets_the_settings_that_it_depends_on(
    breakable_postgres: EmbeddedPostgres, setting: str, of_the_role: str | None, expected: str
) -> None:
    with role_settings(breakable_postgres.url, **({setting: of_the_role} if of_the_role else {})):
        pool = PostgresPool(breakable_postgres.url)
        query = "select current_setting(%s) as it, pg_sleep(0.1)"
        ((row),) = await pool.query(query, (setting,), 1.0)
        assert re.fullmatch(expected, row["it"])
        await pool.close()


async def test_a_query_that_takes_too_long_is_cancelled_and_its_connection_reused(
    breakable_postgres: EmbeddedPostgres,
) -> None:
    pool = PostgresPool(breakable_postgres.url)
    ((before,),) = [r.values() for r in await pool.query("select pg_backend_pid()", (), 30.0)]
    with pytest.raises(AuditUnavailable) as slow:
        await pool.query("select pg_sleep(60)", (), 3.0)
    assert slow.value.reason == "the query took too long (57014)"
    ((after,),) = [r.values() for r in await pool.query("select pg_backend_pid()", (), 30.0)]
    assert after == before
    await pool.close()


async def test_an_entry_with_a_character_outside_the_encoding_is_refused(latin1_url: str) -> None:
    log = PostgresAuditLog(latin1_url)
    with pytest.raises(EntriesRefused, match=r"LATIN1.*\(22P05\)"):
        await log.append(
            entries_of(switched_session())
        )  # the session's name contains a chess piece
    plain = [entry.replace("♞".encode(), b"!") for entry in entries_of(switched_session())]
    assert await log.append(plain) == []
    await log.close()


async def test_check_warns_of_an_encoding_that_lacks_characters(latin1_url: str) -> None:
    log = PostgresAuditLog(latin1_url)
    warning = await log.check()
    assert warning is not None
    assert "LATIN1" in warning
    await log.close()


@pytest.mark.parametrize(
    "corrupt",
    [
        lambda entry: entry.replace(b'"host"', b'"h\xff"'),
        lambda entry: entry.replace(b'"host"', b'"h\\u0000"'),
        lambda entry: entry.replace(b'"host"', b'"h\x00"'),
        lambda entry: entry.replace(b'"host"', b'"\\ud800"'),
        lambda entry: entry.replace(b'"host"', b'"host'),
    ],
    ids=["not UTF-8", "NUL escaped", "NUL", "half a character", "not JSON"],
)
async def test_an_entry_that_postgres_cannot_hold_as_text_is_refused(
    audit: PostgresAuditLog, corrupt: Callable[[bytes], bytes]
) -> None:
    with pytest.raises(EntriesRefused):
        await audit.append([corrupt(entry) for entry in entries_of(switched_session())])
    assert await audit.append(entries_of(switched_session())) == []
