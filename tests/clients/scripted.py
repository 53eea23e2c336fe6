"""Fake service with one session, whose responses a test can override."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from synckairos import SyncKairos
from synckairos.api import Token
from synckairos.api_types import SessionState, TransportName

from tests.clients import states

SESSION_ID = "5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10"
SESSION_PATH = f"/v1/sessions/{SESSION_ID}"
POLLING = {"transport": "polling", "url": "x"}

Override = Callable[[httpx.Request], Awaitable[httpx.Response | None]]


def paused_state(version: int, **more: Any) -> SessionState:
    """Return a paused state, in which no clock runs."""
    fields = {
        "session_id": SESSION_ID,
        "status": "paused",
        "deadline_at": None,
        "cycle_started_at": None,
    }
    return states.session_state(version, **fields, **more)


def error_response(status: int, code: str = "X", **headers: str) -> httpx.Response:
    """Return an error of the service."""
    body = {"error": {"code": code, "message": "No"}}
    return httpx.Response(status, json=body, headers=headers)


NOT_FOUND = "SESSION_NOT_FOUND"


class FakeService:
    """Serves the session in `state`, unless `override` returns another response."""

    def __init__(self) -> None:
        self.state: SessionState | None = paused_state(1)
        self.subscription: dict[str, Any] = POLLING
        self.override: Override | None = None
        self.requests: list[httpx.Request] = []

    def client(self, token: Token = None, transport: TransportName | None = None) -> SyncKairos:
        """Return a client of the service."""
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._respond))
        return SyncKairos("http://service", token, transport, http=http)

    def requests_to(self, suffix: str) -> list[httpx.Request]:
        """Return the requests whose paths end with `suffix`."""
        return [request for request in self.requests if request.url.path.endswith(suffix)]

    async def _respond(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.override and (response := await self.override(request)):
            return response
        path = request.url.path
        if path == "/v1/time":
            return httpx.Response(200, json={"timestamp_ms": int(time.time() * 1000)})
        if self.state is None:
            return error_response(404, NOT_FOUND)
        if path.endswith("/realtime"):
            return httpx.Response(200, json={"data": self.subscription})
        if request.method == "DELETE":
            return httpx.Response(204)
        if request.headers.get("If-None-Match") == f'"{self.state["version"]}"':
            return httpx.Response(304)
        return httpx.Response(200, json={"data": self.state})
