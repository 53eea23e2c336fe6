"""Joining and leaving topics of the stand-in, as at Supabase's own server, in both versions."""

import time

import jwt
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from infra.local.realtime import LocalRealtime
from infra.local.supabase import JWT_SECRET
from tests.integration.realtime.project import Sender, token
from tests.integration.realtime.wire import frame, wire

pytestmark = pytest.mark.parametrize("version", [1, 2])

_TOPIC = "realtime:room"
_UNMATCHED = {"status": "error", "response": {"reason": "unmatched topic"}}


async def test_a_heartbeat_is_answered(supabase_realtime: LocalRealtime, version: int) -> None:
    async with wire(supabase_realtime, version) as client:
        ref = await client.send("phoenix", "heartbeat")
        assert await client.receive() == frame(
            version, "phoenix", "phx_reply", {"status": "ok", "response": {}}, ref
        )


_LATER_S = 4_000_000_000
"""The same in every process that collects these tests."""


@pytest.mark.parametrize(
    "key",
    [
        "",
        "sb_secret_of_somebody_else",
        "no.jwt.atall",
        jwt.encode({"role": "anon", "exp": _LATER_S}, "x" * 32),
        jwt.encode({"role": "anon", "exp": 1}, JWT_SECRET),
        jwt.encode({"role": "anon"}, JWT_SECRET),
        jwt.encode({"exp": _LATER_S}, JWT_SECRET),
        jwt.encode({"role": "anon", "exp": _LATER_S}, "", algorithm="none"),
    ],
)
async def test_a_handshake_needs_a_key(
    supabase_realtime: LocalRealtime, version: int, key: str
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with wire(supabase_realtime, version, key):
            pass
    assert refused.value.response.status_code == 401


async def test_who_leaves_is_told_so(supabase_realtime: LocalRealtime, version: int) -> None:
    async with wire(supabase_realtime, version) as client:
        await client.join(_TOPIC)
        assert (await client.answer_to(await client.send(_TOPIC, "phx_leave")))["status"] == "ok"
        assert (await client.receive())["event"] == "phx_close"
        assert (await client.answer_to(await client.send(_TOPIC, "phx_leave")))["status"] == "ok"
        assert await client.answer_to(await client.broadcast(_TOPIC, "said")) == _UNMATCHED


async def test_joining_again_ends_the_earlier_join(
    supabase_realtime: LocalRealtime, sender: Sender, version: int
) -> None:
    async with wire(supabase_realtime, version) as client:
        await client.join(_TOPIC)
        await client.send(_TOPIC, "phx_join", {"config": {"presence": {"enabled": False}}})
        assert (await client.receive())["event"] == "phx_close"
        assert (await client.receive())["payload"]["status"] == "ok"
        await sender.mark("room", private=False)
        assert (await client.receive())["event"] == "broadcast"
        assert await client.is_silent()  # one join, one copy


@pytest.mark.parametrize("topic", ["room", "realtime:"])
async def test_other_topics_match_nothing(
    supabase_realtime: LocalRealtime, version: int, topic: str
) -> None:
    async with wire(supabase_realtime, version) as client:
        assert await client.ask_to_join(topic) == _UNMATCHED


@pytest.mark.parametrize("data", ["{", "[]", '{"topic": 1}', "null", b"\x03", b"\x09" * 9])
async def test_what_is_no_frame_ends_the_socket(
    supabase_realtime: LocalRealtime, version: int, data: str | bytes
) -> None:
    async with wire(supabase_realtime, version) as client:
        await client.socket.send(data)
        with pytest.raises(ConnectionClosedError) as closed:
            await client.receive()
        assert closed.value.rcvd
        assert closed.value.rcvd.code == 1011


async def test_a_channel_ends_with_its_token(
    supabase_realtime: LocalRealtime, version: int
) -> None:
    async with wire(supabase_realtime, version) as client:
        short = token(supabase_realtime, "1", exp=int(time.time()) + 2)
        await client.join("realtime:session:1", short, private=True)
        said = {"extension": "system", "status": "error", "channel": "session:1"}
        said["message"] = "Token has expired 0 seconds ago"
        assert await client.receive() == frame(version, "realtime:session:1", "system", said)
        assert (await client.receive())["event"] == "phx_close"


@pytest.mark.parametrize("same", [None, "sb_publishable_key_of_whomever", "own"])
async def test_a_token_that_says_nothing_new_changes_nothing(
    supabase_realtime: LocalRealtime, version: int, same: str | None
) -> None:
    async with wire(supabase_realtime, version) as client:
        own = token(supabase_realtime, "1")
        await client.join("realtime:session:1", own, private=True)
        said = {"access_token": own if same == "own" else same}
        await client.send("realtime:session:1", "access_token", said)
        assert await client.is_silent()


async def test_a_policy_that_fails_lets_nobody_in(
    supabase_realtime: LocalRealtime, version: int
) -> None:
    async with wire(supabase_realtime, version) as client:
        unknown = token(supabase_realtime, "1", role="nobody_of_that_name")
        answer = await client.ask_to_join("realtime:session:1", unknown, private=True)
        assert answer["status"] == "error"
        assert answer["response"]["reason"].startswith("RlsPolicyError: ")


@pytest.mark.parametrize("name", ["session:\x00", "session:\ud800"])
async def test_what_postgres_can_t_name_is_refused(
    supabase_realtime: LocalRealtime, version: int, name: str
) -> None:
    async with wire(supabase_realtime, version) as client:
        listens = token(supabase_realtime, "1")
        answer = await client.ask_to_join(f"realtime:{name}", listens, private=True)
        assert answer["status"] == "error"
        assert await client.is_silent()
