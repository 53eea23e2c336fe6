"""Client of one service and its sessions."""

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self, Unpack, cast

import httpx

from synckairos.api import Api, Token, given
from synckairos.api_keys import ApiKeys
from synckairos.api_types import (
    BatchEntry,
    ListedSession,
    ListPage,
    NamedTimeControl,
    SessionState,
    TransportName,
)
from synckairos.clock import ServerClock
from synckairos.http_client import http_client
from synckairos.joining import Join
from synckairos.service_url import service_url
from synckairos.session import Session
from synckairos.session_clock import server_time_of
from synckairos.session_list import ListFilter, each_listed, list_path
from synckairos.webhooks import Webhooks


class SyncKairos:
    """A client of the service at `base_url`. Use it within one event loop, and close it.

    `transport` overrides the one that the service recommends. `http` replaces the client's own
    connection pool; `close()` leaves it open.
    """

    def __init__(
        self,
        base_url: str,
        token: Token = None,
        transport: TransportName | None = None,
        *,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        base_url = service_url(base_url)
        self._own_http = None if http else http_client(base_url)
        self._api = Api(http or cast(httpx.AsyncClient, self._own_http), base_url, token)
        self._transport = transport
        self._sessions: dict[str, Session] = {}
        self._followed: set[Session] = set()
        self.clock = ServerClock(self._api.time_ms)
        """The server's clock. Measuring starts with the first open session or `clock.start()`."""
        self.api_keys = ApiKeys(self._api)
        """The API keys of the caller's tenant."""
        self.webhooks = Webhooks(self._api)
        """The webhooks of the caller's tenant."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self.close()

    async def create(self, body: dict[str, Any], **options: Any) -> Session:
        """Create a session and return it with its first state. Open it to follow it."""
        state: SessionState = await self._api.change("POST", "/v1/sessions", body, **options)
        session = self.session(state["session_id"])
        session.take(state)
        return session

    async def preview_create(self, body: dict[str, Any]) -> SessionState:
        """Return the state that `create` would lead to; no session is made. Raises `ApiError`."""
        state: SessionState = await self._api.change("POST", "/v1/sessions?dry_run=true", body)
        return state

    def session(self, session_id: str) -> Session:
        """Return a session, not followed yet; the same object per id until it is closed."""
        session_id = session_id.lower()
        if session_id not in self._sessions:
            self._sessions[session_id] = Session(
                session_id,
                self._api,
                self.clock,
                self._transport,
                self._followed.add,
                self._forget,
            )
        return self._sessions[session_id]

    async def batch(self, session_ids: list[str]) -> dict[str, Any]:
        """Read up to 50 sessions; ids without a session are in `not_found`. Raises `ApiError`."""
        body = {"session_ids": session_ids}
        found: dict[str, Any] = await self._api.change("POST", "/v1/sessions/batch", body)
        for state in found["sessions"]:
            self.clock.note_server_time(server_time_of(state))
        return found

    def list_sessions(self, **wanted: Unpack[ListFilter]) -> AsyncIterator[ListedSession]:
        """Iterate over the caller's sessions, newest first (docs/lists.md).

        Such as `async for one in client.list_sessions(metadata={"room": "a"})`. Each page is read
        when its first session is needed, which may raise `ApiError`.
        """
        return each_listed(self._read_list, wanted)

    async def list_page(self, **wanted: Unpack[ListFilter]) -> ListPage:
        """Return one page of the caller's sessions. Raises `ApiError`."""
        return await self._read_list(wanted)

    async def _read_list(self, wanted: ListFilter) -> ListPage:
        page: ListPage = await self._api.get(list_path(wanted))
        return page

    async def batch_commands(self, body: dict[str, Any]) -> list[BatchEntry]:
        """Give one command to up to 50 sessions (docs/scheduling.md). Raises `ApiError`.

        Such as `{"operation": "pause", "effective_at": ..., "session_ids": [...]}`, or with
        `"metadata": {"room": "a"}` for the live sessions that have these values. Each entry has the
        instant at which the command takes effect, or the error of that session.
        """
        path = "/v1/sessions/batch-commands"
        answer: dict[str, list[BatchEntry]] = await self._api.change("POST", path, body)
        return answer["sessions"]

    async def join(
        self, code: str, *, participant_id: str | None = None, name: str | None = None
    ) -> Join:
        """Join a session with a code (docs/join-codes.md), which needs no token. Raises `ApiError`.

        Without a `participant_id` or `name`, a code for participants answers who is free. Make a
        client with the token of the answer.
        """
        body = given(code=code, participant_id=participant_id, name=name)
        return cast(Join, await self._api.change("POST", "/v1/join", body))

    async def time_controls(self) -> list[NamedTimeControl]:
        """Return the time controls that a session can ask for by name. Raises `ApiError`."""
        answer: dict[str, list[NamedTimeControl]] = await self._api.get("/v1/time-controls")
        return answer["time_controls"]

    async def time(self) -> dict[str, Any]:
        """Return the body of `GET /v1/time`. Raises `ApiError`."""
        return await self._api.time()

    async def close(self) -> None:
        """Close all sessions, the clock and the connections."""
        sessions = {*self._sessions.values(), *self._followed}
        await asyncio.gather(*(session.close() for session in sessions))
        await self.clock.close()
        if self._own_http:
            await self._own_http.aclose()

    def _forget(self, session: Session) -> None:
        self._followed.discard(session)
        if self._sessions.get(session.id) is session:
            del self._sessions[session.id]
