"""Who may follow a session live, for how long, and what each message is answered (API §3, §4)."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from functions.container.live.websocket import MESSAGES
from infra.local.instance import Instance, running
from infra.local.postgres import EmbeddedPostgres
from tests.support import tokens
from tests.support.api import CERTIFICATES, ApiClient, chess
from tests.support.callers import INVALID_TOKENS, VALID_TOKENS, AliceSession, create_session
from tests.support.live import LiveClient
from tests.support.tokens import bearer, claims, signed

_STRANGE_KIND = "refresh+jwt"
"""A subscription's token is what belongs here; this is what doesn't."""


@pytest.fixture(scope="module")
def instance(redis_url: str, postgres: EmbeddedPostgres) -> Iterator[Instance]:
    """A container that asks for tokens, with an audit trail."""
    with running(
        redis_url,
        DATABASE_URL=postgres.url,
        JWT_SECRET=tokens.SECRET,
        MAX_SOCKETS_PER_CALLER="3",
    ) as started:
        yield started


@pytest.fixture
async def api(instance: Instance) -> AsyncIterator[ApiClient]:
    """A client of it, with Alice's token."""
    async with httpx.AsyncClient(
        verify=CERTIFICATES, base_url=instance.url, headers=bearer(tokens.host())
    ) as http:
        yield ApiClient(http)


@asynccontextmanager
async def _socket(
    instance: Instance, session_id: str, token: str | None
) -> AsyncIterator[ClientConnection]:
    query = f"&token={token}" if token else ""
    async with connect(f"{instance.ws}?sessionId={session_id}{query}") as socket:
        yield socket


async def _closing_code(socket: ClientConnection) -> int | None:
    """The code with which the server ends the connection."""
    async with asyncio.timeout(10):
        try:
            while True:
                await socket.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


def _refused_tokens(alice: AliceSession) -> dict[str, str | None]:
    refused = {caller: token(alice) for caller, token in INVALID_TOKENS.items()}
    return {**refused, "wrong kind": signed(claims("host", "alice"), typ=_STRANGE_KIND)}


@pytest.mark.parametrize("caller", INVALID_TOKENS)
async def test_no_socket_without_a_good_token(
    api: ApiClient, instance: Instance, caller: str
) -> None:
    alice = await create_session(api)
    async with _socket(instance, alice.session_id, _refused_tokens(alice)[caller]) as socket:
        assert await _closing_code(socket) == 4401


@pytest.mark.parametrize("caller", INVALID_TOKENS)
async def test_no_stream_without_a_good_token(api: ApiClient, caller: str) -> None:
    alice = await create_session(api)
    token = _refused_tokens(alice)[caller]
    api.http.headers.pop("Authorization")
    query = f"?token={token}" if token else ""
    answer = await api.http.get(f"/v1/sessions/{alice.session_id}/stream{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHENTICATED")


SEES = {"spectator", "participant off move", "participant on move", "host", "service"}
NEVER_SEES = {"other tenant", "other host"}
"""To these it is a session that is not there: a lobby in which nothing ever happens."""


def test_every_caller_is_one_who_sees_one_who_does_not_or_is_refused() -> None:
    assert SEES | NEVER_SEES | {"other session"} == VALID_TOKENS.keys()


async def test_a_token_of_another_session_opens_neither_socket_nor_stream(
    api: ApiClient, instance: Instance
) -> None:
    alice = await create_session(api)
    token = VALID_TOKENS["other session"](alice)
    async with _socket(instance, alice.session_id, token) as socket:
        assert await _closing_code(socket) == 4404
    path = f"/v1/sessions/{alice.session_id}/stream"
    assert (await api.http.get(path, headers=bearer(token))).status_code == 404


@pytest.mark.parametrize("caller", sorted(SEES))
async def test_those_who_may_read_it_get_its_pushes(
    api: ApiClient, instance: Instance, caller: str
) -> None:
    alice = await create_session(api)
    async with _socket(instance, alice.session_id, VALID_TOKENS[caller](alice)) as socket:
        follower = LiveClient(socket)
        await follower.until_type("CONNECTED")
        await api.do(alice.session_id, "switch")
        assert (await follower.until_type("STATE_UPDATE"))["state"]["version"] == 3


