"""One client's queue of pushes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from shared.application.push_messages import STATE_DIFFERENCE

_QUEUE_LENGTH = 256
_QUEUE_CHARACTERS = 4 * 1024 * 1024
"""The state of a large session has hundreds of thousands; all its listeners share one string."""


class _State(msgspec.Struct):
    version: int


class _Envelope(msgspec.Struct):
    type: str
    state: _State | None = None
    timestamp: Any = None
    test: bool = False


class _Difference(msgspec.Struct, omit_defaults=True):
    """A `STATE_UPDATE` with the difference in place of the state."""

    type: str
    session_id: str | None = msgspec.field(name="sessionId")
    timestamp: Any
    cause: str
    difference: msgspec.Raw
    version: int = 0
    state: _State | None = None
    test: bool = False


_decode = msgspec.json.Decoder(_Envelope).decode
_decode_difference = msgspec.json.Decoder(_Difference).decode
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Push:
    """One message to clients, as JSON text.

    `version` is the version of the state in it, if it has one; `at` is its timestamp by the store's
    clock, in ms, and None for a test session, whose time is not the store's. A message that
    `is_difference` has the difference in place of the state.
    """

    text: str
    type: str
    version: int | None = None
    at: int | None = None
    is_difference: bool = False

    @classmethod
    def of(cls, message: bytes) -> "Push":
        """Return the push with the JSON of `message`."""
        envelope = _decode(message)
        kind, version = envelope.type, envelope.state.version if envelope.state else None
        is_real = isinstance(envelope.timestamp, int) and not envelope.test
        at = envelope.timestamp if is_real else None
        if kind != STATE_DIFFERENCE:
            return cls(message.decode(), kind, version, at)
        difference = _decode_difference(message)
        difference.type, difference.version, difference.state = "STATE_UPDATE", version or 0, None
        text = _encode(difference).decode()
        return cls(text, difference.type, version, at, is_difference=True)

    def with_state(self, message: bytes) -> "Push":
        """Return the same push as `message`, which has the whole state."""
        return Push(message.decode(), self.type, self.version, self.at)


GAP = Push("", "GAP")
"""A marker, not a message: pushes may be missing before this point."""

CLOSED = Push("", "CLOSED")
"""A marker, not a message: no more pushes follow; the instance stops or the client is too slow."""


class Listener:
    """One client's bounded queue of pushes. A client that is too slow is disconnected.

    While the queue is empty and `get` waits, a push is first offered to `carry`. If that returns
    True it has sent the push, which isn't queued then. Only one task may call `get`, and one
    `reply`. With `takes_differences`, pushes have the difference of the state where there is one.
    """

    __slots__ = (
        "_characters",
        "_is_cut_off",
        "_queue",
        "_room",
        "_waiter",
        "carry",
        "newest_version",
        "takes_differences",
    )

    def __init__(self, *, takes_differences: bool = False) -> None:
        self.takes_differences = takes_differences
        self.newest_version = 0
        self.carry: Callable[[Push], bool] | None = None
        self._queue: list[Push] = []  # nearly always empty; an empty deque takes 600 bytes
        self._characters = 0
        self._is_cut_off = False
        self._waiter: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None

    def put(self, push: Push) -> None:
        """Send a push, or queue it behind the others."""
        if self._is_cut_off or self._sent_at_once(push):
            return
        if self._is_full or self._characters > _QUEUE_CHARACTERS:
            self._cut_off()
            return
        self._append(push)

    async def reply(self, push: Push) -> None:
        """Send the answer to a client's message, or queue it as soon as there is room.

        A client that asks too fast has to wait instead of being disconnected.
        """
        while self._is_full:
            self._room = asyncio.get_running_loop().create_future()
            await self._room
        if not self._is_cut_off and not self._sent_at_once(push):
            self._append(push)

    async def get(self) -> Push:
        """Return the next push, waiting for it; always `CLOSED` once pushes had to be dropped."""
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
        """Queue `CLOSED` behind the other pushes."""
        self.put(CLOSED)

    @property
    def _is_full(self) -> bool:
        return len(self._queue) >= _QUEUE_LENGTH

    def _sent_at_once(self, push: Push) -> bool:
        """Send with `carry` if no push is queued before it; return whether it was sent."""
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
        """Drop all pushes to free memory: the client may be slow to notice the end."""
        self._is_cut_off = True
        self._queue[:] = [CLOSED]
        _wake(self._waiter)
        _wake(self._room)


def _wake(waiting: "asyncio.Future[None] | None") -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
