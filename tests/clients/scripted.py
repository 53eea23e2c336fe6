"""A service that answers as a test wants it to, for one session."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from synckairos import SyncKairos
from synckairos.api import Token
from synckairos.states import Kind, SessionState

from tests.clients import states

ID = "5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10"
PATH = f"/v1/sessions/{ID}"
POLLING = {"transport": "polling", "url": "x"}

Special = Callable[[httpx.Request], Awaitable[httpx.Response | None]]


def still(version: int, **more: Any) -> SessionState:
    """A state in which no clock runs."""
    fixed = {"session_id": ID, "status": "paused", "deadline_at": None, "cycle_started_at": None}
    return states.session(version, **fixed, **more)


def failing(status: int, code: str = "X", **headers: str) -> httpx.Response:
    """An error of the service."""
    body = {"error": {"code": code, "message": "No"}}
    return httpx.Response(status, json=body, headers=headers)


ABSENT = "SESSION_NOT_FOUND"


class Scripted:
    """Has the session in `state`, unless `special` has another answer."""

    def __init__(self) -> None:
        self.state: SessionState | None = still(1)
        self.subscription: dict[str, Any] = POLLING
        self.special: Special | None = None
        self.requests: list[httpx.Request] = []

    def client(self, token: Token = None, transport: Kind | None = None) -> SyncKairos:
        """A client of it."""
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))
        return SyncKairos("http://service", token, transport, http=http)

    def asked(self, end: str) -> list[httpx.Request]:
        """The requests for paths with that end."""
        return [request for request in self.requests if request.url.path.endswith(end)]

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.special and (answer := await self.special(request)):
            return answer
        path = request.url.path
        if path == "/v1/time":
            return httpx.Response(200, json={"timestamp_ms": int(time.time() * 1000)})
        if self.state is None:
            return failing(404, ABSENT)
        if path.endswith("/realtime"):
            return httpx.Response(200, json={"data": self.subscription})
        if request.method == "DELETE":
            return httpx.Response(204)
        if request.headers.get("If-None-Match") == f'"{self.state["version"]}"':
            return httpx.Response(304)
        return httpx.Response(200, json={"data": self.state})
