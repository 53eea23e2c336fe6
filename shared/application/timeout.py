"""The time limit of requests: how long one may wait for the store."""

import asyncio
from collections import deque
from types import TracebackType

from shared.application.errors import StoreUnavailable

_TIMEOUT_S = 1.2
"""A caller gets its 503 within 2 s while the store is down, however long the queue is."""


class store_timeout:  # noqa: N801 # used like a function, as `asyncio.timeout` is
    """Limit the time of a `with` block, in which a task waits for the store, to 1.2 s.

    Raises `StoreUnavailable` when the block takes longer. It cancels the task as `asyncio.timeout`
    does, but all blocks of an event loop share one timer, and it begins and ends without waiting.
    """

    __slots__ = ("_cancelling", "_is_late", "ends_at", "task")

    def __init__(self) -> None:
        self.ends_at = 0.0
        self.task: asyncio.Task[object] | None = None
        """The task that runs the block; None when the block has ended."""
        self._cancelling = 0
        self._is_late = False

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None
        self.task = task
        self._cancelling = task.cancelling()
        self.ends_at = loop.time() + _TIMEOUT_S
        _deadlines_of(loop).add(self)

    def __exit__(
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
        self._blocks: deque[store_timeout] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, block: store_timeout) -> None:
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
