"""What a subscriber of the store's own connection hears."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.store.redis import NativeConnection

Heard = tuple[bytes, str]
"""A kind and a channel."""


@asynccontextmanager
async def hearing(
    connection: NativeConnection, channel: str
) -> AsyncIterator["asyncio.Queue[Heard]"]:
    """What is heard on `channel`, from the confirmation on."""
    heard: asyncio.Queue[Heard] = asyncio.Queue()
    subscriber = await connection.subscriber(
        lambda kind, channel, _: heard.put_nowait((kind, channel))
    )
    subscriber.subscribe([channel])
    yield heard
    await subscriber.close()


async def assert_heard(connection: NativeConnection, channel: str) -> None:
    """Assert that what is published on `channel` is heard within a second."""
    async with asyncio.timeout(1), hearing(connection, channel) as heard:
        assert await heard.get() == (b"subscribe", channel)
        await connection.publish(channel)
        assert await heard.get() == (b"message", channel)
