"""One who hears from the store itself when a flag has fallen, without asking for the session."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec
from redis.asyncio import Redis

from shared.store.keys import Keys


@dataclass
class Witness:
    """Knows the last flag that fell: `heard_at` is on `time.monotonic()` (s)."""

    deadline_ms: int | None = None
    heard_at: float = 0.0

    def take(self, data: bytes) -> None:
        """Take in what was published."""
        message = _decode(data)
        if message.deadline_ms is not None:
            self.deadline_ms, self.heard_at = message.deadline_ms, time.monotonic()


class _Message(msgspec.Struct):
    deadline_ms: int | None = None


_decode = msgspec.json.Decoder(_Message).decode


@asynccontextmanager
async def witness_of(redis_url: str | None, session_id: str) -> AsyncIterator[Witness]:
    """Hears everything that a store publishes of a session; nothing where there is no way to it."""
    witness = Witness()
    if redis_url is None:
        yield witness
        return
    async with Redis.from_url(redis_url) as redis, redis.pubsub() as pubsub:
        await pubsub.subscribe(Keys().push_channel(session_id))
        hearing = asyncio.create_task(_hear(pubsub.listen(), witness))
        try:
            yield witness
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)


async def _hear(published: AsyncIterator[dict[str, object]], witness: Witness) -> None:
    async for message in published:
        if isinstance(data := message["data"], bytes):
            witness.take(data)
