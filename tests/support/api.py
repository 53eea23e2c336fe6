"""API client for tests; it checks each answer against the OpenAPI document."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
from pydantic import TypeAdapter

from shared.http.openapi import models
from tests.support.documented import is_documented
from tests.support.tokens import bearer

LIVE_FIELDS = frozenset(
    {
        "server_time_ms",
        "time_remaining_ms",
        "time_used_ms",
        "clock",
        "session_clock",
        "cycle_clock",
        "elapsed_clock",
        "items",
        "offset_ms",
        "over_ms",
    }
)
"""Fields of a session, participant or group that differ between two reads of one version."""

CERTIFICATES = httpx.create_ssl_context()
"""Shared by all clients, because loading them takes longer than most tests."""


@asynccontextmanager
async def api_client(
    url: str, token: str | None = None, timeout: float = 30
) -> AsyncIterator["ApiClient"]:
    """Yield a client of the service at `url` that sends `token`; `timeout` is in seconds."""
    async with httpx.AsyncClient(
        verify=CERTIFICATES, base_url=url, timeout=timeout, headers=bearer(token)
    ) as http:
        yield ApiClient(http)


_session = TypeAdapter(models.Envelope[models.Session])
_switch = TypeAdapter(models.Envelope[models.SwitchResult])
_trail = TypeAdapter(models.Envelope[models.AuditTrail])
_error = TypeAdapter(models.ErrorEnvelope)
_AUDIT_TIMEOUT_S = 30.0


def participant(total_time_ms: int | None = 60_000, **more: Any) -> dict[str, Any]:
    """Return a participant for a create body."""
    body = {"participant_id": str(uuid4()), **more}
    return body if total_time_ms is None else {**body, "total_time_ms": total_time_ms}


def chess(**more: Any) -> dict[str, Any]:
    """Return a create body for two players with one minute each."""
    return {
        "sync_mode": "per_participant",
        "participants": [participant(), participant()],
        **more,
    }


class ApiClient:
    """Calls the endpoints that tests use most and returns their checked answers."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def create(self, body: dict[str, Any], **headers: str) -> httpx.Response:
        """`POST /v1/sessions`."""
        return check_documented(
            await self.http.post("/v1/sessions", json=body, headers=headers), _session
        )

    async def created(self, body: dict[str, Any]) -> str:
        """Create a session and return its id."""
        answer = await self.create(body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["data"]["session_id"])

    async def started(self, body: dict[str, Any]) -> str:
        """Create and start a session and return its id."""
        session_id = await self.created(body)
        answer = await self.do(session_id, "start")
        assert answer.status_code == 200, answer.text
        return session_id

    async def do(
        self, session_id: str, verb: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """`POST /v1/sessions/{id}/{verb}`."""
        path = f"/v1/sessions/{session_id}/{verb}"
        answer = await self.http.post(path, json=body, headers=headers)
        return check_documented(answer, _switch if verb == "switch" else _session)

    async def get(self, session_id: str, headers: dict[str, str] | None = None) -> httpx.Response:
        """`GET /v1/sessions/{id}`."""
        answer = await self.http.get(f"/v1/sessions/{session_id}", headers=headers)
        return check_documented(answer, _session)

    async def session(self, session_id: str) -> dict[str, Any]:
        """Return the session's current state."""
        answer = await self.get(session_id)
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["data"])

    async def delete(self, session_id: str, **headers: str) -> httpx.Response:
        """`DELETE /v1/sessions/{id}`."""
        answer = await self.http.delete(f"/v1/sessions/{session_id}", headers=headers)
        return check_documented(answer, None)

    async def adjust(self, session_id: str, participant_id: str, body: Any) -> httpx.Response:
        """`PATCH /v1/sessions/{id}/participants/{pid}`."""
        path = f"/v1/sessions/{session_id}/participants/{quote(participant_id, safe='')}"
        return check_documented(await self.http.patch(path, json=body), _session)

    async def audited(self, session_id: str, length: int) -> list[dict[str, Any]]:
        """Wait until the audit trail has `length` events and return them."""
        async with asyncio.timeout(_AUDIT_TIMEOUT_S):
            while True:
                answer = await self.http.get(f"/v1/sessions/{session_id}/events")
                found = check_documented(answer, _trail).json()["data"]["events"]
                if len(found) >= length:
                    return list(found)
                await asyncio.sleep(0.01)


def check_documented(answer: httpx.Response, success: TypeAdapter[Any] | None) -> httpx.Response:
    """Return `answer` after checking its form against the OpenAPI document."""
    assert answer.headers["x-request-id"]
    assert is_documented(answer), f"{answer.request.method} {answer.url}: {answer.text}"
    if answer.status_code >= 400:
        _error.validate_json(answer.content)
    elif answer.status_code in (204, 304):
        assert answer.content == b""
    elif success:
        success.validate_json(answer.content)
    return answer


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and code of an error."""
    return answer.status_code, str(answer.json()["error"]["code"])


def details_of(answer: httpx.Response) -> dict[str, str]:
    """Return the field errors of a 400: message by field."""
    assert error_of(answer) == (400, "VALIDATION_ERROR"), answer.text
    return _messages_by_field(answer)


def forbidden_fields_of(answer: httpx.Response) -> dict[str, str]:
    """Return the fields that a 403 names: message by field."""
    assert error_of(answer) == (403, "FORBIDDEN"), answer.text
    return _messages_by_field(answer)


def _messages_by_field(answer: httpx.Response) -> dict[str, str]:
    return {detail["field"]: detail["message"] for detail in answer.json()["error"]["details"]}
