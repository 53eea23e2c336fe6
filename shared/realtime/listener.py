"""One client's queue of pushes."""

import asyncio
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
    """One client's queue of pushes, bounded: who doesn't keep up is cut off."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Push] = asyncio.Queue(_QUEUE_LENGTH)
        self._characters = 0
        self.newest_version = 0
        self._is_cut_off = False

    def put(self, push: Push) -> None:
        """Queue a push behind the others."""
        if self._is_cut_off:
            return
        if self._queue.full() or self._characters > _QUEUE_CHARACTERS:
            self._cut_off()
            return
        self._queue.put_nowait(push)
        self._note(push)

    async def reply(self, push: Push) -> None:
        """Queue an answer of our own, as soon as there is room: who asks too fast has to wait."""
        await self._queue.put(push)
        self._note(push)

    async def get(self) -> Push:
        """The next push; `CLOSED` once some had to be dropped."""
        push = await self._queue.get()
        self._characters -= len(push.text)
        return CLOSED if self._is_cut_off else push

    def close(self) -> None:
        """End it behind what is queued."""
        self.put(CLOSED)

    def _note(self, push: Push) -> None:
        self._characters += len(push.text)
        self.newest_version = push.version or self.newest_version

    def _cut_off(self) -> None:
        """Drop everything, for the client may take its time to notice."""
        self._is_cut_off = True
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(CLOSED)
