"""One session: its state, clocks, events and actions."""

from collections.abc import Callable
from typing import Any, Literal, cast
from urllib.parse import urlencode
from warnings import warn

from synckairos import session_clocks
from synckairos.actions import Actions, Preview
from synckairos.api import Api, given
from synckairos.api_types import SessionState, TransportName
from synckairos.clock import ServerClock
from synckairos.errors import ApiError
from synckairos.event_source import EventSource
from synckairos.events import Connection, Existence
from synckairos.ids import path_segment
from synckairos.joining import JoinCode
from synckairos.lag_claim import lag_claim
from synckairos.presence import Presence
from synckairos.session_follower import SessionFollower


class Session(Actions, EventSource):
    """Follows one session, holds its newest state and computes its clocks."""

    def __init__(
        self,
        session_id: str,
        api: Api,
        clock: ServerClock,
        transport: TransportName | None = None,
        on_open: Callable[["Session"], None] = lambda _: None,
        on_close: Callable[["Session"], None] = lambda _: None,
    ) -> None:
        Actions.__init__(self, session_id, api)
        EventSource.__init__(self)
        self._follower = SessionFollower(self.id, api, clock, self._events, transport)
        self.clock = self._follower.clock
        self._on_open = on_open
        self._on_close = on_close

    @property
    def preview(self) -> Preview:
        """The session's actions as dry runs: `await session.preview.pause()` changes nothing."""
        return Preview(self.id, self._api, self._lag_claim)

    @property
    def state(self) -> SessionState | None:
        """The newest state; None before the first one and after a deletion."""
        return self._follower.logic.state

    @property
    def existence(self) -> Existence:
        """Whether the session exists; `unknown` until the service has answered."""
        return self._follower.logic.existence

    @property
    def problem(self) -> ApiError | None:
        """The error of the last read, which is repeated automatically; None if it succeeded."""
        return self._follower.problem

    @property
    def refusal(self) -> ApiError | None:
        """Why the existence is `refused`."""
        return self._follower.logic.refusal

    @property
    def connection(self) -> Connection:
        """How states arrive at present."""
        return self._follower.connection

    async def open(self, *, presence: bool = False) -> SessionState | None:
        """Follow the session until `close()`; return the first state.

        With `presence`, `presence` events say who is connected (docs/presence.md).
        Returns None if the session doesn't exist yet; it is followed once it does. Raises the
        `ApiError` of a refusal, or that of the last attempt if the service gives no answer for
        15 s; in that case following goes on.
        """
        self._on_open(self)
        return await self._follower.open(presence=presence)

    async def close(self) -> None:
        """Stop following, until `open()` is called again. A waiting `open()` returns."""
        self._on_close(self)
        await self._follower.close()

    def remaining(self, participant_id: str | None = None, at: float | None = None) -> float | None:
        """Return ms on a participant's clock, or on the clock that reaches zero next.

        None if there is no such clock. Below zero in an overtime that is shown so.
        """
        if self.state is None:
            return None
        at = self.clock.now() if at is None else at
        if participant_id is None:
            return session_clocks.nearest(self.state, at)
        return session_clocks.remaining(self.state, participant_id, at)

    def used(self, participant_id: str, at: float | None = None) -> float | None:
        """Return ms that a participant's cycles have taken; None for an unknown participant."""
        at = self.clock.now() if at is None else at
        return session_clocks.used(self.state, participant_id, at) if self.state else None

    def elapsed(self, at: float | None = None) -> float | None:
        """Return ms that the session has run; None without a state."""
        at = self.clock.now() if at is None else at
        return session_clocks.elapsed(self.state, at) if self.state else None

    def over(self, participant_id: str | None = None, at: float | None = None) -> float | None:
        """Return ms by which a clock is below zero: a participant's, or the running one.

        None without such a clock, or if the session has no `overtime`.
        """
        at = self.clock.now() if at is None else at
        return session_clocks.over(self.state, participant_id, at) if self.state else None

    def offset(self, at: float | None = None) -> float | None:
        """Return ms by which the programme is behind its plan; below 0 if it is ahead.

        None without a programme.
        """
        at = self.clock.now() if at is None else at
        return session_clocks.offset(self.state, at) if self.state else None

    def starts_in(self, at: float | None = None) -> float | None:
        """Return ms until a pending session starts by itself; None if it doesn't."""
        at = self.clock.now() if at is None else at
        return session_clocks.starts_in(self.state, at) if self.state else None

    def scheduled_in(self, at: float | None = None) -> float | None:
        """Return ms until the scheduled command takes effect; None without one."""
        at = self.clock.now() if at is None else at
        return session_clocks.scheduled_in(self.state, at) if self.state else None

    async def events(
        self,
        after: int | None = None,
        limit: int = 100,
        *,
        event_type: str | None = None,
        order: Literal["asc", "desc"] = "asc",
    ) -> dict[str, Any]:
        """Return a page of the audit trail: `events` with a version above `after`, oldest first.

        With the order `desc` those below it, newest first; with an `event_type` only those. `next`
        is the `after` of the following page; None on the last one.
        """
        query = urlencode(given(after=after, limit=limit, type=event_type, order=order))
        return cast(dict[str, Any], await self._api.get(f"{self._path}/events?{query}"))

    async def presence(self) -> Presence:
        """Return who is connected, and how exact each client's clock is (docs/presence.md)."""
        return cast(Presence, await self._api.get(f"{self._path}/presence"))

    async def fairness(self) -> dict[str, Any]:
        """Return the lag that each participant claimed and got back; empty without `lag`."""
        return cast(dict[str, Any], await self._api.get(f"{self._path}/fairness"))

    async def simulate(
        self, operations: list[dict[str, Any]], until_ms: int | None = None
    ) -> dict[str, Any]:
        """Return what would happen if `operations` came, as `events` and the `session` at the end.

        An operation is such as `{"after_ms": 5000, "operation": "switch"}` (docs/api.md).
        """
        body = given(operations=operations, until_ms=until_ms)
        path = f"{self._path}/simulate"
        return cast(dict[str, Any], await self._api.change("POST", path, body))

    async def replay(self, *, version: int | None = None, at: str | None = None) -> SessionState:
        """Return the session's state at a version, or at an instant (ISO 8601)."""
        query = urlencode({"at": at} if version is None else {"version": version})
        return cast(SessionState, await self._api.get(f"{self._path}/replay?{query}"))

    async def create_token(self, body: dict[str, Any]) -> dict[str, Any]:
        """Create a token for a participant, a spectator or a cohost. Raises `ApiError`.

        Such as `{"role": "participant", "participant_id": ..., "lifetime_ms": 3_600_000}`. Returns
        `token`, `expires_at` and `token_id`.
        """
        path = f"{self._path}/tokens"
        return cast(dict[str, Any], await self._api.change("POST", path, body))

    async def mint(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return a new token; deprecated, use `create_token`."""
        warn("mint() is deprecated: use create_token()", DeprecationWarning, stacklevel=2)
        return await self.create_token(body)

    async def revoke_token(self, token_id: str) -> None:
        """Revoke a token by its `token_id`."""
        path = f"{self._path}/tokens/{path_segment(token_id)}"
        await self._api.change("DELETE", path)

    async def revoke_tokens(self) -> None:
        """Revoke all tokens for this session that were issued until now."""
        await self._api.change("DELETE", f"{self._path}/tokens")

    async def open_join_code(self, body: dict[str, Any]) -> JoinCode:
        """Open a code with which people join, in place of the one that the session has.

        Such as `{"role": "spectator", "expires_in_ms": 3_600_000}`. Raises `ApiError`.
        """
        return cast(JoinCode, await self._api.change("POST", self._join_code_path, body))

    async def join_code(self) -> JoinCode:
        """Return the open code, and how often it was used. Raises `ApiError`, 404 without one."""
        return cast(JoinCode, await self._api.get(self._join_code_path))

    async def close_join_code(self) -> None:
        """Close the code; the tokens that it gave stay valid. Raises `ApiError`."""
        await self._api.change("DELETE", self._join_code_path)

    @property
    def _join_code_path(self) -> str:
        return f"{self._path}/join-code"

    def take(self, state: SessionState) -> None:
        """Apply the state in the response to this client's own action."""
        self._follower.take(state)

    def _lag_claim(self, acted_at: float | None, frame_lag_ms: float | None) -> dict[str, int]:
        if not self.state or "lag" not in self.state:
            return {}
        acted_at = self.clock.now() if acted_at is None else acted_at
        return lag_claim(acted_at, frame_lag_ms, self.clock.error_ms)

    def _noted(self, version: int) -> None:
        self._follower.noted(version)

    def _removed(self) -> None:
        self._follower.removed()
