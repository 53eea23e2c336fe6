"""Time limit for requests, and a queue that orders the changes of each session."""

import asyncio
import random
from collections import deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import Generic, TypeVar

from shared.errors import StoreUnavailable

_PATIENCE_S = 1.2
"""A caller gets its 503 within 2 s while the store is down, however long the queue is."""

_MOST_IN_LINE = 1_000
"""Limits the memory that the waiting changes of one session can take."""

_MAX_PAUSE_S = 0.004
"""A few round trips, in which another instance's change can come first."""

_CHANGES_PER_PAUSE = 16
"""An instance pauses at the latest after this many changes, even without known competition."""

_State = TypeVar("_State")


class patience:  # noqa: N801 # used like a function, as `asyncio.timeout` is
    """Limit the time of an `async with` block to 1.2 s.

    Raises `StoreUnavailable` when the block takes longer. It cancels the task as `asyncio.timeout`
    does, but all blocks of an event loop share one timer.
    """

    __slots__ = ("_cancelling", "_is_late", "ends_at", "task")

    def __init__(self) -> None:
        self.ends_at = 0.0
        self.task: asyncio.Task[object] | None = None
        """The task that runs the block; None when the block has ended."""
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
        """Cancel the task because its time is up."""
        if self.task is not None:
            self._is_late = True
            self.task.cancel()


class _Deadlines:
    """The deadlines of all running blocks of one event loop.

    All blocks have the same time limit, so their deadlines are in the order in which they began.
    One queue and one timer, set for the oldest block, are enough.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._blocks: deque[patience] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, block: patience) -> None:
        """Add `block`, and drop the oldest blocks that have ended."""
        blocks = self._blocks
        while blocks and blocks[0].task is None:
            blocks.popleft()
        blocks.append(block)
        if self._timer is None:
            self._timer = self.loop.call_at(block.ends_at, self._cancel_late)

    def _cancel_late(self) -> None:
        """Cancel the blocks whose time is up, and set the timer for the oldest remaining one."""
        self._timer = None
        blocks, now = self._blocks, self.loop.time()
        while blocks and (blocks[0].task is None or blocks[0].ends_at <= now):
            blocks.popleft().cancel()
        if blocks:
            self._timer = self.loop.call_at(blocks[0].ends_at, self._cancel_late)


_deadlines: _Deadlines | None = None


def _deadlines_of(loop: asyncio.AbstractEventLoop) -> _Deadlines:
    """The deadlines of `loop`. Those of another loop keep their own timer."""
    global _deadlines  # a look-up in a weak dictionary costs as much as everything else here
    if _deadlines is None or _deadlines.loop is not loop:
        _deadlines = _Deadlines(loop)
    return _deadlines


@dataclass(slots=True)
class Turn(Generic[_State]):
    """The turn of one change of a session.

    `has_waited` says whether other changes were queued before it; `before` is the state that the
    last of them left. The holder sets `left` to the state for the next turn's `before`, and
    `is_contested` if another instance changed the session meanwhile.
    """

    has_waited: bool = False
    before: _State | None = None
    left: _State | None = None
    is_contested: bool = False


@dataclass(slots=True)
class _Queue(Generic[_State]):
    """The queue of one session: the waiting changes and the current one."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    length: int = 0
    left: _State | None = None
    served: int = 0
    is_contested: bool = False

    async def pause(self) -> None:
        """Pause for a random time if another instance may want to change the session too.

        An instance with a long queue has its next change ready at once, so it would win every race
        against an instance that learns only then that it has lost.
        """
        if self.is_contested or self.served % _CHANGES_PER_PAUSE == 0:
            await asyncio.sleep(random.uniform(0, _MAX_PAUSE_S))


class _QueuedChange(Generic[_State]):
    """A change in the queue of a session: `async with` waits for its turn and holds it."""

    __slots__ = ("_name", "_queue", "_queues", "_turn")

    def __init__(self, queues: dict[str, _Queue[_State]], name: str) -> None:
        self._queues = queues
        self._name = name

    async def __aenter__(self) -> Turn[_State]:
        queue = self._queues.get(self._name)
        if queue is None:
            self._queues[self._name] = queue = _Queue()
        if queue.length >= _MOST_IN_LINE:
            raise StoreUnavailable("Too many changes of this session are queued")
        has_waited = queue.length > 0
        queue.length += 1
        self._queue = queue
        try:
            await queue.lock.acquire()
            try:
                if queue.served:
                    await queue.pause()
            except BaseException:
                queue.lock.release()
                raise
        except BaseException:
            self._leave()
            raise
        self._turn = turn = Turn(has_waited, queue.left)
        return turn

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        queue, turn = self._queue, self._turn
        queue.left = turn.left
        queue.served += 1
        queue.is_contested |= turn.is_contested
        queue.lock.release()
        self._leave()

    def _leave(self) -> None:
        self._queue.length -= 1
        if not self._queue.length:
            del self._queues[self._name]


class Turns(Generic[_State]):
    """A FIFO queue of changes for each session, so that one instance doesn't race with itself.

    Only authorized callers may join it, so that unauthorized ones can't delay others. Correctness
    doesn't depend on it: the store decides between concurrent changes.
    """

    def __init__(self) -> None:
        self._lines: dict[str, _Queue[_State]] = {}

    def of(self, name: str) -> _QueuedChange[_State]:
        """Wait for the turn to change the session `name`, and hold it for the block.

        Use it with `async with`, which returns the `Turn`. Raises `StoreUnavailable` at once if
        1 000 changes are queued already. Limit the wait with `patience`.
        """
        return _QueuedChange(self._lines, name)
