"""Run long work in slices, so that it never blocks the event loop for longer than 20 ms.

A slice is the code between two awaits. Decoding, rendering or building a commit of a session with a
thousand participants takes a few ms. The event loop runs everything that is ready before it polls
its sockets again, so several such slices would block it for the sum of their times. Therefore at
most one slice runs in each iteration of the loop.
"""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from typing import Final
from weakref import WeakKeyDictionary

_RETRY_AFTER_S = 2.0
"""Enough for a task to finish what it has begun."""

LARGE_BYTES: Final = 32 * 1024
"""JSON of this size needs a slice of its own; smaller JSON takes well under 1 ms."""

LARGE_SESSION: Final = 150
"""Number of participants with which a session has about that size."""

_locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


async def yield_to_event_loop() -> None:
    """Wait for the next iteration of the event loop in which no other slice begins."""
    loop = asyncio.get_running_loop()
    lock = _locks.get(loop)
    if lock is None:
        _locks[loop] = lock = asyncio.Lock()
    async with lock:
        await asyncio.sleep(0)


async def wait_for_event(event: asyncio.Event, seconds: float) -> bool:
    """Wait for `event`, at most `seconds`; clear it and return whether it was set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    was_set = event.is_set()
    event.clear()
    return was_set


async def cancel_and_wait(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel `tasks` and return when they have ended.

    A task that goes on is cancelled again: before Python 3.12 `wait_for`, which the Redis client
    uses, loses a cancellation that arrives at the instant at which the awaited work is done.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_RETRY_AFTER_S)
