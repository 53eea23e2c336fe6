"""Changes of a session. All of them raise `ApiError`."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Literal, cast, overload

from synckairos.api import Api, given
from synckairos.api_types import SessionState, SwitchResult, timestamp_of
from synckairos.ids import path_segment, session_path


class Actions(ABC):
    """The changes of a session. Each has its own idempotency key, which its retries reuse.

    `if_match` is the version that the session must still have; `timeout` (s) includes retries.
    With `effective_at` (server time, ms, up to 60 s ahead) a command is accepted now and takes
    effect then.
    """

    _query: ClassVar[str] = ""
    """The query of each request."""

    def __init__(self, session_id: str, api: Api) -> None:
        self.id = session_id.lower()
        self._path = session_path(self.id)
        self._api = api

    async def start(
        self,
        *,
        effective_at: float | None = None,
        if_match: int | None = None,
        timeout: float | None = None,
    ) -> SessionState:
        """Start the first cycle."""
        return await self._state("POST", "/start", _ahead(effective_at), if_match, timeout)

    async def pause(
        self,
        *,
        effective_at: float | None = None,
        if_match: int | None = None,
        timeout: float | None = None,
    ) -> SessionState:
        """Stop all clocks."""
        return await self._state("POST", "/pause", _ahead(effective_at), if_match, timeout)

    async def resume(
        self,
        *,
        effective_at: float | None = None,
        if_match: int | None = None,
        timeout: float | None = None,
    ) -> SessionState:
        """Let the stopped clocks continue."""
        return await self._state("POST", "/resume", _ahead(effective_at), if_match, timeout)

    async def complete(
        self,
        *,
        effective_at: float | None = None,
        metadata: dict[str, Any] | None = None,
        if_match: int | None = None,
        timeout: float | None = None,
    ) -> SessionState:
        """End the session as `completed`.

        `metadata` replaces the session's in the same change, for example with the result. It can't
        be combined with `effective_at`.
        """
        body = (_ahead(effective_at) or {}) | given(metadata=metadata)
        return await self._state("POST", "/complete", body or None, if_match, timeout)

    async def cancel(
        self, *, if_match: int | None = None, timeout: float | None = None
    ) -> SessionState:
        """End the session as `cancelled`."""
        return await self._state("POST", "/cancel", None, if_match, timeout)

    async def unschedule(
        self, *, if_match: int | None = None, timeout: float | None = None
    ) -> SessionState:
        """Withdraw the command that was given ahead of time."""
        return await self._state("POST", "/unschedule", None, if_match, timeout)

    async def advance(
        self,
        ms: int | None = None,
        *,
        to: float | None = None,
        if_match: int | None = None,
        timeout: float | None = None,
    ) -> SessionState:
        """Let `ms` pass in a test session, or time until `to` (the session's time, ms).

        Without both, until something happens in it without a command. If more is due on the way
        than one request makes, it stops there; `advance_left_ms` is the rest of the time.
        """
        body = given(ms=ms, to=None if to is None else timestamp_of(to)) or {"until": "next"}
        return await self._state("POST", "/advance", body, if_match, timeout)

    @overload
    async def switch(
        self,
        *,
        next: str | None = None,
        current: str | None = None,
        acted_at: float | None = None,
        frame_lag_ms: float | None = None,
        representation: Literal[False] = False,
        if_match: int | None = None,
        timeout: float | None = None,
    ) -> SwitchResult: ...

    @overload
    async def switch(
        self,
        *,
        next: str | None = None,
        current: str | None = None,
        acted_at: float | None = None,
        frame_lag_ms: float | None = None,
        representation: Literal[True],
        if_match: int | None = None,
        timeout: float | None = None,
    ) -> SessionState: ...

    async def switch(
        self,
        *,
        next: str | None = None,  # noqa: A002 # as in the JavaScript client
        current: str | None = None,
        acted_at: float | None = None,
        frame_lag_ms: float | None = None,
        representation: bool = False,
        if_match: int | None = None,
        timeout: float | None = None,
    ) -> SwitchResult | SessionState:
        """End the running cycle; fail with `CONFLICT` unless `current`, if given, is active.

        With lag compensation, the turn ends at `acted_at` (server time, ms), by default now, as far
        as the quota allows. `frame_lag_ms` is the round trip of the player's connection, if the
        caller measured it; it limits what each turn adds to the quota. With `representation` the
        answer is the whole state, which the session has from then on.
        """
        body = given(next_participant_id=next, current_participant_id=current)
        body |= self._lag_claim(acted_at, frame_lag_ms)
        answer = await self._change(
            "POST", "/switch", body, if_match, timeout, representation=representation
        )
        if representation:
            state = cast(SessionState, answer)
            self.take(state)
            return state
        result = cast(SwitchResult, answer)
        self._noted(result["version"])
        return result

    async def go(
        self, item_id: str, *, if_match: int | None = None, timeout: float | None = None
    ) -> SessionState:
        """Begin an item of the session's programme now, with its full time."""
        return await self._state("POST", "/go", {"item_id": item_id}, if_match, timeout)

    async def add_participant(
        self, body: dict[str, Any], *, if_match: int | None = None, timeout: float | None = None
    ) -> SessionState:
        """Add a participant."""
        return await self._state("POST", "/participants", body, if_match, timeout)

    async def adjust(
        self,
        participant_id: str,
        total_time_ms: int,
        reason: str | None = None,
        *,
        if_match: int | None = None,
        timeout: float | None = None,
    ) -> SessionState:
        """Set a participant's clock to `total_time_ms`."""
        body = {"total_time_ms": total_time_ms, **({"reason": reason} if reason else {})}
        return await self._state("PATCH", _participant(participant_id), body, if_match, timeout)

    async def adjust_clocks(
        self,
        *,
        add_ms: int | None = None,
        set_ms: int | None = None,
        to: str | dict[str, list[str]] | None = None,
        reason: str | None = None,
        reopen: bool = False,
        scaled: bool = False,
        effective_at: float | None = None,
        if_match: int | None = None,
        timeout: float | None = None,
    ) -> SessionState:
        """Add `add_ms` to several clocks at one instant, or set them to `set_ms`.

        `to` is `"all"` (the default), `"session"`, `"cycle"`, `{"participants": [...]}` or
        `{"groups": [...]}`. With `reopen`, an expired session runs again. In `individual`, `scaled`
        multiplies `add_ms` by each participant's factor.
        """
        body = given(add_ms=add_ms, set_ms=set_ms, to=to, reason=reason)
        if reopen:
            body["reopen"] = True
        if scaled:
            body["scaled"] = True
        body |= _ahead(effective_at) or {}
        return await self._state("POST", "/adjust", body, if_match, timeout)

    async def update(
        self,
        settings: dict[str, Any],
        *,
        if_match: int | None = None,
        timeout: float | None = None,
    ) -> SessionState:
        """Change settings, such as `{"warn_at_ms": [5000]}`.

        None removes `metadata` or `start_at`.
        """
        return await self._state("PATCH", "", settings, if_match, timeout)

    async def update_participant(
        self,
        participant_id: str,
        body: dict[str, Any],
        *,
        if_match: int | None = None,
        timeout: float | None = None,
    ) -> SessionState:
        """Change a participant, such as `{"name": "Ada"}` or `{"is_retired": True}`."""
        return await self._state("PATCH", _participant(participant_id), body, if_match, timeout)

    async def remove_participant(
        self, participant_id: str, *, if_match: int | None = None, timeout: float | None = None
    ) -> SessionState:
        """Remove a participant, who must not have the running or paused cycle."""
        return await self._state("DELETE", _participant(participant_id), None, if_match, timeout)

    async def forfeit(
        self,
        participant_id: str,
        reason: str | None = None,
        *,
        if_match: int | None = None,
        timeout: float | None = None,
    ) -> SessionState:
        """Let the flag of a participant, or of its group, fall now.

        In `individual` it is closed without a finish.
        """
        return await self._act(participant_id, "forfeit", reason, if_match, timeout)

    async def begin(
        self,
        *participant_ids: str,
        metadata: dict[str, Any] | None = None,
        if_match: int | None = None,
        timeout: float | None = None,
    ) -> SessionState:
        """Let participants begin in `individual`, all at one instant; without ids, all who may.

        `metadata` replaces the session's in the same change, for example with the number of a
        question.
        """
        if len(participant_ids) == 1 and metadata is None:
            return await self._act(participant_ids[0], "begin", None, if_match, timeout)
        body = given(participants=list(participant_ids) or None, metadata=metadata)
        return await self._state("POST", "/begin", body or None, if_match, timeout)

    async def finish(
        self, participant_id: str, *, if_match: int | None = None, timeout: float | None = None
    ) -> SessionState:
        """Record that a participant has finished in `individual`."""
        return await self._act(participant_id, "finish", None, if_match, timeout)

    async def reopen(
        self,
        participant_id: str,
        reason: str | None = None,
        *,
        if_match: int | None = None,
        timeout: float | None = None,
    ) -> SessionState:
        """Undo that a participant finished or was closed in `individual`."""
        return await self._act(participant_id, "reopen", reason, if_match, timeout)

    async def pause_participant(
        self,
        participant_id: str,
        reason: str | None = None,
        *,
        if_match: int | None = None,
        timeout: float | None = None,
    ) -> SessionState:
        """Stop the clock of one participant in `individual`."""
        return await self._act(participant_id, "pause", reason, if_match, timeout)

    async def resume_participant(
        self,
        participant_id: str,
        reason: str | None = None,
        *,
        if_match: int | None = None,
        timeout: float | None = None,
    ) -> SessionState:
        """Let the clock of one participant run again in `individual`."""
        return await self._act(participant_id, "resume", reason, if_match, timeout)

    async def undo(
        self,
        mode: Literal["turn_start", "before_switch", "as_if_never"],
        *,
        reason: str | None = None,
        if_version: int | None = None,
        if_match: int | None = None,
        timeout: float | None = None,
    ) -> SessionState:
        """Undo the last switch; `mode` says which time comes back (docs/api.md).

        With `if_version`, only if the session still has that version.
        """
        body = given(mode=mode, reason=reason, if_version=if_version)
        return await self._state("POST", "/undo", body, if_match, timeout)

    async def delete(self, *, if_match: int | None = None, timeout: float | None = None) -> None:
        """Delete the session."""
        await self._change("DELETE", "", None, if_match, timeout)
        self._removed()

    @abstractmethod
    def take(self, state: SessionState) -> None:
        """Apply `state`, the response to an action."""

    @abstractmethod
    def _lag_claim(self, acted_at: float | None, frame_lag_ms: float | None) -> dict[str, int]:
        """Return the fields of a switch that claim its lag; none without lag compensation."""

    @abstractmethod
    def _noted(self, version: int) -> None:
        """Record that an action created `version`."""

    @abstractmethod
    def _removed(self) -> None:
        """Record that an action deleted the session."""

    async def _act(
        self,
        participant_id: str,
        verb: str,
        reason: str | None,
        if_match: int | None,
        timeout: float | None,
    ) -> SessionState:
        """Send a command on one participant."""
        path, body = f"{_participant(participant_id)}/{verb}", {"reason": reason}
        return await self._state("POST", path, body if reason else None, if_match, timeout)

    async def _state(
        self, method: str, path: str, body: Any, if_match: int | None, timeout: float | None
    ) -> SessionState:
        state = cast(SessionState, await self._change(method, path, body, if_match, timeout))
        self.take(state)
        return state

    async def _change(
        self,
        method: str,
        path: str,
        body: Any,
        if_match: int | None,
        timeout: float | None,
        *,
        representation: bool = False,
    ) -> Any:
        return await self._api.change(
            method,
            f"{self._path}{path}{self._query}",
            body,
            if_match=if_match,
            timeout=timeout,
            representation=representation,
        )


class Preview(Actions):
    """The same actions, but the service only answers as if it made the change.

    The state of the session stays as it is. `lag_claim` is that of the session.
    """

    _query = "?dry_run=true"

    def __init__(
        self,
        session_id: str,
        api: Api,
        lag_claim: Callable[[float | None, float | None], dict[str, int]],
    ) -> None:
        super().__init__(session_id, api)
        self._lag_claim_of_session = lag_claim

    def take(self, state: SessionState) -> None:
        """Ignore `state`, because it describes no change."""

    def _lag_claim(self, acted_at: float | None, frame_lag_ms: float | None) -> dict[str, int]:
        return self._lag_claim_of_session(acted_at, frame_lag_ms)

    def _noted(self, version: int) -> None:
        """Ignore `version`, which doesn't exist."""

    def _removed(self) -> None:
        """Ignore the deletion, which didn't happen."""


def _participant(participant_id: str) -> str:
    return f"/participants/{path_segment(participant_id)}"


def _ahead(effective_at: float | None) -> dict[str, Any] | None:
    """Return the body of a command that takes effect at `effective_at` (server time, ms)."""
    return None if effective_at is None else {"effective_at": timestamp_of(effective_at)}
