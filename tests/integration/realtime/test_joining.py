"""Joining and leaving topics of the emulator works as on Supabase's server, in both versions."""

import re
import time

import jwt
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from infra.local.realtime import LocalRealtime
from infra.local.supabase import JWT_SECRET
from tests.integration.realtime.project import Sender, token
from tests.integration.realtime.wire import frame, raw_client

pytestmark = pytest.mark.parametrize("version", [1, 2])

_TOPIC = "realtime:room"
_UNMATCHED = {"status": "error", "response": {"reason": "unmatched topic"}}


async def test_a_heartbeat_is_answered(supabase_realtime: LocalRealtime, version: int) -> None:
    async with raw_client(supabase_realtime, version) as client:
        ref = await client.send("phoenix", "heartbeat")
        assert await client.receive() == frame(
            version, "phoenix", "phx_reply", {"status": "ok", "response": {}}, ref
        )


_FAR_FUTURE_S = 4_000_000_000
"""A constant, because all processes that collect these tests need the same parameters."""


@pytest.mark.parametrize(
    "key",
    [
        "",
        "sb_secret_of_another_project",
        "no.jwt.atall",
        jwt.encode({"role": "anon", "exp": _FAR_FUTURE_S}, "x" * 32),
        jwt.encode({"role": "anon", "exp": 1}, JWT_SECRET),
        jwt.encode({"role": "anon"}, JWT_SECRET),
        jwt.encode({"exp": _FAR_FUTURE_S}, JWT_SECRET),
        jwt.encode({"role": "anon", "exp": _FAR_FUTURE_S}, "", algorithm="none"),
    ],
)
async def test_a_handshake_needs_a_valid_key(
    supabase_realtime: LocalRealtime, version: int, key: str
) -> None:
    with pytest.raises(InvalidStatus) as raised:
        async with raw_client(supabase_realtime, version, key):
            pass
    assert raised.value.response.status_code == 401


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
        assert (await client.receive())["event"] == "phx_close"
        assert (await client.receive())["payload"]["status"] == "ok"
        await sender.mark("room", private=False)
        assert (await client.receive())["event"] == "broadcast"
        assert await client.receives_nothing()  # one join, one copy


@pytest.mark.parametrize("topic", ["room", "realtime:"])
async def test_a_topic_without_prefix_or_name_is_unmatched(
    supabase_realtime: LocalRealtime, version: int, topic: str
) -> None:
    async with raw_client(supabase_realtime, version) as client:
        assert await client.ask_to_join(topic) == _UNMATCHED


@pytest.mark.parametrize("data", ["{", '{"topic": 1}', b"\x03"])
async def test_an_invalid_frame_closes_the_socket(
    supabase_realtime: LocalRealtime, version: int, data: str | bytes
) -> None:
    async with raw_client(supabase_realtime, version) as client:
        await client.socket.send(data)
        with pytest.raises(ConnectionClosedError) as closed:
            await client.receive()
        assert closed.value.rcvd
        assert closed.value.rcvd.code == 1011


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


async def test_a_failing_policy_refuses_the_join(
    supabase_realtime: LocalRealtime, version: int
) -> None:
    async with raw_client(supabase_realtime, version) as client:
        unknown = token("1", role="unknown_role")
        answer = await client.ask_to_join("realtime:session:1", unknown, private=True)
        assert answer["status"] == "error"
        assert answer["response"]["reason"].startswith("RlsPolicyError: ")


@pytest.mark.parametrize("name", ["session:\x00", "session:\ud800"])
async def test_a_topic_that_postgres_can_not_store_is_refused(
    supabase_realtime: LocalRealtime, version: int, name: str
) -> None:
    async with raw_client(supabase_realtime, version) as client:
        listener_token = token("1")
        answer = await client.ask_to_join(f"realtime:{name}", listener_token, private=True)
        assert answer["status"] == "error"
        assert await client.receives_nothing()
