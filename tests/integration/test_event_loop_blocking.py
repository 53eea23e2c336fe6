"""No request holds the event loop for longer than 20 ms, however large its session or body.

Measured is the processor time of each step that the loop runs (what lies between two awaits), so
that other processes on the machine don't count. `synckairos_event_loop_lag_ms` shows the same of a
running instance.
"""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
from starlette.types import Message

from functions.endpoints import ROUTES
from infra.local.postgres import EmbeddedPostgres
from shared.audit.postgres import PostgresAuditLog
from shared.clock import StoreClock
from shared.composition.backend import Backend, assemble
from shared.composition.parts import parts_of
from shared.domain.units import Instant
from shared.http.pipeline import Pipeline
from shared.observability.prometheus import PrometheusMetrics
from shared.settings.settings import Settings
from shared.store.redis import NativeConnection

_LONGEST_MS = 20.0
_MANY = 1_000
_JSON = {"Content-Type": "application/json"}


class _Steps:
    """The longest step of the event loop, in ms of processor time."""

    longest_ms = 0.0

    async def begin(self) -> None:
        """Measure anew, from the next step on."""
        await asyncio.sleep(0)
        self.longest_ms = 0.0

    async def end(self) -> float:
        """The longest since then, with the one that is under way."""
        await asyncio.sleep(0)
        return self.longest_ms


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> _Steps:
    """Measures every step while the test runs."""
    steps = _Steps()
    run = asyncio.events.Handle._run

    def measured(handle: asyncio.Handle) -> None:
        began = time.thread_time()
        run(handle)
        steps.longest_ms = max(steps.longest_ms, (time.thread_time() - began) * 1000)

    monkeypatch.setattr(asyncio.events.Handle, "_run", measured)
    return steps


@pytest.fixture
async def backend(own_redis_url: str, postgres: EmbeddedPostgres) -> AsyncIterator[Backend]:
    """The parts of one instance in this process."""
    backend = assemble(
        Settings(max_automatic_load_per_session=10_000),
        NativeConnection(own_redis_url),
        PostgresAuditLog(postgres.url),
        clock=StoreClock(),
    )
    yield backend
    await backend.close()


@pytest.fixture
def app(backend: Backend) -> Pipeline:
    """The application around them."""
    settings = Settings(rate_limit_general=0, rate_limit_switch=0)
    parts = parts_of(backend, settings, PrometheusMetrics(), holds_sockets=True)
    return Pipeline(ROUTES, parts, cors_origins=[])


@pytest.fixture
async def http(app: Pipeline) -> AsyncIterator[httpx.AsyncClient]:
    """A client of it that has its answers as they are: unpacking them would count too."""
    transport = httpx.ASGITransport(app)
    headers = {"Accept-Encoding": "identity"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://service", headers=headers
    ) as http:
        await http.get("/v1/time")  # what is imported when it is first needed isn't work
        await http.post("/v1/sessions", json={"sync_mode": "count_up"})
        gc.collect()
        gc.freeze()  # as the container does: pytest's objects are many, and none of ours
        yield http
        gc.unfreeze()


def _large(mode: str = "per_group", count: int = _MANY, **more: Any) -> bytes:
    """A body for as many participants as there may be, each in a group of its own."""
    participants: list[dict[str, Any]] = [
        {"participant_id": str(uuid4()), "total_time_ms": 60_000_000} for _ in range(count)
    ]
    if mode == "per_group":
        participants = [{**p, "group_id": str(uuid4())} for p in participants]
    return msgspec.json.encode({"sync_mode": mode, "participants": participants, **more})


async def _created(http: httpx.AsyncClient, body: bytes) -> str:
    answer = await http.post("/v1/sessions", content=body, headers=_JSON)
    assert answer.status_code == 201, answer.text[:500]
    return str(answer.json()["data"]["session_id"])


