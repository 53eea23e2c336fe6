"""Measure how late expiries are handled, by whichever instance."""

import asyncio
import json
from typing import Any

from redis.asyncio import Redis


async def collect_lateness(redis_url: str, lateness_ms: list[float]) -> None:
    """Append how many ms late each expiry was handled, by the store's clock, until cancelled."""
    async with Redis.from_url(redis_url) as redis, redis.pubsub() as pubsub:
        await pubsub.psubscribe("*:push:*")
        while True:
            received: dict[str, Any] | None = await pubsub.get_message(timeout=None)
            if received and received["type"] == "pmessage":
                message = json.loads(received["data"])
                if message["type"] == "TIME_EXPIRED":
                    lateness_ms.append(message["timestamp"] - message["deadline_ms"])
                await asyncio.sleep(0)
