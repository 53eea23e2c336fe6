"""The emulator enforces the limits of a project."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from infra.local.postgres import EmbeddedPostgres
from infra.local.realtime import LocalRealtime, RealtimeOptions, local_realtime
from tests.integration.realtime.project import Sender, message, sending_to
from tests.integration.realtime.wire import RawClient, raw_client

_TOPIC = "realtime:room"


@asynccontextmanager
async def _limited_project(
    postgres: EmbeddedPostgres, **limits: Any
) -> AsyncIterator[tuple[LocalRealtime, Sender]]:
    with local_realtime(postgres.url, RealtimeOptions(**limits)) as server:
        async with sending_to(server.url) as sender:
            yield server, sender


async def _refusal(client: RawClient, topic: str, **config: Any) -> str:
    answer = await client.ask_to_join(topic, **config)
    assert answer["status"] == "error"
    return str(answer["response"]["reason"])


async def test_messages_per_second_are_limited(postgres: EmbeddedPostgres) -> None:
    one = message("room", "said", private=False)
    async with (
        _limited_project(postgres, messages_per_s=3) as (server, sender),
        raw_client(server) as client,
    ):
        await client.join(_TOPIC)
        too_many = await sender.batch(one, one, one, one)
        assert too_many.status_code == 429
        reason = "Too many messages to broadcast, please reduce the batch size"
        assert too_many.json() == {"message": reason}
        assert (await sender.batch(one, one, one)).status_code == 202
        exceeded = await sender.single("room", "said", {}, private=False)
        assert exceeded.status_code == 429
        assert exceeded.json() == {"message": "You have exceeded your rate limit"}
        await client.broadcast(_TOPIC, "said")
        frames = [await client.receive() for _ in range(5)]
    assert [frame["event"] for frame in frames] == [*["broadcast"] * 3, "system", "phx_close"]
    assert frames[3]["payload"]["message"] == "Too many messages per second"


async def test_payload_size_is_limited(postgres: EmbeddedPostgres) -> None:
    large = {"text": "x" * 100}
    async with (
        _limited_project(postgres, max_payload_bytes=100) as (server, sender),
        raw_client(server) as one,
    ):
        for sent in (
            await sender.batch(message("room", "said", large, private=False)),
            await sender.single("room", "said", large, private=False),
        ):
            faults = [{"payload": ["Payload size exceeds tenant limit"]}]
            assert (sent.status_code, sent.json()) == (422, {"errors": {"messages": faults}})
        await one.join(_TOPIC, broadcast={"ack": True, "self": True})
        ref = await one.broadcast(_TOPIC, "said", large)
        assert (await one.reply_to(ref))["status"] == "error"
        await one.broadcast(_TOPIC, "said", {"text": "x" * 50})
        assert (await one.receive())["payload"]["payload"] == {"text": "x" * 50}


async def test_channels_per_connection_are_limited(postgres: EmbeddedPostgres) -> None:
    async with (
        _limited_project(postgres, max_channels_per_connection=1) as (server, _),
        raw_client(server) as one,
    ):
        await one.join(_TOPIC)
        refusal = await _refusal(one, "realtime:other")
        assert refusal == "ChannelRateLimitReached: Too many channels"
        await one.send(_TOPIC, "phx_leave")
        await one.until("phx_close")
        await one.join("realtime:other")


async def test_connections_are_limited(postgres: EmbeddedPostgres) -> None:
    async with (
        _limited_project(postgres, connections=1) as (server, _),
        raw_client(server) as one,
        raw_client(server) as two,
    ):
        refusal = await _refusal(two, _TOPIC)
        assert refusal == "ConnectionRateLimitReached: Too many connected users"
        assert await one.receives_nothing()


async def test_joins_per_second_are_limited(postgres: EmbeddedPostgres) -> None:
    async with (
        _limited_project(postgres, joins_per_s=1) as (server, _),
        raw_client(server) as client,
    ):
        await client.join(_TOPIC)
        refusal = await _refusal(client, "realtime:other")
        assert refusal == "ClientJoinRateLimitReached: Too many joins per second"


async def test_public_channels_can_be_forbidden(postgres: EmbeddedPostgres) -> None:
    async with (
        _limited_project(postgres, private_only=True) as (server, _),
        raw_client(server) as client,
    ):
        refusal = await _refusal(client, _TOPIC)
        assert refusal == "PrivateOnly: This project only allows private channels"


async def test_a_delayed_refusal_blocks_no_other_reply(postgres: EmbeddedPostgres) -> None:
    limits = {"private_only": True, "rejection_delay_s": 0.2}
    async with _limited_project(postgres, **limits) as (server, _), raw_client(server) as client:
        join = await client.send(_TOPIC, "phx_join")
        beat = await client.send("phoenix", "heartbeat")
        assert (await client.reply_to(beat))["status"] == "ok"  # the delay blocks no other reply
        assert (await client.reply_to(join))["status"] == "error"
