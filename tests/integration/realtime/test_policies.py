"""The project's policies on `realtime.messages`, asked in SQL as Realtime asks them."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from infra.local.postgres import EmbeddedPostgres

_INSERT = "insert into realtime.messages (topic, extension) values (%s, %s) returning id"
_OWN = "session:1"


@pytest.fixture
def connection(postgres: EmbeddedPostgres) -> Iterator[psycopg.Connection]:
    """A transaction of which nothing stays."""
    with psycopg.connect(postgres.url) as open_one:
        yield open_one
        open_one.rollback()


def _become(connection: psycopg.Connection, role: str, topic: str, claims: str | None) -> None:
    settings = {"role": role, "realtime.topic": topic, "request.jwt.claims": claims}
    for name, value in settings.items():
        if value is not None:
            connection.execute("select set_config(%s, %s, true)", (name, value))


def _reads(
    connection: psycopg.Connection,
    claims: str | None,
    *,
    topic: str = _OWN,
    role: str = "authenticated",
    extension: str = "broadcast",
) -> bool:
    [message_id] = connection.execute(_INSERT, (topic, extension)).fetchone() or [None]
    _become(connection, role, topic, claims)
    query = "select 1 from realtime.messages where id = %s"
    return connection.execute(query, (message_id,)).fetchone() is not None


def _may_write(connection: psycopg.Connection, topic: str, role: str, extension: str) -> bool:
    _become(connection, role, topic, _claims("1"))
    try:
        connection.execute(_INSERT.removesuffix(" returning id"), (topic, extension))
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def _claims(session: Any) -> str:
    return json.dumps({"role": "authenticated", "sync_session": session})


def test_who_has_the_session_s_token_reads(connection: psycopg.Connection) -> None:
    assert _reads(connection, _claims("1"))


def test_a_tenant_s_session_is_named_whole(connection: psycopg.Connection) -> None:
    assert _reads(connection, _claims("acme:1"), topic="session:acme:1")


@pytest.mark.parametrize(
    "claims",
    [
        None,
        "",
        "null",
        "{}",
        "[]",
        '"session:1"',
        '{"session_id": "1"}',
        *map(_claims, (None, "", "2", "11", "acme:1", "%", "session:1", ["1"], {"1": "1"}, True)),
    ],
)
def test_nobody_else_does(connection: psycopg.Connection, claims: str | None) -> None:
    assert not _reads(connection, claims)


def test_claims_that_are_no_json_are_an_error(connection: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        _reads(connection, "{")


@pytest.mark.parametrize("topic", ["", "session", "session:", "session:null", "1", "SESSION:1"])
@pytest.mark.parametrize("session", [None, "1"])
def test_a_token_opens_no_other_topic(
    connection: psycopg.Connection, session: str | None, topic: str
) -> None:
    assert not _reads(connection, _claims(session), topic=topic)


def test_one_without_a_login_reads_nothing(connection: psycopg.Connection) -> None:
    assert not _reads(connection, _claims("1"), role="anon")


def test_presence_can_t_be_read(connection: psycopg.Connection) -> None:
    assert not _reads(connection, _claims("1"), extension="presence")


@pytest.mark.parametrize("extension", ["broadcast", "presence", "postgres_changes"])
@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_clients_write_nothing(connection: psycopg.Connection, role: str, extension: str) -> None:
    assert not _may_write(connection, _OWN, role, extension)


def test_the_backend_writes(connection: psycopg.Connection) -> None:
    assert _may_write(connection, _OWN, "service_role", "broadcast")


def _allow_everything(connection: psycopg.Connection) -> None:
    """What a project may have of its own, for another application."""
    for deed, rule in (("select", "using (true)"), ("insert", "with check (true)")):
        statement = f"create policy others_{deed} on realtime.messages for {deed} to public {rule}"
        connection.execute(statement.encode())


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_generous_policies_of_others_don_t_open_ours(
    connection: psycopg.Connection, role: str
) -> None:
    _allow_everything(connection)
    assert not _reads(connection, _claims("2"), role=role)
    connection.execute("set local role postgres")
    assert not _reads(connection, _claims("1"), role=role, extension="presence")
    assert not _may_write(connection, _OWN, role, "broadcast")


def test_nor_do_ours_close_those_of_others(connection: psycopg.Connection) -> None:
    _allow_everything(connection)
    theirs = f"chat:{uuid4()}"
    assert _reads(connection, _claims("2"), topic=theirs, role="anon")
    assert _may_write(connection, theirs, "anon", "presence")
