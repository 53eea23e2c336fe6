"""Joining and leaving topics of the emulator works as on Supabase's server, in both versions."""

import re
import time
from typing import Any

import jwt
import pytest
from websockets.exceptions import InvalidStatus

from infra.local.realtime import LocalRealtime
from infra.local.supabase import JWT_SECRET
from tests.integration.realtime.project import Sender, token
from tests.integration.realtime.wire import frame, raw_client

pytestmark = pytest.mark.parametrize("version", [1, 2])

_TOPIC = "realtime:room"


def _refusal(reason: str) -> dict[str, Any]:
    return {"status": "error", "response": {"reason": reason}}


_UNMATCHED = _refusal("unmatched topic")


async def test_a_heartbeat_is_answered(supabase_realtime: LocalRealtime, version: int) -> None:
    async with raw_client(supabase_realtime, version) as client:
        ref = await client.send("phoenix", "heartbeat")
        assert await client.receive() == frame(
            version, "phoenix", "phx_reply", {"status": "ok", "response": {}}, ref
        )


_FAR_FUTURE_S = 4_000_000_000
"""A constant, because all processes that collect these tests need the same parameters."""


@pytest.mark.parametrize(
    ("key", "status", "reason"),
    [
        ("", 401, "Invalid API key"),
        ("sb_secret_of_another_project", 401, "Invalid API key"),
        ("no.jwt.atall", 500, "Internal Server Error"),
        (
            jwt.encode({"role": "anon", "exp": _FAR_FUTURE_S}, "x" * 32),
            500,
            "Internal Server Error",
        ),
        (jwt.encode({"role": "anon", "exp": 1}, JWT_SECRET), 401, '"Token has expired"'),
        (jwt.encode({"role": "anon"}, JWT_SECRET), 401, "are required in JWT"),
        (jwt.encode({"exp": _FAR_FUTURE_S}, JWT_SECRET), 401, "are required in JWT"),
        (
            jwt.encode({"role": "anon", "exp": _FAR_FUTURE_S}, "", algorithm="none"),
            500,
            "Internal Server Error",
        ),
    ],
)
async def test_a_handshake_needs_a_valid_key(
    supabase_realtime: LocalRealtime, version: int, key: str, status: int, reason: str
) -> None:
    with pytest.raises(InvalidStatus) as raised:
        async with raw_client(supabase_realtime, version, key):
            pass
    response = raised.value.response
    assert response.status_code == status
    assert reason in response.body.decode()


async def test_leaving_is_confirmed_and_ends_the_channel(
    supabase_realtime: LocalRealtime, version: int
) -> None:
    async with raw_client(supabase_realtime, version) as client:
        await client.join(_TOPIC)
        assert (await client.reply_to(await client.send(_TOPIC, "phx_leave")))["status"] == "ok"
        assert (await client.receive())["event"] == "phx_close"
        assert (await client.reply_to(await client.send(_TOPIC, "phx_leave")))["status"] == "ok"
        assert await client.reply_to(await client.send(_TOPIC, "said")) == _UNMATCHED


async def test_joining_again_ends_the_earlier_join(
    supabase_realtime: LocalRealtime, sender: Sender, version: int
) -> None:
    async with raw_client(supabase_realtime, version) as client:
        await client.join(_TOPIC)
        await client.send(_TOPIC, "phx_join")
        assert (await client.receive())["payload"]["status"] == "ok"
        assert (await client.receive())["event"] == "phx_close"
        await sender.mark("room", private=False)
        assert (await client.receive())["event"] == "broadcast"
        assert await client.receives_nothing()  # one join, one copy


async def test_a_topic_needs_a_prefix_and_a_name(
    supabase_realtime: LocalRealtime, version: int
) -> None:
    async with raw_client(supabase_realtime, version) as client:
        assert await client.ask_to_join("room") == _UNMATCHED
        unnamed = _refusal("TopicNameRequired: You must provide a topic name")
        assert await client.ask_to_join("realtime:") == unnamed


async def test_a_config_must_be_an_object(supabase_realtime: LocalRealtime, version: int) -> None:
    async with raw_client(supabase_realtime, version) as client:
        answer = await client.reply_to(await client.send(_TOPIC, "phx_join", {"config": []}))
        assert answer["response"]["reason"].startswith("UnknownErrorOnChannel: ")


@pytest.mark.parametrize("data", ["{", '{"topic": 1}', b"\x03"])
async def test_an_invalid_frame_is_ignored(
    supabase_realtime: LocalRealtime, version: int, data: str | bytes
) -> None:
    async with raw_client(supabase_realtime, version) as client:
        await client.socket.send(data)
        assert await client.receives_nothing()


async def test_a_channel_closes_when_its_token_expires(
    supabase_realtime: LocalRealtime, version: int
) -> None:
    async with raw_client(supabase_realtime, version) as client:
        short_lived = token("1", exp=int(time.time()) + 5)
        await client.join("realtime:session:1", short_lived, private=True)
        ended = await client.receive()
        expected = {"extension": "system", "status": "error", "channel": "session:1"}
        expected["message"] = ended["payload"]["message"]
        assert ended == frame(version, "realtime:session:1", "system", expected)
        assert re.fullmatch(r"Token has expired \d+ seconds ago", expected["message"])
        assert (await client.receive())["event"] == "phx_close"


@pytest.mark.parametrize("same", [None, "sb_publishable_key_of_another_project", "own"])
async def test_a_token_message_without_a_new_token_changes_nothing(
    supabase_realtime: LocalRealtime, version: int, same: str | None
) -> None:
    async with raw_client(supabase_realtime, version) as client:
        own = token("1")
        await client.join("realtime:session:1", own, private=True)
        payload = {"access_token": own if same == "own" else same}
        await client.send("realtime:session:1", "access_token", payload)
        assert await client.receives_nothing()


async def test_a_token_message_with_a_wrong_signature_closes_the_channel(
    supabase_realtime: LocalRealtime, version: int
) -> None:
    topic = "realtime:session:1"
    async with raw_client(supabase_realtime, version) as client:
        await client.join(topic, token("1"), private=True)
        forged = jwt.encode({"role": "authenticated", "exp": _FAR_FUTURE_S}, "x" * 32)
        await client.send(topic, "access_token", {"access_token": forged})
        assert (await client.receive())["payload"]["message"] == ":signature_error"
        assert (await client.receive())["event"] == "phx_close"


async def test_an_unknown_role_refuses_the_join(
    supabase_realtime: LocalRealtime, version: int
) -> None:
    async with raw_client(supabase_realtime, version) as client:
        unknown = token("1", role="unknown_role")
        answer = await client.ask_to_join("realtime:session:1", unknown, private=True)
        assert answer["status"] == "error"
        assert answer["response"]["reason"].startswith("Unauthorized: You do not have permissions")


@pytest.mark.parametrize("name", ["session:\x00", "session:\ud800"])
async def test_a_topic_that_postgres_can_not_store_is_refused(
    supabase_realtime: LocalRealtime, version: int, name: str
) -> None:
    async with raw_client(supabase_realtime, version) as client:
        listener_token = token("1")
        answer = await client.ask_to_join(f"realtime:{name}", listener_token, private=True)
        assert answer["status"] == "error"
        assert await client.receives_nothing()
