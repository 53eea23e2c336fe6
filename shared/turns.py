"""How long a caller waits, and for whom."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from shared.errors import StoreUnavailable

_PATIENCE_S = 1.2
"""A caller is told within 2 s that the store is away, however many queue before it."""


@asynccontextmanager
async def patience() -> AsyncIterator[None]:
    """A bound on everything inside. Raises `StoreUnavailable` when it takes too long."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            yield
    except TimeoutError:
        raise StoreUnavailable from None


class Turns:
    """A queue for each session, so that one instance never races with itself.

    Nothing depends on it but speed: between instances, and without it, the store decides.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, session_id: str) -> AsyncIterator[None]:
        """Our turn on the session. Raises `StoreUnavailable` when it doesn't come in time."""
        lock = self._locks.get(session_id)
        if lock is None:
            self._locks[session_id] = lock = asyncio.Lock()
        async with patience(), lock:
            yield
