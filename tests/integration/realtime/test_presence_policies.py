"""The policies on `realtime.messages` for presence, asked in the way that Realtime asks them."""

import json
from typing import Any

import psycopg
import pytest

from shared.application.authorization import Role
from shared.http.supabase_presence import presence_topic
from tests.integration.realtime.sql import allow_everything, can_read, can_write

_OWN_TOPIC = presence_topic("1", Role.PARTICIPANT)


def _claims(session: Any = "1", role: Any = "participant", **more: Any) -> str:
    own = {"role": "authenticated", "sync_session": session, "sync_role": role}
    return json.dumps(own | more)


_SHOWN = _claims()
_READER = _claims(sync_presence="read")


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("session", ["1", "acme:1"])
def test_a_client_is_shown_only_in_its_own_role(
    connection: psycopg.Connection, session: str, role: Role
) -> None:
    topic = presence_topic(session, role)
    assert can_read(connection, _claims(session, role), topic, "broadcast"), "it may join"
    connection.rollback()
    assert can_write(connection, _claims(session, role), topic, "presence")
    connection.rollback()
    for other in set(Role) - {role}:
        other_claims = _claims(session, other, sync_presence="read")
        assert not can_write(connection, other_claims, topic, "presence")
        connection.rollback()


def test_who_is_only_shown_reads_no_presence(connection: psycopg.Connection) -> None:
    assert not can_read(connection, _SHOWN, _OWN_TOPIC, "presence")


@pytest.mark.parametrize("role", Role)
def test_a_reader_reads_the_presence_of_all_roles(
    connection: psycopg.Connection, role: Role
) -> None:
    assert can_read(connection, _READER, presence_topic("1", role), "presence")


@pytest.mark.parametrize(
    "topic",
    [
        *(presence_topic(name, Role.HOST) for name in ("", "2", "11", "acme:1", "1:1")),
        *("session-presence:1", "session-presence::1", "session-presence:HOST:1", "session:1"),
        "x-session-presence:host:1",
    ],
)
def test_a_reader_reads_nothing_of_other_topics(connection: psycopg.Connection, topic: str) -> None:
    assert not can_read(connection, _READER, topic, "presence")
    connection.rollback()
    assert not can_write(connection, _READER, topic, "presence")


@pytest.mark.parametrize(
    "claims",
    [
        None,
        "{}",
        "[]",
        '"read"',
        json.dumps({"role": "authenticated", "sync_session": "1", "sync_presence": "read"}),
        *(_claims("1", role) for role in (None, "", "%", "participant:1", ["participant"], True)),
        *(_claims(session) for session in (None, "", "2", "%", ["1"])),
    ],
)
def test_a_token_of_another_session_or_without_a_role_shows_nobody(
    connection: psycopg.Connection, claims: str | None
) -> None:
    assert not can_write(connection, claims, _OWN_TOPIC, "presence")
    connection.rollback()
    assert not can_read(connection, claims, _OWN_TOPIC, "broadcast")


@pytest.mark.parametrize("right", ["track", "", True, None, ["read"]])
def test_only_the_claim_read_allows_reading(connection: psycopg.Connection, right: Any) -> None:
    claims = _claims(sync_presence=right)
    assert not can_read(connection, claims, _OWN_TOPIC, "presence")


def test_nobody_sends_broadcasts_on_these_topics(connection: psycopg.Connection) -> None:
    assert not can_write(connection, _READER, _OWN_TOPIC, "broadcast")


def test_the_anon_role_reads_and_writes_nothing(connection: psycopg.Connection) -> None:
    assert not can_read(connection, _READER, _OWN_TOPIC, "presence", role="anon")
    connection.rollback()
    assert not can_write(connection, _READER, _OWN_TOPIC, "presence", role="anon")


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_permissive_policies_of_others_do_not_open_these_topics(
    connection: psycopg.Connection, role: str
) -> None:
    allow_everything(connection)
    assert not can_read(connection, _SHOWN, _OWN_TOPIC, "presence", role=role)
    connection.execute("set local role postgres")
    assert not can_write(connection, _claims("2"), _OWN_TOPIC, "presence", role=role)


def test_these_policies_do_not_restrict_other_topics(connection: psycopg.Connection) -> None:
    allow_everything(connection)
    assert can_read(connection, _claims("2"), "presence:pages", "presence", role="anon")
    connection.execute("set local role postgres")
    assert can_write(connection, _claims("2"), "presence:pages", "presence", role="anon")
