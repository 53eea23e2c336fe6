"""One session, followed."""

from collections.abc import AsyncIterator, Callable

from synckairos import anchors
from synckairos.actions import Actions
from synckairos.api import Api
from synckairos.clock import ServerClock
from synckairos.errors import ApiError
from synckairos.events import Callback, Connection, Event, Events, Name, Presence
from synckairos.following import Following
from synckairos.states import Kind, SessionState


class Session(Actions):
    """Holds the newest state there is, and computes the clocks from it."""

    def __init__(
        self,
        session_id: str,
        api: Api,
        clock: ServerClock,
        transport: Kind | None = None,
        on_open: Callable[["Session"], None] = lambda _: None,
        on_close: Callable[["Session"], None] = lambda _: None,
    ) -> None:
        super().__init__(session_id, api)
        self.clock = clock
        self._events = Events()
        self._following = Following(self.id, api, clock, self._events, transport)
        self._on_open = on_open
        self._on_close = on_close

    @property
    def state(self) -> SessionState | None:
        """The newest one; None before the first and after a deletion."""
        return self._following.follower.state

    @property
    def presence(self) -> Presence:
        """Whether there is such a session; `unknown` before anything was heard."""
        return self._following.follower.presence

    @property
    def problem(self) -> ApiError | None:
        """The error of the last read, which is repeated by itself after its `retry_after_s`;
        None where nothing is wrong at present."""
        return self._following.problem

    @property
    def refusal(self) -> ApiError | None:
        """Why it is `refused`."""
        return self._following.follower.refusal

    @property
    def connection(self) -> Connection:
        """How states come at present."""
        return self._following.connection

    async def open(self) -> SessionState | None:
        """Follow it until `close()`; returns the first state, or None: it is waited for.

        Raises the `ApiError` of a refusal. An unreachable service is waited for as well.
        """
        self._on_open(self)
        return await self._following.open()

    async def close(self) -> None:
        """Follow it no more, until it is opened again. Who waits in `open()` is let go."""
        self._on_close(self)
        await self._following.close()

    def remaining(self, participant_id: str | None = None, at: float | None = None) -> float | None:
        """What is left on a participant's clock, ms, or on the clock that runs; None: no such."""
        if self.state is None:
            return None
        at = self.clock.now() if at is None else at
        if participant_id is None:
            return anchors.nearest(self.state, at)
        return anchors.remaining(self.state, participant_id, at)

    def used(self, participant_id: str, at: float | None = None) -> float | None:
        """How long a participant's cycles have taken, ms; None: there is no such participant."""
        at = self.clock.now() if at is None else at
        return anchors.used(self.state, participant_id, at) if self.state else None

    def elapsed(self, at: float | None = None) -> float | None:
        """How long the session has run, ms; None without a state."""
        at = self.clock.now() if at is None else at
        return anchors.elapsed(self.state, at) if self.state else None

    def on(self, name: Name, callback: Callback) -> Callable[[], None]:
        """Call `callback` with each event of that name; returns what ends that."""
        return self._events.on(name, callback)

    def events_stream(self) -> AsyncIterator[Event]:
        """Every event from now on, until `close()`."""
        return self._events.stream()

    def take(self, state: SessionState) -> None:
        """Take in a state that an action of our own made."""
        self._following.take(state)

    def _noted(self, version: int) -> None:
        self._following.noted(version)

    def _removed(self) -> None:
        self._following.removed()
