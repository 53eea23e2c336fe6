"""A pub/sub connection: messages reach its handler, or the connection ends."""

import asyncio
import logging

import pytest

from shared.store.redis.address import RedisAddress, ServerAddress
from shared.store.redis.handshake import open_connection
from shared.store.redis.subscriber import MessageHandler, Subscriber
from tests.unit.redis.scripted import ScriptedRedis, bulk, error, scripted_redis


def confirm(command: list[bytes], _: int) -> bytes | None:
    """Confirm each channel; send a message on "talkative"; refuse "secret"."""
    if command[0] != b"SUBSCRIBE":
        return None
    if b"secret" in command:
        return error("NOPERM this user has no permissions to access one of the channels")
    confirmed = [b"*3\r\n" + bulk(b"subscribe") + bulk(name) + b":1\r\n" for name in command[1:]]
    message = b"*3\r\n" + bulk(b"message") + bulk(b"talkative") + bulk(b"1")
    return b"".join(confirmed) + (message if b"talkative" in command else b"")


async def subscriber(server: ScriptedRedis, handler: MessageHandler) -> Subscriber:
    """A pub/sub connection to `server`."""
    return Subscriber(
        await open_connection(RedisAddress(()), ServerAddress(port=server.port)), handler
    )


async def test_confirmations_and_messages_come_in_order() -> None:
    heard: asyncio.Queue[tuple[bytes, str, bytes]] = asyncio.Queue()
    async with scripted_redis(confirm) as server:
        one = await subscriber(server, lambda *what: heard.put_nowait(what))
        one.subscribe(["quiet", "talkative"])
        async with asyncio.timeout(30):
            messages = [await heard.get() for _ in range(3)]
        assert [(kind, channel) for kind, channel, _ in messages] == [
            (b"subscribe", "quiet"),
            (b"subscribe", "talkative"),
            (b"message", "talkative"),
        ]
        assert messages[-1][2] == b"1"
        await one.close()


async def test_an_empty_list_of_channels_sends_nothing() -> None:
    async with scripted_redis(confirm) as server:
        one = await subscriber(server, lambda *_: None)
        one.subscribe([])
        one.unsubscribe([])
        one.ping()
        async with asyncio.timeout(30):
            while server.count(b"PING") < 2:  # the login sends the first one
                await asyncio.sleep(0.01)
        assert server.count(b"SUBSCRIBE") == server.count(b"UNSUBSCRIBE") == 0
        await one.close()


async def test_a_pong_updates_the_time_of_the_last_message() -> None:
    async with scripted_redis(confirm) as server:
        one = await subscriber(server, lambda *_: None)
        heard_at = one.heard_at
        await asyncio.sleep(0.01)
        one.ping()
        async with asyncio.timeout(30):
            while one.heard_at == heard_at:
                await asyncio.sleep(0.01)
        assert not one.ended.done()
        await one.close()


async def test_a_refused_channel_ends_the_connection_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with scripted_redis(confirm) as server:
        one = await subscriber(server, lambda *_: None)
        one.subscribe(["secret"])
        async with asyncio.timeout(30):
            await one.ended
        assert "NOPERM" in caplog.text
        with pytest.raises(ConnectionError):
            one.subscribe(["another"])


async def test_a_handler_that_fails_ends_the_connection_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("this is no message")

    with caplog.at_level(logging.ERROR):
        async with scripted_redis(confirm) as server:
            one = await subscriber(server, fail)
            one.subscribe(["quiet"])
            async with asyncio.timeout(30):
                await one.ended
    assert "this is no message" in caplog.text
