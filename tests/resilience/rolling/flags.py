"""How late it is noticed that a clock ran out, whoever notices it."""

import asyncio
import json
from typing import Any

from redis.asyncio import Redis


async def collect_lateness(redis_url: str, late_ms: list[float]) -> None:
    """Append how late each flag's fall was noticed, by the store's clock, ms, until cancelled."""
    async with Redis.from_url(redis_url) as redis, redis.pubsub() as pubsub:
        await pubsub.psubscribe("*:push:*")
        while True:
            heard: dict[str, Any] | None = await pubsub.get_message(timeout=None)
            if heard and heard["type"] == "pmessage":
                message = json.loads(heard["data"])
                if message["type"] == "TIME_EXPIRED":
                    late_ms.append(message["timestamp"] - message["deadline_ms"])
                await asyncio.sleep(0)
