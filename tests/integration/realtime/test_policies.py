"""The policies on `realtime.messages`, checked in SQL in the way that Realtime checks them."""

import json
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.integration.realtime.sql import allow_everything, can_read, can_write

_OWN_TOPIC = "session:1"


def _claims(session: Any) -> str:
    return json.dumps({"role": "authenticated", "sync_session": session})


def _can_read(
    connection: psycopg.Connection,
    claims: str | None,
    *,
    topic: str = _OWN_TOPIC,
    role: str = "authenticated",
    extension: str = "broadcast",
) -> bool:
    return can_read(connection, claims, topic, extension, role=role)


def _can_write(connection: psycopg.Connection, topic: str, role: str, extension: str) -> bool:
    return can_write(connection, _claims("1"), topic, extension, role=role)


def test_the_session_s_token_allows_reading(connection: psycopg.Connection) -> None:
    assert _can_read(connection, _claims("1"))


def test_a_tenant_s_session_is_named_with_its_tenant(connection: psycopg.Connection) -> None:
    assert _can_read(connection, _claims("acme:1"), topic="session:acme:1")


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
def test_other_claims_do_not_allow_reading(
    connection: psycopg.Connection, claims: str | None
) -> None:
    assert not _can_read(connection, claims)


def test_claims_that_are_not_json_raise_an_error(connection: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        _can_read(connection, "{")


@pytest.mark.parametrize("topic", ["", "session", "session:", "session:null", "1", "SESSION:1"])
@pytest.mark.parametrize("session", [None, "1"])
def test_a_token_allows_no_other_topic(
    connection: psycopg.Connection, session: str | None, topic: str
) -> None:
    assert not _can_read(connection, _claims(session), topic=topic)


def test_the_anon_role_reads_nothing(connection: psycopg.Connection) -> None:
    assert not _can_read(connection, _claims("1"), role="anon")


def test_presence_can_not_be_read(connection: psycopg.Connection) -> None:
    assert not _can_read(connection, _claims("1"), extension="presence")


@pytest.mark.parametrize("extension", ["broadcast", "presence", "postgres_changes"])
@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_clients_can_not_write(connection: psycopg.Connection, role: str, extension: str) -> None:
    assert not _can_write(connection, _OWN_TOPIC, role, extension)


def test_the_service_role_can_write(connection: psycopg.Connection) -> None:
    assert _can_write(connection, _OWN_TOPIC, "service_role", "broadcast")


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_permissive_policies_of_others_do_not_open_session_topics(
    connection: psycopg.Connection, role: str
) -> None:
    allow_everything(connection)
    assert not _can_read(connection, _claims("2"), role=role)
    connection.execute("set local role postgres")
    assert not _can_read(connection, _claims("1"), role=role, extension="presence")
    assert not _can_write(connection, _OWN_TOPIC, role, "broadcast")


def test_session_policies_do_not_restrict_other_topics(connection: psycopg.Connection) -> None:
    allow_everything(connection)
    other_topic = f"chat:{uuid4()}"
    assert _can_read(connection, _claims("2"), topic=other_topic, role="anon")
    assert _can_write(connection, other_topic, "anon", "presence")
