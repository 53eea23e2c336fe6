"""Push latency by transport, all measured in the same run."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
from synckairos import Changed, SyncKairos, Update
from synckairos.api_types import TransportName

from infra.local.instance import Instance, running
from infra.local.postgres import embedded_postgres
from infra.local.realtime import local_realtime
from infra.local.redis import embedded_redis
from infra.local.supabase import create_project
from tests.load.bench.errors import BenchError
from tests.load.bench.figures import Figures, summarize
from tests.load.bench.targets import create_body

_TRANSPORTS: tuple[TransportName, ...] = ("websocket", "sse", "supabase")
_WARM_UP = 20
_SAMPLES = 400
_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class PushFigures:
    """Latency from a switch's request to its answer, and to the client of each transport."""

    answered: Figures
    delivered: Mapping[str, Figures]


@dataclass(slots=True)
class _Subscriber:
    """One client. `at` is when it received `version`, on `time.perf_counter()` (s)."""

    version: int = 0
    at: float = 0.0
    received: asyncio.Event = field(default_factory=asyncio.Event)

    def expect_next(self) -> None:
        self.version += 1
        self.received.clear()

    def on_update(self, update: Update) -> None:
        if update.source == "push" and update.state["version"] >= self.version:
            self.version, self.at = update.state["version"], time.perf_counter()
            self.received.set()


def measure_pushes_by_transport() -> PushFigures:
    """Measure the same switches with three clients of one instance, one client per transport."""
    with embedded_redis() as redis_url, embedded_postgres() as database:
        create_project(database.url)
        with local_realtime(database.url) as realtime:
            settings: Any = realtime.settings() | {"REALTIME_RATE_LIMIT": "0"}
            with running(redis_url, quiet=True, DATABASE_URL=database.url, **settings) as instance:
                return asyncio.run(_measure(instance))


async def _measure(instance: Instance) -> PushFigures:
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(
            httpx.AsyncClient(base_url=instance.url, trust_env=False)
        )
        session_id = await _create_running_session(http)
        subscribers: dict[str, _Subscriber] = {}
        for transport in _TRANSPORTS:
            client = await stack.enter_async_context(SyncKairos(instance.url, transport=transport))
            subscribers[transport] = await _subscribe(client, session_id)
        return await _measure_switches(http, session_id, subscribers)


async def _create_running_session(http: httpx.AsyncClient) -> str:
    created = await http.post("/v1/sessions", content=create_body())
    session_id = str(created.raise_for_status().json()["data"]["session_id"])
    (await http.post(f"/v1/sessions/{session_id}/start")).raise_for_status()
    return session_id


async def _subscribe(client: SyncKairos, session_id: str) -> _Subscriber:
    """Connect and wait until the connection is live, so that later updates come by push."""
    subscriber, is_live = _Subscriber(), asyncio.Event()

    def on_connection(change: Changed) -> None:
        if change.connection.status == "live":
            is_live.set()

    session = client.session(session_id)
    session.on("update", subscriber.on_update)
    session.on("connection", on_connection)
    state = await session.open()
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            await is_live.wait()
    except TimeoutError:
        raise BenchError(f"A client can't connect: {session.connection}") from None
    subscriber.version = state["version"] if state else 0
    return subscriber


async def _measure_switches(
    http: httpx.AsyncClient, session_id: str, subscribers: Mapping[str, _Subscriber]
) -> PushFigures:
    answered_ms: list[float] = []
    delivered_ms: dict[str, list[float]] = {transport: [] for transport in subscribers}
    for _ in range(_WARM_UP + _SAMPLES):
        for subscriber in subscribers.values():
            subscriber.expect_next()
        sent = time.perf_counter()
        (await http.post(f"/v1/sessions/{session_id}/switch")).raise_for_status()
        answered_ms.append((time.perf_counter() - sent) * 1000)
        for transport, subscriber in subscribers.items():
            await _wait_for_push(transport, subscriber)
            delivered_ms[transport].append((subscriber.at - sent) * 1000)
    return PushFigures(
        summarize(answered_ms[_WARM_UP:]),
        {transport: summarize(ms[_WARM_UP:]) for transport, ms in delivered_ms.items()},
    )


async def _wait_for_push(transport: str, subscriber: _Subscriber) -> None:
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            await subscriber.received.wait()
    except TimeoutError:
        raise BenchError(f"A push by {transport} didn't arrive.") from None
