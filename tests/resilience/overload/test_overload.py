"""An overloaded instance serves as many requests as it can and refuses the rest early.

This test finds an instance that collapses: it serves almost nothing, or its pushes are many seconds
late. Its limits are therefore far from the figures of a quiet machine in docs/performance.md, which
`make load` measures. No other test may run at the same time, because the load generator uses the
same two processors.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from infra.local.instance import Instance, running
from tests.support.api import ApiClient, api_client, chess, participant
from tests.support.live import LiveClient, connect_live

_SESSIONS = 50
_PARTICIPANTS = 50
"""Of each session, so that the service works longer for a request than the load generator."""
_BANK_MS = 600_000
_CALIBRATION_S = 3
_OVERLOAD_S = 8
_FEW, _MANY = 16, 400
"""Concurrent clients: as many as one instance can serve in time, and far more."""
_EXPIRIES = 40
_FIRST_EXPIRY_MS, _EXPIRY_EVERY_MS = 3_000, 150

_IN_TIME_MS = 100
"""The printed figures count the requests that are served within this time."""
_MIN_SHARE_SERVED = 0.1
_MAX_SHARE_OF_QUEUE = 0.5
"""Without refusals, all clients would wait in one queue, whose length in time is their number
divided by the rate of answers. A served request must wait for a part of that time only."""
_LATE_MS = 5_000
"""Health checks and expiries of an instance that works are far earlier."""
_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class Sample:
    """One request: when it was sent, how long its response took, and the response's status."""

    sent_ms: float
    took_ms: float
    status: int


@pytest.fixture
def instance(own_redis_url: str) -> Iterator[Instance]:
    """An instance without rate limits, on its own Redis."""
    with running(own_redis_url, RATE_LIMIT_GENERAL="0", RATE_LIMIT_SWITCH="0") as instance:
        yield instance


@pytest.fixture
async def api(instance: Instance) -> AsyncIterator[ApiClient]:
    """A client of the instance."""
    async with api_client(instance.url) as api:
        yield api


async def _run_clients(
    instance: Instance, clients: int, seconds: float, ids: list[str]
) -> list[Sample]:
    generator = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.resilience.overload.generator",
        *map(str, (instance.port, clients, seconds)),
        *ids,
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await generator.communicate()
    return [Sample(*sample) for sample in json.loads(printed)]


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def _lateness_ms(follower: LiveClient) -> float:
    """Return how many ms after its deadline the push of an expiry arrived."""
    message = await follower.until_type("TIME_EXPIRED")
    return time.time() * 1000 - float(message["deadline_ms"])


async def _health_times_ms(api: ApiClient, stopping: asyncio.Event) -> list[float]:
    """Request `/health` until `stopping` is set; return how many ms each response took."""
    took: list[float] = []
    while not stopping.is_set():
        began = time.perf_counter()
        assert (await api.http.get("/health")).status_code == 200
        took.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(0.05)
    return took


async def test_under_overload_capacity_is_used_and_excess_requests_are_refused_early(
    instance: Instance, api: ApiClient
) -> None:
    people = [participant(_BANK_MS) for _ in range(_PARTICIPANTS)]
    ids = [await api.started(chess(participants=people)) for _ in range(_SESSIONS)]
    calibration = await _run_clients(instance, _FEW, _CALIBRATION_S, ids)
    capacity = len(calibration) / _CALIBRATION_S
    assert {sample.status for sample in calibration} == {200}

    async with AsyncExitStack() as stack:
        followers = []
        for n in range(_EXPIRIES):
            left_ms = _FIRST_EXPIRY_MS + n * _EXPIRY_EVERY_MS
            body = chess(participants=[participant(left_ms), participant(60_000)])
            session_id = await api.created(body)
            follower = await stack.enter_async_context(connect_live(instance, session_id))
            followers.append((session_id, follower))
        await asyncio.gather(*(api.do(session_id, "start") for session_id, _ in followers))
        stopping = asyncio.Event()
        expiries = [asyncio.create_task(_lateness_ms(follower)) for _, follower in followers]
        health = asyncio.create_task(_health_times_ms(api, stopping))
        samples = await _run_clients(instance, _MANY, _OVERLOAD_S, ids)
        async with asyncio.timeout(_TIMEOUT_S):
            while (await api.get(ids[0])).status_code != 200:
                await asyncio.sleep(0.01)
        stopping.set()
        lateness_ms, health_ms = await asyncio.gather(*expiries), await health

    served = [sample.took_ms for sample in samples if sample.status == 200]
    refused = [sample.took_ms for sample in samples if sample.status == 503]
    assert served
    assert refused
    served_per_s = len(served) / _OVERLOAD_S
    in_time = sum(took <= _IN_TIME_MS for took in served)
    print(
        f"capacity {capacity:.0f}/s; sent {len(samples) / _OVERLOAD_S:.0f}/s; "
        f"served {served_per_s:.0f}/s, in time {in_time / _OVERLOAD_S:.0f}/s, "
        f"p50 {_quantile(served, 0.5):.0f} p95 {_quantile(served, 0.95):.0f} ms; "
        f"refused p50 {_quantile(refused, 0.5):.0f} p95 {_quantile(refused, 0.95):.0f} ms; "
        f"health p50 {_quantile(health_ms, 0.5):.0f} max {max(health_ms):.0f} ms; "
        f"expiries p50 {_quantile(lateness_ms, 0.5):.0f} p95 {_quantile(lateness_ms, 0.95):.0f} "
        f"max {max(lateness_ms):.0f} ms; "
        f"other {len(samples) - len(served) - len(refused)}"
    )
    assert len(served) + len(refused) == len(samples)
    assert served_per_s >= _MIN_SHARE_SERVED * capacity
    queue_ms = _MANY / served_per_s * 1000
    assert _quantile(served, 0.5) <= _MAX_SHARE_OF_QUEUE * queue_ms
    assert _quantile(refused, 0.5) <= _MAX_SHARE_OF_QUEUE * queue_ms
    assert _quantile(health_ms, 0.95) <= _LATE_MS
    assert _quantile(lateness_ms, 0.95) <= _LATE_MS
