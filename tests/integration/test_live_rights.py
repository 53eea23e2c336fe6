"""Permissions of live connections, their expiry and the answer to each message."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
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

_WRONG_TYPE = "refresh+jwt"
"""A token type that is invalid here; a subscription token, "wrong kind" elsewhere, is valid."""


@pytest.fixture(scope="module")
def instance(redis_url: str, postgres: EmbeddedPostgres) -> Iterator[Instance]:
    """An instance that requires tokens, with an audit trail."""
    with running(
        redis_url,
        DATABASE_URL=postgres.url,
        JWT_SECRET=tokens.SECRET,
        MAX_SOCKETS_PER_CALLER="3",
    ) as started:
        yield started


@pytest.fixture
async def api(instance: Instance) -> AsyncIterator[ApiClient]:
    """Client of that instance with Alice's token."""
    async with httpx.AsyncClient(
        verify=CERTIFICATES, base_url=instance.url, headers=bearer(tokens.host()), timeout=30
    ) as http:
        yield ApiClient(http)


@asynccontextmanager
async def _socket(
    instance: Instance, session_id: str, token: str | None
) -> AsyncIterator[ClientConnection]:
    query = f"&token={token}" if token else ""
    async with connect(f"{instance.ws}?sessionId={session_id}{query}") as socket:
        yield socket


async def _close_code(socket: ClientConnection) -> int | None:
    """Wait until the server closes the socket; return its code."""
    async with asyncio.timeout(30):
        try:
            while True:
                await socket.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


def _invalid_tokens(alice: AliceSession) -> dict[str, str | None]:
    invalid = {caller: token(alice) for caller, token in INVALID_TOKENS.items()}
    return {**invalid, "wrong kind": signed(claims("host", "alice"), typ=_WRONG_TYPE)}


@pytest.mark.parametrize("caller", INVALID_TOKENS)
async def test_a_socket_without_a_valid_token_is_closed(
    api: ApiClient, instance: Instance, caller: str
) -> None:
    alice = await create_session(api)
    async with _socket(instance, alice.session_id, _invalid_tokens(alice)[caller]) as socket:
        assert await _close_code(socket) == 4401


@pytest.mark.parametrize("caller", INVALID_TOKENS)
async def test_a_stream_without_a_valid_token_is_401(api: ApiClient, caller: str) -> None:
    alice = await create_session(api)
    token = _invalid_tokens(alice)[caller]
    api.http.headers.pop("Authorization")
    query = f"?token={token}" if token else ""
    answer = await api.http.get(f"/v1/sessions/{alice.session_id}/stream{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHENTICATED")


CAN_READ = {"spectator", "participant off move", "participant on move", "host", "service", "cohost"}
CANNOT_READ = {"other tenant", "other host"}
"""They may connect, as to a session that doesn't exist yet, and get no pushes."""


def test_the_groups_of_callers_cover_all_callers() -> None:
    assert CAN_READ | CANNOT_READ | {"other session"} == VALID_TOKENS.keys()


async def test_a_token_of_another_session_is_refused_for_socket_and_stream(
    api: ApiClient, instance: Instance
) -> None:
    alice = await create_session(api)
    token = VALID_TOKENS["other session"](alice)
    async with _socket(instance, alice.session_id, token) as socket:
        assert await _close_code(socket) == 4404
    path = f"/v1/sessions/{alice.session_id}/stream"
    assert (await api.http.get(path, headers=bearer(token))).status_code == 404


@pytest.mark.parametrize("caller", sorted(CAN_READ))
async def test_callers_with_read_permission_get_pushes(
    api: ApiClient, instance: Instance, caller: str
) -> None:
    alice = await create_session(api)
    async with _socket(instance, alice.session_id, VALID_TOKENS[caller](alice)) as socket:
        follower = LiveClient(socket)
        await follower.until_type("CONNECTED")
        await api.do(alice.session_id, "switch")
        assert (await follower.until_type("STATE_UPDATE"))["state"]["version"] == 3


