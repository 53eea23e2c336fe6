"""Ending what runs in the background."""

import asyncio
from collections.abc import Collection

_HEARD_WITHIN_S = 2.0
"""Enough for one that finishes what it has begun."""


async def end(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel `tasks` and return when they have ended.

    Said again to one that goes on: before Python 3.12 `wait_for`, which the Redis client uses,
    loses a cancellation that arrives in the instant in which its own work is done.
    """
    going_on = set(tasks)
    while going_on:
        for task in going_on:
            task.cancel()
        _, going_on = await asyncio.wait(going_on, timeout=_HEARD_WITHIN_S)
