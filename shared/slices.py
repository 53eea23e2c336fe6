"""Long work in slices, so that none of it holds the event loop for longer than 20 ms.

A slice is what runs between two awaits. Work on a session of a thousand participants (decoding it,
rendering it, drafting a commit) takes a few ms. The event loop runs everything that is ready
before it looks at its sockets again, so many such slices that get ready together would hold it for
their sum: at most one of them runs in each round of the loop.
"""

import asyncio
from typing import Final
from weakref import WeakKeyDictionary

LARGE_BYTES: Final = 32 * 1024
"""JSON from this size on is worth a slice of its own; smaller pieces take well under 1 ms."""

LARGE_SESSION: Final = 150
"""A session with so many participants is about as large."""

_locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


async def next_slice() -> None:
    """Wait until the event loop has served everything else that is ready.

    Returns in a round of the loop in which no other slice begins.
    """
    loop = asyncio.get_running_loop()
    lock = _locks.get(loop)
    if lock is None:
        _locks[loop] = lock = asyncio.Lock()
    async with lock:
        await asyncio.sleep(0)