@pytest.mark.parametrize("caller", sorted(CANNOT_READ))
async def test_callers_without_read_permission_get_no_pushes(
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


@pytest.mark.parametrize("caller", sorted(CAN_READ | CANNOT_READ))
async def test_each_message_is_answered_as_the_table_says(
    api: ApiClient, instance: Instance, caller: str
) -> None:
    alice = await create_session(api)
    token = VALID_TOKENS[caller](alice)
    state = "STATE_SYNC" if caller in CAN_READ else "ERROR"
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


async def test_each_caller_is_listed_with_its_role_but_only_those_with_the_right_see_the_list(
    api: ApiClient, instance: Instance
) -> None:
    alice = await create_session(api)
    async with AsyncExitStack() as stack:
        clients = {}
        for caller in sorted(CAN_READ | CANNOT_READ):
            query = f"{VALID_TOKENS[caller](alice)}&presence=1"
            socket = _socket(instance, alice.session_id, query)
            clients[caller] = LiveClient(await stack.enter_async_context(socket))
        pushed = await clients["host"].until(
            lambda message: (
                message["type"] == "PRESENCE"
                and message["presence"]["summary"]["connected"] == len(CAN_READ)
            )
        )
        shown = pushed[-1]["presence"]
        refused = [await clients["spectator"].next() for _ in range(2)]
        for caller in CANNOT_READ:
            await clients[caller].send({"type": "PING"})
            await clients[caller].until_type("PONG")
    roles = [(one["role"], one.get("participant_id")) for one in shown["connections"]]
    participants = [("participant", alice.off_move), ("participant", alice.on_move)]
    assert sorted(roles[:3]) == [("cohost", None), ("host", None), ("service", None)]
    assert (roles[3:5], roles[5:]) == (participants, [("spectator", None)])
    assert [(one["type"], one.get("code")) for one in refused] == [
        ("CONNECTED", None),
        ("ERROR", "FORBIDDEN"),
    ]
    for caller in CANNOT_READ:
        assert [one["type"] for one in clients[caller].received] == ["CONNECTED", "PONG"]


async def test_subscriptions_are_shown_with_the_role_and_see_the_presence_of_their_callers(
    api: ApiClient, instance: Instance
) -> None:
    alice = await create_session(api)
    path = f"/v1/sessions/{alice.session_id}/realtime"
    answers = {
        "host": "PRESENCE",
        "cohost": "PRESENCE",
        "participant off move": "PRESENCE",
        "spectator": "ERROR",
    }
    async with AsyncExitStack() as stack:

        async def client(token: str) -> LiveClient:
            socket = _socket(instance, alice.session_id, f"{token}&presence=1")
            return LiveClient(await stack.enter_async_context(socket))

        watching, clients = await client(tokens.host()), {}
        for caller in answers:
            token = bearer(VALID_TOKENS[caller](alice))
            subscription = (await api.http.get(path, headers=token)).json()["data"]
            clients[caller] = await client(subscription["token"])
        messages = await watching.until(
            lambda message: message.get("presence", {}).get("summary", {}).get("connected") == 5
        )
        shown = messages[-1]["presence"]["connections"]
        assert sorted((one["role"], one.get("participant_id")) for one in shown) == [
            ("cohost", None),
            ("host", None),
            ("host", None),
            ("participant", alice.off_move),
            ("spectator", None),
        ]
        for caller, answer in answers.items():
            received = await clients[caller].until(lambda message: message["type"] != "CONNECTED")
            assert received[-1]["type"] == answer, caller


@pytest.mark.parametrize("caller", INVALID_TOKENS)
async def test_an_invalid_new_token_is_an_error_and_keeps_the_socket_open(
    api: ApiClient, instance: Instance, caller: str
) -> None:
    alice = await create_session(api)
    async with _socket(instance, alice.session_id, tokens.host()) as socket:
        follower = LiveClient(socket)
        await follower.until_type("CONNECTED")
        token = _invalid_tokens(alice)[caller]
        await follower.send({"type": "AUTHENTICATE", **({"token": token} if token else {})})
        refusal = await follower.next()
        assert refusal["type"] == "ERROR"
        assert refusal["code"] == ("UNAUTHENTICATED" if token else "INVALID_MESSAGE")
        await api.do(alice.session_id, "switch")
        await follower.until_type("STATE_UPDATE")


@pytest.mark.parametrize("other", [tokens.host("bob"), tokens.service(), tokens.host(tenant="t")])
async def test_a_socket_refuses_the_token_of_another_caller(
    api: ApiClient, instance: Instance, other: str
) -> None:
    alice = await create_session(api)
    async with _socket(instance, alice.session_id, tokens.host()) as socket:
        follower = LiveClient(socket)
        await follower.until_type("CONNECTED")
        await follower.send({"type": "AUTHENTICATE", "token": other})
        assert (await follower.next())["code"] == "FORBIDDEN"


async def test_a_socket_is_closed_when_its_token_expires(
    api: ApiClient, instance: Instance
) -> None:
    alice = await create_session(api)
    ends_at = time.time() + 2
    token = signed(claims("spectator", "s", session_id=alice.session_id, exp=ends_at))
    async with _socket(instance, alice.session_id, token) as socket:
        assert await _close_code(socket) == 4401
    assert ends_at <= time.time() < ends_at + 30


async def test_a_stream_ends_with_an_error_when_its_token_expires(
    api: ApiClient, instance: Instance
) -> None:
    alice = await create_session(api)
    token = signed(claims("spectator", "s", 2.0, session_id=alice.session_id))
    path = f"/v1/sessions/{alice.session_id}/stream?token={token}"
    async with (
        httpx.AsyncClient(verify=CERTIFICATES, base_url=instance.url, timeout=30) as http,
        http.stream("GET", path) as stream,
    ):
        lines = [line async for line in stream.aiter_lines() if line.startswith("data:")]
    last = json.loads(lines[-1].removeprefix("data:"))
    assert (last["type"], last["code"]) == ("ERROR", "UNAUTHENTICATED")


async def test_a_new_token_keeps_the_socket_open(api: ApiClient, instance: Instance) -> None:
    alice = await create_session(api)
    short_lived = signed(claims("host", "alice", 3.0))
    async with _socket(instance, alice.session_id, short_lived) as socket:
        follower = LiveClient(socket)
        await follower.until_type("CONNECTED")
        longer = claims("host", "alice", 4.0)
        await follower.send({"type": "AUTHENTICATE", "token": signed(longer)})
        renewed = await follower.until_type("AUTHENTICATED")
        assert renewed["expires_at_ms"] == pytest.approx(longer["exp"] * 1000, abs=1)
        assert await _close_code(socket) == 4401
    assert time.time() >= longer["exp"]


async def test_before_the_creation_only_the_later_owner_may_wait_for_its_pushes(
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


async def test_a_host_gets_the_deletion_without_having_requested_the_state(
    api: ApiClient, instance: Instance
) -> None:
    alice = await create_session(api)
    async with _socket(instance, alice.session_id, tokens.host()) as socket:
        follower = LiveClient(socket)
        await follower.until_type("CONNECTED")
        await api.delete(alice.session_id)
        assert (await follower.next())["type"] == "SESSION_DELETED"


async def test_only_the_owner_gets_the_deletion_of_a_deleted_session(
    api: ApiClient, instance: Instance
) -> None:
    alice = await create_session(api)
    await api.delete(alice.session_id)
    events = f"/v1/sessions/{alice.session_id}/events"
    async with asyncio.timeout(30):  # the owner of a deleted session is known from the audit trail
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


async def _wait_until_connections_are(api: ApiClient, sockets: int) -> None:
    """Wait until the instance counts exactly `sockets` live connections."""
    async with asyncio.timeout(30):
        while f"connections {sockets}.0" not in (await api.http.get("/metrics")).text:
            await asyncio.sleep(0.01)


async def test_live_connections_per_caller_are_limited(api: ApiClient, instance: Instance) -> None:
    alice = await create_session(api)
    many: list[Any] = [_socket(instance, alice.session_id, tokens.host("many")) for _ in range(3)]
    async with many[0] as one, many[1] as two, many[2] as three:
        for socket in (one, two, three):
            await LiveClient(socket).until_type("CONNECTED")
        async with _socket(instance, alice.session_id, tokens.host("many")) as fourth:
            assert await _close_code(fourth) == 4429
        stream = f"/v1/sessions/{alice.session_id}/stream"
        answer = await api.http.get(stream, headers=bearer(tokens.host("many")))
        assert answer.status_code == 429
        async with _socket(instance, alice.session_id, tokens.host()) as other:
            await LiveClient(other).until_type("CONNECTED")
        await one.close()
        await _wait_until_connections_are(api, 2)
        async with _socket(instance, alice.session_id, tokens.host("many")) as again:
            await LiveClient(again).until_type("CONNECTED")


async def test_a_stream_accepts_a_token_in_the_header(api: ApiClient) -> None:
    alice = await create_session(api)
    path = f"/v1/sessions/{alice.session_id}/stream?sync=1"
    async with api.http.stream("GET", path) as stream:
        assert stream.status_code == 200


async def test_a_token_in_the_query_is_accepted_only_for_live_connections(api: ApiClient) -> None:
    alice = await create_session(api)
    api.http.headers.pop("Authorization")
    answer = await api.http.get(f"/v1/sessions/{alice.session_id}?token={tokens.host()}")
    assert answer.status_code == 401
