"""Waiting: how long one request may wait, and in which order changes of one session are made."""

import asyncio
import random
from collections import deque
from dataclasses import dataclass, field
from types import TracebackType
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


class patience:  # noqa: N801 # used like a function, as `asyncio.timeout` is
    """Bound the time of an `async with` block to 1.2 s.

    Raises `StoreUnavailable` when the block takes longer. It cancels the task as `asyncio.timeout`
    does, but all blocks of an event loop share one timer.
    """

    __slots__ = ("_cancelling", "_is_late", "ends_at", "task")

    def __init__(self) -> None:
        self.ends_at = 0.0
        self.task: asyncio.Task[object] | None = None
        """The task that runs the block; None once the block has ended."""
        self._cancelling = 0
        self._is_late = False

    async def __aenter__(self) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None
        self.task = task
        self._cancelling = task.cancelling()
        self.ends_at = loop.time() + _PATIENCE_S
        _deadlines_of(loop).add(self)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        task, self.task = self.task, None
        if error is None and not self._is_late:
            return
        if self._is_late and task and task.uncancel() <= self._cancelling:
            is_late = isinstance(error, asyncio.CancelledError)
        else:
            is_late = False
        if is_late or isinstance(error, TimeoutError):
            raise StoreUnavailable from None

    def cancel(self) -> None:
        """Cancel the task: the time is up."""
        if self.task is not None:
            self._is_late = True
            self.task.cancel()


class _Deadlines:
    """The ends of all blocks that go on in one event loop.

    All blocks may take the same time, so they end in the order in which they began: one queue and
    one timer, which is set for the oldest block, serve them all.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._blocks: deque[patience] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, block: patience) -> None:
        """Watch `block`; blocks that have ended meanwhile are dropped."""
        blocks = self._blocks
        while blocks and blocks[0].task is None:
            blocks.popleft()
        blocks.append(block)
        if self._timer is None:
            self._timer = self.loop.call_at(block.ends_at, self._look)

    def _look(self) -> None:
        """Cancel the blocks whose time is up, and set the timer for the oldest of the others."""
        self._timer = None
        blocks, now = self._blocks, self.loop.time()
        while blocks and (blocks[0].task is None or blocks[0].ends_at <= now):
            blocks.popleft().cancel()
        if blocks:
            self._timer = self.loop.call_at(blocks[0].ends_at, self._look)


_deadlines: _Deadlines | None = None


def _deadlines_of(loop: asyncio.AbstractEventLoop) -> _Deadlines:
    """The deadlines of `loop`. Those of another loop stay with their own timer."""
    global _deadlines  # a look-up in a weak dictionary costs as much as the rest
    if _deadlines is None or _deadlines.loop is not loop:
        _deadlines = _Deadlines(loop)
    return _deadlines


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
        if self.is_contested or self.served % _ROUNDS == 0:
            await asyncio.sleep(random.uniform(0, _PAUSE_S))


class _Waiting(Generic[_Left]):
    """One change in the queue of a session: `async with` waits for its turn and holds it."""

    __slots__ = ("_line", "_lines", "_name", "_turn")

    def __init__(self, lines: dict[str, _Line[_Left]], name: str) -> None:
        self._lines = lines
        self._name = name

    async def __aenter__(self) -> Turn[_Left]:
        line = self._lines.get(self._name)
        if line is None:
            self._lines[self._name] = line = _Line()
        if line.length >= _MOST_IN_LINE:
            raise StoreUnavailable("Too many changes of this session wait for their turn")
        has_waited = line.length > 0
        line.length += 1
        self._line = line
        try:
            await line.lock.acquire()
            try:
                if line.served:
                    await line.let_others_in()
            except BaseException:
                line.lock.release()
                raise
        except BaseException:
            self._leave()
            raise
        self._turn = turn = Turn(has_waited, line.left)
        return turn

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        line, turn = self._line, self._turn
        line.left = turn.left
        line.served += 1
        line.is_contested |= turn.is_contested
        line.lock.release()
        self._leave()

    def _leave(self) -> None:
        self._line.length -= 1
        if not self._line.length:
            del self._lines[self._name]


class Turns(Generic[_Left]):
    """A first-in, first-out queue for each session, so that one instance doesn't race with itself.

    Callers join it once they are known to have the right to the change: those without it hold up
    nobody. Correctness doesn't depend on it: the store decides between instances.
    """

    def __init__(self) -> None:
        self._lines: dict[str, _Line[_Left]] = {}

    def of(self, name: str) -> _Waiting[_Left]:
        """Wait for the turn on the session of that name, and hold it for the block.

        Use it with `async with`, which gives the `Turn`. It raises `StoreUnavailable` at once where
        1 000 others wait already. Bound the wait with `patience`.
        """
        return _Waiting(self._lines, name)
