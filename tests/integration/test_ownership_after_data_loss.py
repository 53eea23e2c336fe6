"""A session keeps its owner when the store has lost its data (docs/security.md)."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import httpx
import pytest
from redis import Redis

from infra.local.instance import Instance, running
from infra.local.ports import free_port
from infra.local.postgres import EmbeddedPostgres
from infra.local.redis import embedded_redis
from tests.support import tokens
from tests.support.api import ApiClient, chess
from tests.support.tokens import SECRET, bearer

_MALLORY = bearer(tokens.host("mallory"))


@pytest.fixture(scope="module")
def store_url() -> Iterator[str]:
    """A Redis that loses its memory."""
    with embedded_redis() as url:
        yield url


@pytest.fixture(scope="module")
def instance(store_url: str, postgres: EmbeddedPostgres) -> Iterator[Instance]:
    """A container that asks for tokens; the loop that restores everything is another's."""
    with running(store_url, DATABASE_URL=postgres.url, JWT_SECRET=SECRET) as started:
        yield started


@pytest.fixture
async def api(instance: Instance) -> AsyncIterator[ApiClient]:
    """A client of it, with Alice's token."""
    async with httpx.AsyncClient(
        base_url=instance.url, headers=bearer(tokens.host()), timeout=30
    ) as http:
        yield ApiClient(http)


async def _forgotten(api: ApiClient, store_url: str, last: str) -> str:
    """The id of a session that is in the trail and no more in the store."""
    session_id = await api.started(chess(metadata={"secret": "Alice's"}))
    await api.do(session_id, last)
    path = f"/v1/sessions/{session_id}/events"
    async with asyncio.timeout(30):
        while len((await api.http.get(path)).json()["data"]["events"]) < 3:
            await asyncio.sleep(0.02)
    with Redis.from_url(store_url) as redis:
        assert redis.delete(f"{{s0}}:session:{session_id}") == 1
        redis.zrem("{s0}:deadlines", session_id)
    return session_id


@pytest.mark.parametrize("recovery", ["on", "off"])
async def test_nobody_gets_an_id_that_the_trail_knows(
    api: ApiClient, store_url: str, postgres: EmbeddedPostgres, recovery: str
) -> None:
    session_id = await _forgotten(api, store_url, "complete")
    settings = {"DATABASE_URL": postgres.url, "JWT_SECRET": SECRET, "RECOVERY": recovery}
    with running(store_url, **settings) as other:  # type: ignore[arg-type]
        async with httpx.AsyncClient(base_url=other.url, headers=_MALLORY, timeout=30) as http:
            taken = await ApiClient(http).create(chess(session_id=session_id))
    assert taken.json()["error"]["code"] == "SESSION_EXISTS"


async def test_who_got_one_while_the_trail_was_away_reads_nothing_of_before(
    api: ApiClient, store_url: str
) -> None:
    session_id = await _forgotten(api, store_url, "complete")
    nowhere = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    with running(store_url, DATABASE_URL=nowhere, JWT_SECRET=SECRET) as blind:
        async with httpx.AsyncClient(base_url=blind.url, headers=_MALLORY, timeout=30) as http:
            assert (await ApiClient(http).create(chess(session_id=session_id))).status_code == 201
    api.http.headers.update(_MALLORY)
    path = f"/v1/sessions/{session_id}"
    assert (await api.get(session_id)).status_code == 200
    for address in (f"{path}/events", f"{path}/replay?version=2", f"{path}/replay?version=3"):
        answer = await api.http.get(address)
        assert answer.status_code == 404, answer.text


@pytest.mark.parametrize(
    "stranger", [tokens.host("mallory"), tokens.spectator(str(uuid4())), tokens.host(tenant="acme")]
)
async def test_a_lost_session_comes_back_for_those_who_may_read_it_alone(
    api: ApiClient, store_url: str, stranger: str
) -> None:
    session_id = await _forgotten(api, store_url, "switch")
    body = {"session_ids": [session_id]}
    batch = await api.http.post("/v1/sessions/batch", json=body, headers=bearer(stranger))
    single = await api.http.get(f"/v1/sessions/{session_id}", headers=bearer(stranger))
    assert batch.json()["data"]["not_found"] == [session_id]
    assert single.status_code == 404
    with Redis.from_url(store_url) as redis:
        assert not redis.exists(f"{{s0}}:session:{session_id}")
        assert (await api.session(session_id))["version"] == 3
        assert redis.exists(f"{{s0}}:session:{session_id}")
