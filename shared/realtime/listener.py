"""One client's queue of pushes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

_QUEUE_LENGTH = 256
_QUEUE_CHARACTERS = 4 * 1024 * 1024
"""States of large sessions have hundreds of thousands; clients of one session share each."""


class _State(msgspec.Struct):
    version: int


class _Head(msgspec.Struct):
    type: str
    state: _State | None = None
    timestamp: Any = None


@dataclass(frozen=True, slots=True)
class Push:
    """One message as it goes out; `version` is that of the state it carries, `at` its instant by
    the store's clock, ms."""

    text: str
    type: str
    version: int | None = None
    at: int | None = None

    @classmethod
    def of(cls, message: bytes) -> "Push":
        """The push that carries `message`."""
        head = msgspec.json.decode(message, type=_Head)
        version = head.state.version if head.state else None
        at = head.timestamp if isinstance(head.timestamp, int) else None
        return cls(message.decode(), head.type, version, at)


LOST = Push("", "LOST")
"""Not a message: the connection was down, so pushes may be missing before this point."""

CLOSED = Push("", "CLOSED")
"""Not a message: nothing more will come, for the instance stops or the listener is too slow."""


class Listener:
    """One client's queue of pushes, bounded: a client that doesn't keep up is cut off.

    While nothing is queued and `get` waits, a push is first offered to `carry`, which returns
    whether it has sent it; then it isn't queued. Only one task may call `get`, and one `reply`.
    """

    __slots__ = (
        "_characters",
        "_is_cut_off",
        "_queue",
        "_room",
        "_waiter",
        "carry",
        "newest_version",
    )

    def __init__(self) -> None:
        self.newest_version = 0
        self.carry: Callable[[Push], bool] | None = None
        self._queue: list[Push] = []  # nearly always empty; a deque takes 600 bytes even then
        self._characters = 0
        self._is_cut_off = False
        self._waiter: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None

    def put(self, push: Push) -> None:
        """Send a push, or queue it behind the others."""
        if self._is_cut_off or self._is_carried(push):
            return
        if self._is_full or self._characters > _QUEUE_CHARACTERS:
            self._cut_off()
            return
        self._append(push)

    async def reply(self, push: Push) -> None:
        """Send an answer of our own, or queue it as soon as there is room: a client that asks too
        fast has to wait."""
        while self._is_full:
            self._room = asyncio.get_running_loop().create_future()
            await self._room
        if not self._is_cut_off and not self._is_carried(push):
            self._append(push)

    async def get(self) -> Push:
        """The next push; `CLOSED` once some had to be dropped."""
        while not self._queue:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        push = self._queue[0] if self._is_cut_off else self._queue.pop(0)
        self._characters -= len(push.text)
        _wake(self._room)
        return push

    def close(self) -> None:
        """End it behind what is queued."""
        self.put(CLOSED)

    @property
    def _is_full(self) -> bool:
        return len(self._queue) >= _QUEUE_LENGTH

    def _is_carried(self, push: Push) -> bool:
        """Whether it was sent at once: only where none is before it."""
        waiter = self._waiter
        if waiter is None or self.carry is None or waiter.done() or not self.carry(push):
            return False
        self.newest_version = push.version or self.newest_version
        return True

    def _append(self, push: Push) -> None:
        self._queue.append(push)
        self._characters += len(push.text)
        self.newest_version = push.version or self.newest_version
        _wake(self._waiter)

    def _cut_off(self) -> None:
        """Drop everything, for the client may take its time to notice."""
        self._is_cut_off = True
        self._queue[:] = [CLOSED]
        _wake(self._waiter)
        _wake(self._room)


def _wake(waiting: "asyncio.Future[None] | None") -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
