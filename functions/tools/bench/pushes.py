"""How long a change is on its way to a client, by each transport, all in one run."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
from synckairos import Changed, SyncKairos, Update
from synckairos.states import Kind

from functions.tools.bench.contestants import creation
from functions.tools.bench.failure import BenchFailed
from functions.tools.bench.figures import Figures, of_samples
from infra.local.instance import Instance, running
from infra.local.postgres import embedded_postgres
from infra.local.realtime import local_realtime
from infra.local.redis import embedded_redis
from infra.local.supabase import prepare_project

_TRANSPORTS: tuple[Kind, ...] = ("websocket", "sse", "supabase")
_WARM_UP = 20
_SAMPLES = 400
_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class PushFigures:
    """From a switch's request to its answer, and to each transport's client: commit included."""

    answered: Figures
    delivered: Mapping[str, Figures]


@dataclass(slots=True)
class _Follower:
    """One client: when it had the version that is waited for."""

    version: int = 0
    at: float = 0.0
    has_it: asyncio.Event = field(default_factory=asyncio.Event)

    def await_next(self) -> None:
        self.version += 1
        self.has_it.clear()

    def take(self, update: Update) -> None:
        if update.source == "push" and update.state["version"] >= self.version:
            self.version, self.at = update.state["version"], time.perf_counter()
            self.has_it.set()


def of_pushes() -> PushFigures:
    """The same switches seen by three clients of one instance, each on a transport of its own."""
    with embedded_redis() as redis_url, embedded_postgres() as database:
        prepare_project(database.url)
        with local_realtime(database.url) as realtime:
            settings: Any = realtime.settings() | {"REALTIME_RATE_LIMIT": "0"}
            with running(redis_url, quiet=True, DATABASE_URL=database.url, **settings) as instance:
                return asyncio.run(_measure(instance))


async def _measure(instance: Instance) -> PushFigures:
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(
            httpx.AsyncClient(base_url=instance.url, trust_env=False)
        )
        session_id = await _started(http)
        followers: dict[str, _Follower] = {}
        for transport in _TRANSPORTS:
            client = await stack.enter_async_context(SyncKairos(instance.url, transport=transport))
            followers[transport] = await _following(client, session_id)
        return await _switch_on(http, session_id, followers)


async def _started(http: httpx.AsyncClient) -> str:
    created = await http.post("/v1/sessions", content=creation())
    session_id = str(created.raise_for_status().json()["data"]["session_id"])
    (await http.post(f"/v1/sessions/{session_id}/start")).raise_for_status()
    return session_id


async def _following(client: SyncKairos, session_id: str) -> _Follower:
    """A client that is live, so that whatever it hears from here on was pushed."""
    follower, is_live = _Follower(), asyncio.Event()

    def notice(change: Changed) -> None:
        if change.connection.status == "live":
            is_live.set()

    session = client.session(session_id)
    session.on("update", follower.take)
    session.on("connection", notice)
    state = await session.open()
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await is_live.wait()
    except TimeoutError:
        raise BenchFailed(f"No client gets through: {session.connection}") from None
    follower.version = state["version"] if state else 0
    return follower


async def _switch_on(
    http: httpx.AsyncClient, session_id: str, followers: Mapping[str, _Follower]
) -> PushFigures:
    answered_ms: list[float] = []
    delivered_ms: dict[str, list[float]] = {transport: [] for transport in followers}
    for _ in range(_WARM_UP + _SAMPLES):
        for follower in followers.values():
            follower.await_next()
        sent = time.perf_counter()
        (await http.post(f"/v1/sessions/{session_id}/switch")).raise_for_status()
        answered_ms.append((time.perf_counter() - sent) * 1000)
        for transport, follower in followers.items():
            await _arrival(transport, follower)
            delivered_ms[transport].append((follower.at - sent) * 1000)
    return PushFigures(
        of_samples(answered_ms[_WARM_UP:]),
        {transport: of_samples(ms[_WARM_UP:]) for transport, ms in delivered_ms.items()},
    )


async def _arrival(transport: str, follower: _Follower) -> None:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await follower.has_it.wait()
    except TimeoutError:
        raise BenchFailed(f"A push didn't come by {transport}.") from None
