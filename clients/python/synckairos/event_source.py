"""How an application receives a session's events: by callbacks, or as a stream."""

from collections.abc import AsyncIterator, Callable
from typing import Literal, overload

from synckairos.events import (
    Callback,
    Changed,
    Deleted,
    Event,
    Events,
    Expired,
    Name,
    PeriodEnded,
    PresenceChanged,
    Update,
    Warned,
)

Unsubscribe = Callable[[], None]


class EventSource:
    """Something that has `events`."""

    def __init__(self) -> None:
        self._events = Events()

    @overload
    def on(self, name: Literal["update"], callback: Callable[[Update], object]) -> Unsubscribe: ...

    @overload
    def on(
        self, name: Literal["expired"], callback: Callable[[Expired], object]
    ) -> Unsubscribe: ...

    @overload
    def on(self, name: Literal["warning"], callback: Callable[[Warned], object]) -> Unsubscribe: ...

    @overload
    def on(
        self, name: Literal["period"], callback: Callable[[PeriodEnded], object]
    ) -> Unsubscribe: ...

    @overload
    def on(
        self, name: Literal["presence"], callback: Callable[[PresenceChanged], object]
    ) -> Unsubscribe: ...

    @overload
    def on(
        self, name: Literal["deleted"], callback: Callable[[Deleted], object]
    ) -> Unsubscribe: ...

    @overload
    def on(
        self, name: Literal["connection"], callback: Callable[[Changed], object]
    ) -> Unsubscribe: ...

    def on(self, name: Name, callback: Callback) -> Unsubscribe:
        """Call `callback` with each event of that name; return a function that unsubscribes.

        Raises a `ValueError` if there is no event of that name.
        """
        return self._events.on(name, callback)

    def events_stream(self) -> AsyncIterator[Event]:
        """Iterate over all events from now on, until `close()`."""
        return self._events.stream()
