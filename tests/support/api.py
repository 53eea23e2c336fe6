"""A client of the API for tests: every answer is held against its documented form."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
from pydantic import TypeAdapter

from shared.http import documents
from tests.support.documented import is_documented
from tests.support.tokens import bearer

CERTIFICATES = httpx.create_ssl_context()
"""Loading them takes longer than most tests: every client of theirs has these."""


@asynccontextmanager
async def api_client(
    url: str, token: str | None = None, timeout: float = 10
) -> AsyncIterator["ApiClient"]:
    """A client of the service at `url`, who shows `token`; it waits `timeout` s for an answer."""
    async with httpx.AsyncClient(
        verify=CERTIFICATES, base_url=url, timeout=timeout, headers=bearer(token)
    ) as http:
        yield ApiClient(http)


_session = TypeAdapter(documents.Envelope[documents.Session])
_switch = TypeAdapter(documents.Envelope[documents.SwitchResult])
_error = TypeAdapter(documents.ErrorEnvelope)


def participant(total_time_ms: int | None = 60_000, **more: Any) -> dict[str, Any]:
    """A participant's part of a create body."""
    body = {"participant_id": str(uuid4()), **more}
    return body if total_time_ms is None else {**body, "total_time_ms": total_time_ms}


def chess(**more: Any) -> dict[str, Any]:
    """A create body for two players with a minute each."""
    return {
        "sync_mode": "per_participant",
        "participants": [participant(), participant()],
        **more,
    }


class ApiClient:
    """The endpoints that tests use most; each returns the answer, checked against its document."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def create(self, body: dict[str, Any], **headers: str) -> httpx.Response:
        """`POST /v1/sessions`."""
        return check_documented(
            await self.http.post("/v1/sessions", json=body, headers=headers), _session
        )

    async def created(self, body: dict[str, Any]) -> str:
        """The id of a new session."""
        answer = await self.create(body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["data"]["session_id"])

    async def started(self, body: dict[str, Any]) -> str:
        """The id of a new running session."""
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
        """The session as it stands."""
        answer = await self.get(session_id)
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["data"])

    async def delete(self, session_id: str, **headers: str) -> httpx.Response:
        """`DELETE /v1/sessions/{id}`."""
        answer = await self.http.delete(f"/v1/sessions/{session_id}", headers=headers)
        return check_documented(answer, None)

    async def adjust(self, session_id: str, participant_id: str, body: Any) -> httpx.Response:
        """`PATCH /v1/sessions/{id}/participants/{pid}`."""
        path = f"/v1/sessions/{session_id}/participants/{participant_id}"
        return check_documented(await self.http.patch(path, json=body), _session)


def check_documented(answer: httpx.Response, success: TypeAdapter[Any] | None) -> httpx.Response:
    """`answer`, after making sure that it has the form that the OpenAPI document promises."""
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
    """The status and code of an error."""
    return answer.status_code, str(answer.json()["error"]["code"])


def details_of(answer: httpx.Response) -> dict[str, str]:
    """The field errors of a 400: message by field."""
    assert error_of(answer) == (400, "VALIDATION_ERROR"), answer.text
    return {detail["field"]: detail["message"] for detail in answer.json()["error"]["details"]}
