"""Cancel background tasks and wait for them."""

import asyncio
from collections.abc import Collection

_RETRY_AFTER_S = 2.0
"""Enough for a task to finish what it has begun."""


async def end(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel `tasks` and return when they have ended.

    A task that goes on is cancelled again: before Python 3.12 `wait_for`, which the Redis client
    uses, loses a cancellation that arrives at the instant at which the awaited work is done.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_RETRY_AFTER_S)