@pytest.mark.parametrize("caller", sorted(NEVER_SEES))
async def test_to_others_it_is_a_session_that_is_not_there(
    api: ApiClient, instance: Instance, caller: str
) -> None:
    alice = await create_session(api)
    async with _socket(
        instance, alice.session_id + "&sync=1", VALID_TOKENS[caller](alice)
    ) as socket:
        follower = LiveClient(socket)
        await follower.until_type("CONNECTED")
        await api.do(alice.session_id, "switch")
        await api.do(alice.session_id, "complete")
        await api.delete(alice.session_id)
        await follower.send({"type": "PING"})
        assert "version" not in await follower.until_type("PONG")
        assert [message["type"] for message in follower.received] == ["CONNECTED", "PONG"]


@pytest.mark.parametrize("caller", sorted(SEES | NEVER_SEES))
async def test_each_message_is_answered_as_the_table_says(
    api: ApiClient, instance: Instance, caller: str
) -> None:
    alice = await create_session(api)
    token = VALID_TOKENS[caller](alice)
    state = "STATE_SYNC" if caller in SEES else "ERROR"
    answers = {"PING": "PONG", "RECONNECT": state, "AUTHENTICATE": "AUTHENTICATED"}
    assert answers.keys() == MESSAGES.keys()
    async with _socket(instance, alice.session_id, token) as socket:
        follower = LiveClient(socket)
        await follower.until_type("CONNECTED")
        for kind, answer in answers.items():
            await follower.send({"type": kind, "token": token})
            assert (await follower.next())["type"] == answer
    if state == "ERROR":
        assert follower.received[2]["code"] == "SESSION_NOT_FOUND"


@pytest.mark.parametrize("caller", INVALID_TOKENS)
async def test_a_fresh_token_that_is_not_good_changes_nothing(
    api: ApiClient, instance: Instance, caller: str
) -> None:
    alice = await create_session(api)
    async with _socket(instance, alice.session_id, tokens.host()) as socket:
        follower = LiveClient(socket)
        await follower.until_type("CONNECTED")
        token = _refused_tokens(alice)[caller]
        await follower.send({"type": "AUTHENTICATE", **({"token": token} if token else {})})
        refusal = await follower.next()
        assert refusal["type"] == "ERROR"
        assert refusal["code"] == ("UNAUTHENTICATED" if token else "INVALID_MESSAGE")
        await api.do(alice.session_id, "switch")
        await follower.until_type("STATE_UPDATE")


@pytest.mark.parametrize("other", [tokens.host("bob"), tokens.service(), tokens.host(tenant="t")])
async def test_nobody_takes_over_another_s_socket(
    api: ApiClient, instance: Instance, other: str
) -> None:
    alice = await create_session(api)
    async with _socket(instance, alice.session_id, tokens.host()) as socket:
        follower = LiveClient(socket)
        await follower.until_type("CONNECTED")
        await follower.send({"type": "AUTHENTICATE", "token": other})
        assert (await follower.next())["code"] == "FORBIDDEN"


async def test_a_socket_ends_with_its_token(api: ApiClient, instance: Instance) -> None:
    alice = await create_session(api)
    ends_at = time.time() + 1.5
    token = signed(claims("spectator", "s", session_id=alice.session_id, exp=ends_at))
    async with _socket(instance, alice.session_id, token) as socket:
        assert await _closing_code(socket) == 4401
    assert ends_at <= time.time() < ends_at + 1


async def test_a_stream_ends_with_its_token_and_says_why(
    api: ApiClient, instance: Instance
) -> None:
    alice = await create_session(api)
    token = signed(claims("spectator", "s", 1.5, session_id=alice.session_id))
    path = f"/v1/sessions/{alice.session_id}/stream?token={token}"
    async with (
        httpx.AsyncClient(verify=CERTIFICATES, base_url=instance.url) as http,
        http.stream("GET", path) as stream,
    ):
        lines = [line async for line in stream.aiter_lines() if line.startswith("data:")]
    last = json.loads(lines[-1].removeprefix("data:"))
    assert (last["type"], last["code"]) == ("ERROR", "UNAUTHENTICATED")


async def test_a_fresh_token_keeps_the_socket_open(api: ApiClient, instance: Instance) -> None:
    alice = await create_session(api)
    brief = signed(claims("host", "alice", 1.5))
    async with _socket(instance, alice.session_id, brief) as socket:
        follower = LiveClient(socket)
        await follower.until_type("CONNECTED")
        longer = claims("host", "alice", 3)
        await follower.send({"type": "AUTHENTICATE", "token": signed(longer)})
        renewed = await follower.until_type("AUTHENTICATED")
        assert renewed["expires_at_ms"] == pytest.approx(longer["exp"] * 1000, abs=1)
        assert await _closing_code(socket) == 4401
    assert time.time() >= longer["exp"]


