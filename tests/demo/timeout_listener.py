"""Subscribes to the store's messages to learn when a flag fall was committed."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec
from redis.asyncio import Redis

from shared.store.keys import StoreKeys


@dataclass
class TimeoutListener:
    """The last flag fall; `heard_at` is when its message arrived, on `time.monotonic()` (s)."""

    deadline_ms: int | None = None
    heard_at: float = 0.0

    def take(self, data: bytes) -> None:
        """Record a published message."""
        message = _decode(data)
        if message.deadline_ms is not None:
            self.deadline_ms, self.heard_at = message.deadline_ms, time.monotonic()


class _Message(msgspec.Struct):
    deadline_ms: int | None = None


_decode = msgspec.json.Decoder(_Message).decode


@asynccontextmanager
async def timeout_listener(
    redis_url: str | None, session_id: str
) -> AsyncIterator[TimeoutListener]:
    """Subscribe to a session's messages in the Redis at `redis_url`; None subscribes to nothing."""
    witness = TimeoutListener()
    if redis_url is None:
        yield witness
        return
    async with Redis.from_url(redis_url) as redis, redis.pubsub() as pubsub:
        await pubsub.subscribe(StoreKeys().push_channel(session_id))
        listener = asyncio.create_task(_listen(pubsub.listen(), witness))
        try:
            yield witness
        finally:
            listener.cancel()
            await asyncio.gather(listener, return_exceptions=True)


async def _listen(published: AsyncIterator[dict[str, object]], witness: TimeoutListener) -> None:
    async for message in published:
        if isinstance(data := message["data"], bytes):
            witness.take(data)
