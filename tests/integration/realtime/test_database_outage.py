"""The emulator refuses private joins during an outage of its Postgres and recovers after it."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest

from infra.local.postgres import EmbeddedPostgres, embedded_postgres
from infra.local.realtime import local_realtime
from infra.local.supabase import create_project
from tests.integration.realtime.project import token
from tests.integration.realtime.wire import RawClient, raw_client

_TOPIC = "realtime:session:1"
_TIMEOUT_S = 10.0


@pytest.fixture
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """A Postgres that the test stops."""
    with embedded_postgres() as server:
        create_project(server.url)
        yield server


async def test_private_joins_fail_during_an_outage_of_postgres_and_work_after_it(
    own_postgres: EmbeddedPostgres,
) -> None:
    with local_realtime(own_postgres.url) as server:
        listener_token = token(server, "1")
        async with raw_client(server) as before, raw_client(server) as client:
            await before.join(_TOPIC, listener_token, private=True)
            await asyncio.to_thread(own_postgres.crash)
            answer = await client.ask_to_join(_TOPIC, listener_token, private=True)
            assert answer["status"] == "error"
            assert "unable to connect to the project database" in answer["response"]["reason"]
            await asyncio.to_thread(own_postgres.start)
            await client.join(_TOPIC, listener_token, private=True)
            async with asyncio.timeout(_TIMEOUT_S):
                while not await _receives_from_sql(own_postgres, before):
                    pass  # messages sent before the emulator listens again are lost


async def _receives_from_sql(postgres: EmbeddedPostgres, client: RawClient) -> bool:
    """Send a message from SQL; return whether it arrives before the reply to a heartbeat."""
    async with await psycopg.AsyncConnection.connect(postgres.url, autocommit=True) as sql:
        await sql.execute("select realtime.send('{}'::jsonb, 'sql', 'session:1')")
    return not await client.receives_nothing()
