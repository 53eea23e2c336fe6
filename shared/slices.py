"""Run long work in slices, so that it never blocks the event loop for longer than 20 ms.

A slice is the code between two awaits. Decoding, rendering or drafting a commit of a session with a
thousand participants takes a few ms. The event loop runs everything that is ready before it polls
its sockets again, so several such slices would block it for the sum of their times. Therefore at
most one slice runs in each iteration of the loop.
"""

import asyncio
from typing import Final
from weakref import WeakKeyDictionary

LARGE_BYTES: Final = 32 * 1024
"""JSON of this size needs a slice of its own; smaller JSON takes well under 1 ms."""

LARGE_SESSION: Final = 150
"""Number of participants with which a session has about that size."""

_locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


async def next_slice() -> None:
    """Wait for the next iteration of the event loop in which no other slice begins."""
    loop = asyncio.get_running_loop()
    lock = _locks.get(loop)
    if lock is None:
        _locks[loop] = lock = asyncio.Lock()
    async with lock:
        await asyncio.sleep(0)
