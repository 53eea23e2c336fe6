"""A queue that orders the changes of each session inside one instance."""

import asyncio
import random
from types import TracebackType
from typing import Generic, TypeVar

from msgspec import Struct, field

from shared.application.errors import StoreUnavailable

_MAX_QUEUE_LENGTH = 1_000
"""Limits the memory that the waiting changes of one session can take."""

_MAX_PAUSE_S = 0.004
"""A few round trips, in which another instance's change can come first."""

_CHANGES_PER_PAUSE = 16
"""An instance pauses at the latest after this many changes, even without known competition."""

_State = TypeVar("_State")


class Turn(Struct, Generic[_State]):
    """The turn of one change of a session.

    `before` is the state that the change queued before it left, if there was one. The holder sets
    `left` to the state for the next turn's `before`, and `is_contested` if another instance changed
    the session meanwhile.
    """

    before: _State | None = None
    left: _State | None = None
    is_contested: bool = False


class _Queue(Struct, Generic[_State]):
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
        if queue.length >= _MAX_QUEUE_LENGTH:
            raise StoreUnavailable("Too many changes of this session are queued")
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
        self._turn = turn = Turn(queue.left)
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


class SessionQueues(Generic[_State]):
    """A FIFO queue of changes for each session, so that one instance doesn't race with itself.

    Only authorized callers may join it, so that unauthorized ones can't delay others. Correctness
    doesn't depend on it: the store decides between concurrent changes.
    """

    def __init__(self) -> None:
        self._queues: dict[str, _Queue[_State]] = {}

    def of(self, name: str) -> _QueuedChange[_State]:
        """Wait for the turn to change the session `name`, and hold it for the block.

        Use it with `async with`, which returns the `Turn`. Raises `StoreUnavailable` at once if
        1 000 changes are queued already. Limit the wait with `store_timeout`.
        """
        return _QueuedChange(self._queues, name)
