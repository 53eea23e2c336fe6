"""The events of a session, and their delivery to callbacks and streams."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

from synckairos.api_types import SessionState, TransportName
from synckairos.presence import Presence

Name = Literal["update", "expired", "warning", "period", "presence", "deleted", "connection"]
Existence = Literal["unknown", "absent", "present", "deleted", "refused"]
Status = Literal["connecting", "live", "polling", "closed"]
Source = Literal["push", "sync", "read", "action"]
"""Origin of a state; `sync`: sent on joining or on request, `action`: response to an action."""


@dataclass(frozen=True, slots=True)
class Connection:
    """How states arrive at present, and since when (server's clock, ms)."""

    status: Status
    transport: TransportName | None
    since: float


@dataclass(frozen=True, slots=True)
class Update:
    """A state newer than all before; `is_next`: no version lies between it and `previous`."""

    name: ClassVar[Name] = "update"
    state: SessionState
    previous: SessionState | None
    is_next: bool
    cause: str | None
    source: Source


@dataclass(frozen=True, slots=True)
class Expired:
    """A clock reached zero at `deadline_ms` (server's clock); without ids, it is the session's.

    Emitted once per expiry, whether a push reported it or only a state shows it.
    """

    name: ClassVar[Name] = "expired"
    participant_id: str | None
    group_id: str | None
    deadline_ms: float
    action: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Warned:
    """A clock reached a threshold of `warn_at_ms`.

    With `before_start` it is the time until the session starts (`warn_before_start_ms`).
    """

    name: ClassVar[Name] = "warning"
    participant_id: str | None
    group_id: str | None
    threshold_ms: int
    remaining_ms: int
    before_start: bool = False


@dataclass(frozen=True, slots=True)
class PeriodEnded:
    """A period of overtime ended; `periods_left` includes the one that began."""

    name: ClassVar[Name] = "period"
    participant_id: str | None
    group_id: str | None
    periods_left: int


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    """Who is connected has changed; emitted only after `open(presence=True)`."""

    name: ClassVar[Name] = "presence"
    presence: Presence


@dataclass(frozen=True, slots=True)
class Deleted:
    """The session was deleted. Following goes on, as a new session may get the same id."""

    name: ClassVar[Name] = "deleted"


@dataclass(frozen=True, slots=True)
class Changed:
    """The connection, the existence, or the status of the session's `problem` changed."""

    name: ClassVar[Name] = "connection"
    connection: Connection
    existence: Existence


Event = Update | Expired | Warned | PeriodEnded | PresenceChanged | Deleted | Changed
Callback = Callable[[Any], object]


class Events:
    """Delivers each event to all callbacks and streams, in order."""

    def __init__(self) -> None:
        self._callbacks: list[tuple[Name, Callback]] = []
        self._queues: list[asyncio.Queue[Event | None]] = []

    def on(self, name: Name, callback: Callback) -> Callable[[], None]:
        """See `EventSource`."""
        if name not in get_args(Name):
            raise ValueError(f"name must be one of {', '.join(get_args(Name))}, not {name!r}")
        entry = (name, callback)
        self._callbacks.append(entry)

        def unsubscribe() -> None:
            self._callbacks = [other for other in self._callbacks if other is not entry]

        return unsubscribe

    def stream(self) -> AsyncIterator[Event]:
        """Iterate over all events from now on, until the session is closed."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._queues.append(queue)
        return self._iterate(queue)

    async def _iterate(self, queue: asyncio.Queue[Event | None]) -> AsyncIterator[Event]:
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            if queue in self._queues:
                self._queues.remove(queue)

    def emit(self, event: Event) -> None:
        """Deliver `event`. A callback's exception goes to the event loop's exception handler."""
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
        """End all streams, including those that haven't been read from yet."""
        for queue in self._queues:
            queue.put_nowait(None)
        self._queues = []
