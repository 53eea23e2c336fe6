"""Revocations close the live connections of all instances."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from infra.local.instance import Instance, running
from infra.local.postgres import EmbeddedPostgres
from tests.integration.test_revoked_tokens import issued, revoke
from tests.support import tokens
from tests.support.api import CERTIFICATES, ApiClient, api_client
from tests.support.callers import create_session
from tests.support.live import LiveClient, connect_live
from tests.support.tokens import bearer

_Pair = tuple[Instance, Instance]


@pytest.fixture(scope="module")
def pair(redis_url: str, postgres: EmbeddedPostgres) -> Iterator[_Pair]:
    """Two instances that require tokens."""
    with (
        running(redis_url, DATABASE_URL=postgres.url, JWT_SECRET=tokens.SECRET) as one,
        running(redis_url, DATABASE_URL=postgres.url, JWT_SECRET=tokens.SECRET) as two,
    ):
        yield one, two


@pytest.fixture
async def api(pair: _Pair) -> AsyncIterator[ApiClient]:
    """Client of the first instance with Alice's token."""
    async with api_client(pair[0].url, tokens.host(), timeout=20) as client:
        yield client


async def closing(follower: LiveClient) -> tuple[int | None, str | None]:
    """Wait until the server closes the socket; return its code and reason."""
    with suppress(ConnectionClosed):
        while True:
            await follower.next()
    return follower.socket.close_code, follower.socket.close_reason


async def test_a_socket_of_another_instance_ends_when_its_token_is_revoked(
    api: ApiClient, pair: _Pair
) -> None:
    alice = await create_session(api)
    revoked, kept = await issued(api, alice), await issued(api, alice)
    realtime = f"{pair[1].url}/v1/sessions/{alice.session_id}/realtime"
    async with httpx.AsyncClient(verify=CERTIFICATES) as http:
        answer = await http.get(realtime, headers=bearer(revoked["token"]))
    subscription = answer.json()["data"]["token"]
    async with (
        connect_live(pair[1], alice.session_id, f"&token={revoked['token']}") as direct,
        connect_live(pair[1], alice.session_id, f"&token={subscription}") as subscribed,
        connect_live(pair[1], alice.session_id, f"&token={kept['token']}") as follower,
    ):
        await revoke(api, alice.session_id, revoked["token_id"])
        for one in (direct, subscribed):
            assert await closing(one) == (4401, "The token was revoked")
        await api.do(alice.session_id, "switch")
        assert (await follower.next())["type"] == "STATE_UPDATE"
    async with connect(f"{pair[1].ws}?sessionId={alice.session_id}&token={subscription}") as again:
        assert await closing(LiveClient(again)) == (4401, "The token was revoked")


async def test_a_revocation_of_all_ends_streams_with_an_error(api: ApiClient, pair: _Pair) -> None:
    alice = await create_session(api)
    token = (await issued(api, alice, role="spectator"))["token"]
    path = f"{pair[1].url}/v1/sessions/{alice.session_id}/stream?token={token}"
    async with (
        httpx.AsyncClient(verify=CERTIFICATES, timeout=30) as http,
        http.stream("GET", path) as stream,
        connect_live(pair[1], alice.session_id, f"&token={tokens.host()}") as host,
    ):
        lines = stream.aiter_lines()
        assert json.loads(await _data(lines))["type"] == "CONNECTED"
        await revoke(api, alice.session_id)
        last = json.loads(await _data(lines))
        await api.do(alice.session_id, "switch")
        assert (await host.next())["type"] == "STATE_UPDATE"
        async with asyncio.timeout(30):
            assert not [line async for line in lines if line.startswith("data:")]
    assert (last["type"], last["code"]) == ("ERROR", "UNAUTHENTICATED")
    async with httpx.AsyncClient(verify=CERTIFICATES) as http:
        assert (await http.get(path)).status_code == 401


async def _data(lines: AsyncIterator[str]) -> str:
    """Return the next event's data."""
    async with asyncio.timeout(30):
        while not (line := await anext(lines)).startswith("data:"):
            pass
    return line.removeprefix("data:")


async def test_a_socket_ends_with_a_revoked_new_token(api: ApiClient, pair: _Pair) -> None:
    alice = await create_session(api)
    old, new = await issued(api, alice), await issued(api, alice)
    async with connect_live(pair[1], alice.session_id, f"&token={old['token']}") as follower:
        await revoke(api, alice.session_id, new["token_id"])
        await follower.send({"type": "AUTHENTICATE", "token": new["token"]})
        assert await closing(follower) == (4401, "The token was revoked")


async def test_the_live_connections_of_a_revoked_api_key_end(api: ApiClient, pair: _Pair) -> None:
    service = bearer(tokens.service())
    body = {"name": "A screen", "role": "service"}
    answer = await api.http.post("/v1/api-keys", json=body, headers=service)
    key = answer.json()["data"]
    alice = await create_session(api)
    realtime = f"{pair[1].url}/v1/sessions/{alice.session_id}/realtime"
    async with httpx.AsyncClient(verify=CERTIFICATES) as http:
        answer = await http.get(realtime, headers=bearer(key["key"]))
        subscription = answer.json()["data"]["token"]
        path = f"{pair[1].url}/v1/sessions/{alice.session_id}/stream"
        async with (
            http.stream("GET", path, headers=bearer(key["key"]), timeout=30) as stream,
            connect_live(pair[0], alice.session_id, f"&token={key['key']}") as direct,
            connect_live(pair[1], alice.session_id, f"&token={subscription}") as subscribed,
        ):
            lines = stream.aiter_lines()
            assert json.loads(await _data(lines))["type"] == "CONNECTED"
            await api.http.delete(f"/v1/api-keys/{key['key_id']}", headers=service)
            for one in (direct, subscribed):
                assert await closing(one) == (4401, "The API key was revoked")
            assert json.loads(await _data(lines))["code"] == "UNAUTHENTICATED"
