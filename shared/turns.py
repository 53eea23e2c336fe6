"""Waiting: how long one request may wait, and in which order changes of one session are made."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from shared.errors import StoreUnavailable

_PATIENCE_S = 1.2
"""A caller gets its 503 within 2 s while the store is away, however many wait before it."""

_MOST_IN_LINE = 1_000
"""Bounds the memory that the waiting changes of one session can take."""

_PAUSE_S = 0.004
"""Longest pause in which another instance's change can come first: a few round trips."""

_ROUNDS = 16
"""After so many changes in a row an instance pauses even if it knows of no other one."""

_Left = TypeVar("_Left")


@asynccontextmanager
async def patience() -> AsyncIterator[None]:
    """Bound the time of the block to 1.2 s. Raises `StoreUnavailable` when it takes longer."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            yield
    except TimeoutError:
        raise StoreUnavailable from None


@dataclass(slots=True)
class Turn(Generic[_Left]):
    """The right to change a session now.

    `has_waited` says whether others were before it, `before` is what the last of them left.
    Set `left` to what the next one is to get as its `before`, and `is_contested` if another
    instance changed the session meanwhile.
    """

    has_waited: bool = False
    before: _Left | None = None
    left: _Left | None = None
    is_contested: bool = False


@dataclass(slots=True)
class _Line(Generic[_Left]):
    """The changes of one session that wait, and the one that is being made."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    length: int = 0
    left: _Left | None = None
    served: int = 0
    is_contested: bool = False

    async def let_others_in(self) -> None:
        """Pause for a random time where another instance may be waiting for the session too.

        An instance with a long queue has its next change ready when the one before is made, so it
        would win every race against one that hears only then that it has lost.
        """
        if self.served and (self.is_contested or self.served % _ROUNDS == 0):
            await asyncio.sleep(random.uniform(0, _PAUSE_S))


class Turns(Generic[_Left]):
    """A first-in, first-out queue for each session, so that one instance doesn't race with itself.

    Callers join it once they are known to have the right to the change: those without it hold up
    nobody. Correctness doesn't depend on it: the store decides between instances.
    """

    def __init__(self) -> None:
        self._lines: dict[str, _Line[_Left]] = {}

    @asynccontextmanager
    async def of(self, name: str) -> AsyncIterator[Turn[_Left]]:
        """Wait for the turn on the session of that name, and hold it for the block.

        Raises `StoreUnavailable` at once where 1 000 others wait already. Bound the wait with
        `patience`.
        """
        line = self._lines.get(name)
        if line is None:
            self._lines[name] = line = _Line()
        if line.length >= _MOST_IN_LINE:
            raise StoreUnavailable("Too many changes of this session wait for their turn")
        has_waited = line.length > 0
        line.length += 1
        try:
            async with line.lock:
                await line.let_others_in()
                turn = Turn(has_waited, line.left)
                try:
                    yield turn
                finally:
                    line.left = turn.left
                    line.served += 1
                    line.is_contested |= turn.is_contested
        finally:
            line.length -= 1
            if not line.length:
                del self._lines[name]
