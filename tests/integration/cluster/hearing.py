"""Listen to a channel over the store's own connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.store.redis import NativeConnection

Received = tuple[bytes, str]
"""Kind (`subscribe` or `message`) and channel."""


@asynccontextmanager
async def _listening(
    connection: NativeConnection, channel: str
) -> AsyncIterator["asyncio.Queue[Received]"]:
    """A queue of what arrives on `channel`, beginning with the subscription's confirmation."""
    received: asyncio.Queue[Received] = asyncio.Queue()
    subscriber = await connection.subscriber(
        lambda kind, channel, _: received.put_nowait((kind, channel))
    )
    subscriber.subscribe([channel])
    yield received
    await subscriber.close()


async def assert_delivered(connection: NativeConnection, channel: str) -> None:
    """Publish on `channel` and assert that the message arrives."""
    async with asyncio.timeout(30), _listening(connection, channel) as received:
        assert await received.get() == (b"subscribe", channel)
        await connection.publish(channel)
        assert await received.get() == (b"message", channel)
