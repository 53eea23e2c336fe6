"""The stand-in while its Postgres is away, and after."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest

from infra.local.postgres import EmbeddedPostgres, embedded_postgres
from infra.local.realtime import local_realtime
from infra.local.supabase import create_project
from tests.integration.realtime.project import token
from tests.integration.realtime.wire import Wire, wire

_TOPIC = "realtime:session:1"
_PATIENCE_S = 10.0


@pytest.fixture
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """One to be stopped."""
    with embedded_postgres() as server:
        create_project(server.url)
        yield server


async def test_nobody_joins_a_private_topic_until_it_is_back(
    own_postgres: EmbeddedPostgres,
) -> None:
    with local_realtime(own_postgres.url) as server:
        listens = token(server, "1")
        async with wire(server) as before, wire(server) as client:
            await before.join(_TOPIC, listens, private=True)
            await asyncio.to_thread(own_postgres.crash)
            answer = await client.ask_to_join(_TOPIC, listens, private=True)
            assert answer["status"] == "error"
            assert "unable to connect to the project database" in answer["response"]["reason"]
            await asyncio.to_thread(own_postgres.start)
            await client.join(_TOPIC, listens, private=True)
            async with asyncio.timeout(_PATIENCE_S):
                while not await _hears_sql(own_postgres, before):
                    pass  # what is sent before it listens again is lost


async def _hears_sql(postgres: EmbeddedPostgres, client: Wire) -> bool:
    """Whether a message sent from SQL arrives before the next heartbeat is answered."""
    async with await psycopg.AsyncConnection.connect(postgres.url, autocommit=True) as sql:
        await sql.execute("select realtime.send('{}'::jsonb, 'sql', 'session:1')")
    return not await client.is_silent()