async def test_a_host_waits_in_a_lobby_for_its_own_session_alone(
    api: ApiClient, instance: Instance
) -> None:
    session_id = str(uuid4())
    async with (
        _socket(instance, session_id, tokens.host()) as own,
        _socket(instance, session_id, tokens.host("bob")) as foreign,
    ):
        alice, bob = LiveClient(own), LiveClient(foreign)
        await alice.until_type("CONNECTED")
        await bob.until_type("CONNECTED")
        await api.created(chess(session_id=session_id))
        assert (await alice.until_type("STATE_UPDATE"))["state"]["version"] == 1
        await api.do(session_id, "start")
        await alice.until_version(2)
        await bob.send({"type": "PING"})
        await bob.until_type("PONG")
        assert [message["type"] for message in bob.received] == ["CONNECTED", "PONG"]


async def test_a_host_hears_of_the_end_of_its_session_though_it_never_asked_for_the_state(
    api: ApiClient, instance: Instance
) -> None:
    alice = await create_session(api)
    async with _socket(instance, alice.session_id, tokens.host()) as socket:
        follower = LiveClient(socket)
        await follower.until_type("CONNECTED")
        await api.delete(alice.session_id)
        assert (await follower.next())["type"] == "SESSION_DELETED"


async def test_a_deletion_is_told_again_to_the_host_whose_session_it_was_and_to_no_other(
    api: ApiClient, instance: Instance
) -> None:
    alice = await create_session(api)
    await api.delete(alice.session_id)
    events = f"/v1/sessions/{alice.session_id}/events"
    async with asyncio.timeout(10):  # until the trail, which knows whose it was, has it
        while (await api.http.get(events)).status_code != 200:
            await asyncio.sleep(0.01)
    async with (
        _socket(instance, alice.session_id, f"{tokens.host()}&sync=1") as own,
        _socket(instance, alice.session_id, f"{tokens.host('bob')}&sync=1") as foreign,
    ):
        await LiveClient(own).until_type("SESSION_DELETED")
        bob = LiveClient(foreign)
        await bob.send({"type": "PING"})
        await bob.until_type("PONG")
        assert [message["type"] for message in bob.received] == ["CONNECTED", "PONG"]


async def _come_down_to(api: ApiClient, sockets: int) -> None:
    """Return when the server has noticed that only so many are left."""
    async with asyncio.timeout(10):
        while f"connections {sockets}.0" not in (await api.http.get("/metrics")).text:
            await asyncio.sleep(0.01)


async def test_a_caller_has_so_many_sockets_and_no_more(api: ApiClient, instance: Instance) -> None:
    alice = await create_session(api)
    many: list[Any] = [_socket(instance, alice.session_id, tokens.host("many")) for _ in range(3)]
    async with many[0] as one, many[1] as two, many[2] as three:
        for socket in (one, two, three):
            await LiveClient(socket).until_type("CONNECTED")
        async with _socket(instance, alice.session_id, tokens.host("many")) as fourth:
            assert await _closing_code(fourth) == 4429
        stream = f"/v1/sessions/{alice.session_id}/stream"
        answer = await api.http.get(stream, headers=bearer(tokens.host("many")))
        assert answer.status_code == 429
        async with _socket(instance, alice.session_id, tokens.host()) as other:
            await LiveClient(other).until_type("CONNECTED")
        await one.close()
        await _come_down_to(api, 2)
        async with _socket(instance, alice.session_id, tokens.host("many")) as again:
            await LiveClient(again).until_type("CONNECTED")


async def test_a_stream_takes_the_token_of_the_header_too(api: ApiClient) -> None:
    alice = await create_session(api)
    path = f"/v1/sessions/{alice.session_id}/stream?sync=1"
    async with api.http.stream("GET", path) as stream:
        assert stream.status_code == 200


async def test_a_token_in_the_query_opens_nothing_but_live_connections(api: ApiClient) -> None:
    alice = await create_session(api)
    api.http.headers.pop("Authorization")
    answer = await api.http.get(f"/v1/sessions/{alice.session_id}?token={tokens.host()}")
    assert answer.status_code == 401
