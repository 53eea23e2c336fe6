"""A session lost from the store keeps its owner, because the audit trail knows it (API §4)."""

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

_MALLORYS_HEADERS = bearer(tokens.host("mallory"))


@pytest.fixture(scope="module")
def store_url() -> Iterator[str]:
    """A Redis from which these tests delete sessions."""
    with embedded_redis() as url:
        yield url


@pytest.fixture(scope="module")
def instance(store_url: str, postgres: EmbeddedPostgres) -> Iterator[Instance]:
    """An instance that requires tokens and has an audit trail."""
    with running(store_url, DATABASE_URL=postgres.url, JWT_SECRET=SECRET) as started:
        yield started


@pytest.fixture
async def api(instance: Instance) -> AsyncIterator[ApiClient]:
    """Client of that instance with Alice's token."""
    async with httpx.AsyncClient(base_url=instance.url, headers=bearer(tokens.host())) as http:
        yield ApiClient(http)


async def _lost_session(api: ApiClient, store_url: str, last_change: str) -> str:
    """Create Alice's session, delete it from the store, and return its id.

    It remains in the audit trail, with `last_change` as its third version.
    """
    session_id = await api.started(chess(metadata={"secret": "Alice's"}))
    await api.do(session_id, last_change)
    path = f"/v1/sessions/{session_id}/events"
    async with asyncio.timeout(10):
        while len((await api.http.get(path)).json()["data"]["events"]) < 3:
            await asyncio.sleep(0.02)
    with Redis.from_url(store_url) as redis:
        assert redis.delete(f"{{s0}}:session:{session_id}") == 1
        redis.zrem("{s0}:deadlines", session_id)
    return session_id


@pytest.mark.parametrize("recovery", ["on", "off"])
async def test_an_id_in_the_audit_trail_cannot_be_used_again(
    api: ApiClient, store_url: str, postgres: EmbeddedPostgres, recovery: str
) -> None:
    session_id = await _lost_session(api, store_url, "complete")
    settings = {"DATABASE_URL": postgres.url, "JWT_SECRET": SECRET, "RECOVERY": recovery}
    with running(store_url, **settings) as other:  # type: ignore[arg-type]
        async with httpx.AsyncClient(base_url=other.url, headers=_MALLORYS_HEADERS) as http:
            answer = await ApiClient(http).create(chess(session_id=session_id))
    assert answer.json()["error"]["code"] == "SESSION_EXISTS"


async def test_a_new_owner_cannot_read_the_history_of_the_former_one(
    api: ApiClient, store_url: str
) -> None:
    session_id = await _lost_session(api, store_url, "complete")
    unreachable = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    with running(store_url, DATABASE_URL=unreachable, JWT_SECRET=SECRET) as without_trail:
        async with httpx.AsyncClient(base_url=without_trail.url, headers=_MALLORYS_HEADERS) as http:
            assert (await ApiClient(http).create(chess(session_id=session_id))).status_code == 201
    api.http.headers.update(_MALLORYS_HEADERS)
    path = f"/v1/sessions/{session_id}"
    assert (await api.get(session_id)).status_code == 200
    for address in (f"{path}/events", f"{path}/replay?version=2", f"{path}/replay?version=3"):
        answer = await api.http.get(address)
        assert answer.status_code == 404, answer.text


@pytest.mark.parametrize(
    "unauthorized",
    [tokens.host("mallory"), tokens.spectator(str(uuid4())), tokens.host(tenant="acme")],
)
async def test_a_lost_session_is_restored_only_for_callers_with_read_permission(
    api: ApiClient, store_url: str, unauthorized: str
) -> None:
    session_id = await _lost_session(api, store_url, "switch")
    body = {"session_ids": [session_id]}
    batch = await api.http.post("/v1/sessions/batch", json=body, headers=bearer(unauthorized))
    single = await api.http.get(f"/v1/sessions/{session_id}", headers=bearer(unauthorized))
    assert batch.json()["data"]["not_found"] == [session_id]
    assert single.status_code == 404
    with Redis.from_url(store_url) as redis:
        assert not redis.exists(f"{{s0}}:session:{session_id}")
        assert (await api.session(session_id))["version"] == 3
        assert redis.exists(f"{{s0}}:session:{session_id}")