async def test_creating_reading_and_changing_a_session_of_a_thousand(
    http: httpx.AsyncClient, steps: _Steps
) -> None:
    bodies = [_large() for _ in range(3)]
    newcomer = {"participant_id": str(uuid4()), "total_time_ms": 60_000}
    almost_full = await _created(http, _large(count=_MANY - 1))
    longest: dict[str, float] = {}

    async def measured(name: str, method: str, path: str, **more: Any) -> httpx.Response:
        await steps.begin()
        answer = await http.request(method, path, **more)
        longest[name] = await steps.end()
        assert answer.status_code < 300, answer.text[:500]
        return answer

    for body in bodies:
        answer = await measured("create", "POST", "/v1/sessions", content=body, headers=_JSON)
        keyed = _JSON | {"Idempotency-Key": str(uuid4())}
        await measured("create with a key", "POST", "/v1/sessions", content=body, headers=keyed)
    path = f"/v1/sessions/{answer.json()['data']['session_id']}"
    await measured("start", "POST", f"{path}/start")
    await measured("read", "GET", path)
    await measured("summary", "GET", f"{path}/summary")
    await measured("switch", "POST", f"{path}/switch")
    await measured("replay from the outbox", "GET", f"{path}/replay?version=2")
    join = f"/v1/sessions/{almost_full}/participants"
    await measured("join", "POST", join, json=newcomer)
    await measured("delete", "DELETE", path)
    assert max(longest.values()) <= _LONGEST_MS, longest


@pytest.mark.parametrize("encoding", [b"identity", b"gzip"])
async def test_reading_fifty_sessions_of_a_thousand_at_once(
    http: httpx.AsyncClient, app: Pipeline, steps: _Steps, encoding: bytes
) -> None:
    """The application is called as a server does it: what a client does with 20 MB would count.

    A full garbage collection while 50 000 participants are alive takes some 20 ms more; it comes
    at most once in such a request, and isn't counted here.
    """
    ids = [await _created(http, _large()) for _ in range(50)]
    body = msgspec.json.encode({"session_ids": ids})
    headers = [(b"content-type", b"application/json"), (b"accept-encoding", encoding)]
    scope: Any = {"type": "http", "method": "POST", "path": "/v1/sessions/batch"}
    scope |= {"headers": headers, "query_string": b"", "asgi": {"spec_version": "2.4"}}
    received = 0

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    async def send(message: Message) -> None:
        nonlocal received
        received += len(message.get("body", b""))

    gc.disable()
    try:
        await steps.begin()
        await app(scope, receive, send)
        longest_ms = await steps.end()
    finally:
        gc.enable()
    assert received > 1_000_000
    assert longest_ms <= _LONGEST_MS


async def test_a_session_that_advances_by_itself_catches_up_in_portions(
    http: httpx.AsyncClient, backend: Backend, steps: _Steps
) -> None:
    body = _large("per_cycle", time_per_cycle_ms=1_000, auto_advance=True)
    session_id = await _created(http, body)
    await http.post(f"/v1/sessions/{session_id}/start")
    loaded = await backend.store.load(session_id)
    assert loaded.stored
    await steps.begin()
    stored, _ = await backend.service._state.caught_up(loaded.stored, Instant(loaded.now + 100_500))
    longest_ms = await steps.end()
    assert stored
    assert stored.session.version == 102
    assert longest_ms <= _LONGEST_MS


_FLAWED: dict[str, Any] = {
    "unknown fields": [
        {"participant_id": str(uuid4()), **{f"x{n}": 1 for n in range(29)}} for _ in range(_MANY)
    ],
    "wrong types": [
        {"participant_id": 1, "participant_index": "x", "total_time_ms": "y", "group_id": 3}
        for _ in range(_MANY)
    ],
    "too many": [{} for _ in range(30_000)],
    "numbers": [12345678901234567890] * 32_000,
    "broken numbers": [1234567890123456789.5] * 32_000,
}


@pytest.mark.parametrize("flaw", list(_FLAWED))
@pytest.mark.parametrize("key", [None, "a key"])
async def test_a_large_body_with_many_faults(
    http: httpx.AsyncClient, steps: _Steps, flaw: str, key: str | None
) -> None:
    body = {"sync_mode": "per_group", "participants": _FLAWED[flaw]}
    content = msgspec.json.encode(body)
    headers = _JSON | ({"Idempotency-Key": "key"} if key else {})
    await steps.begin()
    answer = await http.post("/v1/sessions", content=content, headers=headers)
    longest_ms = await steps.end()
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]
    assert longest_ms <= _LONGEST_MS
