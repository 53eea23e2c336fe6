"""What a session tells of, and how to hear it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from synckairos.states import Kind, SessionState

Name = Literal["update", "expired", "warning", "deleted", "connection"]
Presence = Literal["unknown", "absent", "present", "deleted", "refused"]
Status = Literal["connecting", "live", "polling", "closed"]
Source = Literal["push", "sync", "read", "action"]
"""Whence a state came; `sync`: the transport was asked for it, `action`: we made it ourselves."""


@dataclass(frozen=True, slots=True)
class Connection:
    """How states come at present, and since when by the server's clock, ms."""

    status: Status
    transport: Kind | None
    since: float


@dataclass(frozen=True, slots=True)
class Update:
    """A newer state than any before; `is_next` tells that no version lies between the two."""

    name: ClassVar[Name] = "update"
    state: SessionState
    previous: SessionState | None
    is_next: bool
    cause: str | None
    source: Source


@dataclass(frozen=True, slots=True)
class Expired:
    """A clock reached zero, at `deadline_ms` by the server's clock; with neither id, the session's.

    Once for each flag that falls, whether a push told of it or only a state shows it.
    """

    name: ClassVar[Name] = "expired"
    participant_id: str | None
    group_id: str | None
    deadline_ms: float
    action: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Warned:
    """A clock came down to a threshold of `warn_at_ms`."""

    name: ClassVar[Name] = "warning"
    participant_id: str | None
    group_id: str | None
    threshold_ms: int
    remaining_ms: int


@dataclass(frozen=True, slots=True)
class Deleted:
    """The session is gone. It is waited for: its id may get a new life."""

    name: ClassVar[Name] = "deleted"


@dataclass(frozen=True, slots=True)
class Changed:
    """The connection, or whether there is a session at all, is another than before."""

    name: ClassVar[Name] = "connection"
    connection: Connection
    presence: Presence


Event = Update | Expired | Warned | Deleted | Changed
Callback = Callable[[Any], None]


class Events:
    """Hands each event to everybody who wants it, in the order they came."""

    def __init__(self) -> None:
        self._callbacks: list[tuple[Name, Callback]] = []
        self._queues: list[asyncio.Queue[Event | None]] = []

    def on(self, name: Name, callback: Callback) -> Callable[[], None]:
        """Call `callback` with each event of that name; returns what ends that."""
        entry = (name, callback)
        self._callbacks.append(entry)

        def end() -> None:
            self._callbacks = [other for other in self._callbacks if other is not entry]

        return end

    def stream(self) -> AsyncIterator[Event]:
        """Every event from now on, until the session is closed."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._queues.append(queue)
        return self._drained(queue)

    async def _drained(self, queue: asyncio.Queue[Event | None]) -> AsyncIterator[Event]:
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            if queue in self._queues:
                self._queues.remove(queue)

    def emit(self, event: Event) -> None:
        """Tell of `event`. What a callback raises is its own affair, and reported as such."""
        for name, callback in list(self._callbacks):
            if name == event.name:
                try:
                    callback(event)
                except Exception as error:
                    context = {"message": f"A callback of {name!r} failed", "exception": error}
                    asyncio.get_running_loop().call_exception_handler(context)
        for queue in self._queues:
            queue.put_nowait(event)

    def close(self) -> None:
        """End every stream, also those that nobody has begun to read."""
        for queue in self._queues:
            queue.put_nowait(None)
        self._queues = []
