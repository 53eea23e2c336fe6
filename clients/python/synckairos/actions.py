"""What can be done with a session. Every one of these raises `ApiError`."""

from abc import ABC, abstractmethod
from typing import Any, cast

from synckairos.api import Api
from synckairos.states import SessionState, SwitchResult


class Actions(ABC):
    """Each change carries an idempotency key of its own, the same on every retry.

    `if_match` is the version that the session must still have; `timeout` (s) includes retries.
    """

    def __init__(self, session_id: str, api: Api) -> None:
        self.id = session_id.lower()
        self._api = api

    async def start(
        self, *, if_match: int | None = None, timeout: float | None = None
    ) -> SessionState:
        """Let the first cycle begin."""
        return await self._verb("start", if_match, timeout)

    async def pause(
        self, *, if_match: int | None = None, timeout: float | None = None
    ) -> SessionState:
        """Stop every clock."""
        return await self._verb("pause", if_match, timeout)

    async def resume(
        self, *, if_match: int | None = None, timeout: float | None = None
    ) -> SessionState:
        """Let them run on."""
        return await self._verb("resume", if_match, timeout)

    async def complete(
        self, *, if_match: int | None = None, timeout: float | None = None
    ) -> SessionState:
        """End it as intended."""
        return await self._verb("complete", if_match, timeout)

    async def cancel(
        self, *, if_match: int | None = None, timeout: float | None = None
    ) -> SessionState:
        """End it otherwise."""
        return await self._verb("cancel", if_match, timeout)

    async def switch(
        self,
        *,
        next: str | None = None,  # noqa: A002  the name that the other clients give it
        current: str | None = None,
        if_match: int | None = None,
        timeout: float | None = None,
    ) -> SwitchResult:
        """End the running cycle; with `current`, only if that is whose cycle it is (`CONFLICT`)."""
        named = {"next_participant_id": next, "current_participant_id": current}
        body = {name: who for name, who in named.items() if who is not None}
        result = cast(SwitchResult, await self._change("POST", "/switch", body, if_match, timeout))
        self._noted(result["version"])
        return result

    async def add_participant(
        self, body: dict[str, Any], *, if_match: int | None = None, timeout: float | None = None
    ) -> SessionState:
        """Let somebody join."""
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
        """Set a participant's clock, which reads `total_time_ms` from now on."""
        body = {"total_time_ms": total_time_ms, **({"reason": reason} if reason else {})}
        return await self._state(
            "PATCH", f"/participants/{participant_id}", body, if_match, timeout
        )

    async def delete(self, *, if_match: int | None = None, timeout: float | None = None) -> None:
        """Remove it."""
        await self._change("DELETE", "", None, if_match, timeout)
        self._removed()

    async def events(self, after: int = 0, limit: int = 100) -> dict[str, Any]:
        """A page of the audit trail: `events` with a version above `after`, and the `next` one."""
        path = f"/v1/sessions/{self.id}/events?after={after}&limit={limit}"
        return cast(dict[str, Any], await self._api.ask(path))

    async def replay(self, *, version: int | None = None, at: str | None = None) -> SessionState:
        """The session as it stood at a version, or at an instant (ISO 8601)."""
        when = f"at={at}" if version is None else f"version={version}"
        return cast(SessionState, await self._api.ask(f"/v1/sessions/{self.id}/replay?{when}"))

    async def mint(self, body: dict[str, Any]) -> dict[str, Any]:
        """A token for one participant, or for one who watches."""
        return cast(dict[str, Any], await self._change("POST", "/tokens", body, None, None))

    @abstractmethod
    def take(self, state: SessionState) -> None:
        """An action answered with `state`."""

    @abstractmethod
    def _noted(self, version: int) -> None:
        """An action made `version`."""

    @abstractmethod
    def _removed(self) -> None:
        """An action removed it."""

    async def _verb(self, verb: str, if_match: int | None, timeout: float | None) -> SessionState:
        return await self._state("POST", f"/{verb}", None, if_match, timeout)

    async def _state(
        self, method: str, path: str, body: Any, if_match: int | None, timeout: float | None
    ) -> SessionState:
        state = cast(SessionState, await self._change(method, path, body, if_match, timeout))
        self.take(state)
        return state

    async def _change(
        self, method: str, path: str, body: Any, if_match: int | None, timeout: float | None
    ) -> Any:
        path = f"/v1/sessions/{self.id}{path}"
        return await self._api.change(method, path, body, if_match=if_match, timeout=timeout)
