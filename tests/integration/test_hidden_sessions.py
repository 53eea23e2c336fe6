"""A session that the caller may not read is indistinguishable from an unknown one.

Status and calls to the store and the audit trail are compared. The calls determine how long an
answer takes; comparing times would need thousands of requests.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from functions.endpoints import ROUTES
from infra.local.postgres import EmbeddedPostgres
from infra.local.redis import embedded_redis
from shared.application.store_clock import StoreClock
from shared.audit.postgres import PostgresAuditLog
from shared.composition.backend import build_backend
from shared.composition.http_components import build_http_components
from shared.http.pipeline import Pipeline
from shared.observability.prometheus import PrometheusMetrics
from shared.settings.settings import Settings
from shared.store.connection import Arguments, Command, OptionalScript, Reply, Script
from shared.store.redis import NativeConnection
from tests.support import tokens
from tests.support.api import chess
from tests.support.tokens import SECRET, bearer


class _RecordingConnection(NativeConnection):
    """Records the store's commands without their arguments."""

    def __init__(self, url: str, calls: list[str]) -> None:
        super().__init__(url)
        self._calls = calls

    async def ask(self, commands: Sequence[Command | OptionalScript]) -> list[Reply]:
        names = [c.script.digest if isinstance(c, OptionalScript) else str(c[0]) for c in commands]
        self._calls.append(f"ask {names}")
        return await super().ask(commands)

    async def run(self, script: Script, keys: Sequence[str], arguments: Arguments) -> Reply:
        self._calls.append(f"run {script.digest}")
        return await super().run(script, keys, arguments)


class _RecordingAuditLog(PostgresAuditLog):
    """Records the audit trail's queries without their parameters."""

    def __init__(self, url: str, calls: list[str]) -> None:
        super().__init__(url)
        self._calls = calls

    async def _read(self, query: str, *more: Any) -> list[dict[str, Any]]:
        self._calls.append(f"query {' '.join(query.split())}")
        return await super()._read(query, *more)


@dataclass
class _RecordedService:
    """A service whose calls are recorded, and Bob's sessions in it."""

    http: httpx.AsyncClient
    calls: list[str] = field(default_factory=list)
    sessions: dict[str, str] = field(default_factory=dict)

    async def calls_for(
        self, method: str, path: str, session_id: str, body: Any
    ) -> tuple[int, list[str]]:
        """Send a request as Alice; return its status and the calls made for it."""
        self.calls.clear()
        answer = await self.http.request(
            method,
            path.format(session_id),
            json=_body_for(body, session_id),
            headers=bearer(tokens.host("alice")),
        )
        return answer.status_code, list(self.calls)


def _body_for(body: Any, session_id: str) -> Any:
    match body:
        case "batch":
            return {"session_ids": [session_id, str(uuid4())]}
        case "command":
            return {"operation": "pause", "session_ids": [session_id]}
        case _:
            return body


@pytest.fixture(scope="module")
def hidden_redis_url() -> Iterator[str]:
    """A Redis without the sessions of other tests."""
    with embedded_redis() as url:
        yield url


@pytest.fixture(scope="module")
async def service(
    hidden_redis_url: str, postgres: EmbeddedPostgres
) -> AsyncIterator[_RecordedService]:
    """A service in this process. No test changes its sessions."""
    calls: list[str] = []
    settings = Settings(jwt_secret=SecretStr(SECRET))
    trail = _RecordingAuditLog(postgres.url, calls)
    connection = _RecordingConnection(hidden_redis_url, calls)
    backend = build_backend(settings, connection, trail, clock=StoreClock())
    components = build_http_components(backend, settings, PrometheusMetrics(), holds_sockets=True)
    transport = httpx.ASGITransport(Pipeline(ROUTES, components, cors_origins=[]))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
        service = _RecordedService(http, calls)
        for name in ("another's", "deleted", "lost", "lost and completed"):
            service.sessions[name] = await _create_as_bob(http, deletes=name == "deleted")
        completed = service.sessions["lost and completed"]
        await http.post(f"/v1/sessions/{completed}/complete", headers=bearer(tokens.host("bob")))
        for name in ("lost", "lost and completed"):
            await connection.ask([("DEL", backend.keys.session(service.sessions[name]))])
        for delivery in await backend.outbox.take("test", 100, 1024 * 1024):
            assert delivery.entry
            await trail.append([delivery.entry])
            if str(service.sessions["another's"]) not in delivery.entry.decode():
                await backend.outbox.settle([delivery])
        yield service
    await backend.close()


async def _create_as_bob(http: httpx.AsyncClient, *, deletes: bool) -> str:
    headers = bearer(tokens.host("bob"))
    answer = await http.post("/v1/sessions", json=chess(), headers=headers)
    assert answer.status_code == 201, answer.text
    session_id = str(answer.json()["data"]["session_id"])
    await http.post(f"/v1/sessions/{session_id}/start", headers=headers)
    if deletes:
        await http.delete(f"/v1/sessions/{session_id}", headers=headers)
    return session_id


_SESSION = "/v1/sessions/{}"
_PAST = datetime(2026, 1, 1, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


_PARTICIPANT = "0c0e5a3e-58cf-4c5c-8a34-5a5a2b6d1f01"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", _SESSION, None, 404),
        ("GET", f"{_SESSION}/summary", None, 404),
        ("POST", "/v1/sessions/batch", "batch", 200),
        ("POST", "/v1/sessions/batch-commands", "command", 200),
        ("GET", f"{_SESSION}/realtime", None, 404),
        ("GET", f"{_SESSION}/events", None, 404),
        ("GET", f"{_SESSION}/replay?version=1", None, 404),
        ("GET", f"{_SESSION}/replay?at={_PAST}", None, 404),
        ("POST", f"{_SESSION}/tokens", {"role": "spectator"}, 404),
        ("POST", f"{_SESSION}/start", None, 404),
        ("POST", f"{_SESSION}/switch", None, 404),
        ("POST", f"{_SESSION}/complete", None, 404),
        ("POST", f"{_SESSION}/participants", {"participant_id": _PARTICIPANT}, 404),
        ("PATCH", f"{_SESSION}/participants/{_PARTICIPANT}", {"total_time_ms": 1_000}, 404),
        ("DELETE", _SESSION, None, 204),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_anothers_session_takes_the_same_calls_as_an_unknown_one(
    service: _RecordedService, method: str, path: str, body: Any, status: int
) -> None:
    unknown = await service.calls_for(method, path, str(uuid4()), body)
    assert unknown[0] == status
    assert unknown[1]
    for name, session_id in service.sessions.items():
        assert await service.calls_for(method, path, session_id, body) == unknown, name


async def test_fifty_unknown_sessions_take_two_store_calls_and_two_queries(
    service: _RecordedService,
) -> None:
    service.calls.clear()
    answer = await service.http.post(
        "/v1/sessions/batch",
        json={"session_ids": [str(uuid4()) for _ in range(50)]},
        headers=bearer(tokens.host("alice")),
    )
    assert len(answer.json()["data"]["not_found"]) == 50
    assert [call.split()[0] for call in service.calls] == ["ask", "query", "run", "query"]
