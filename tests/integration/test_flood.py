"""Thousands of abusive clients cost bounded memory and don't delay well-behaved ones."""

import asyncio
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic

import httpx
import pytest

from infra.local.instance import Instance, running
from tests.conftest import missing
from tests.support.api import ApiClient, chess, participant
from tests.support.live import LiveClient, connect_live
from tests.support.non_reading_client import (
    NonReadingClient,
    count_live_connections,
    frame,
    handshake,
    non_reading_clients,
    rss_mib,
    wait_until_connected,
)

NON_READING, HALF_OPEN, PINGING, WELL_BEHAVED = 2_000, 500, 16, 4
OPEN_FILES = 8_192
TIMEOUT_S = 3
FLOOD_S = 8.0
MAX_MIB = 512
"""256 KiB per non-reading socket: its own objects and a state of 200 participants."""
MAX_GROWTH_MIB = 32
MAX_PUSH_DELAY_S = 2.0
"""`make load` measures the usual delay; this limit allows for a busy machine."""
PING = frame(1, b'{"type": "PING"}')


@pytest.fixture(scope="module")
def instance(redis_url: str) -> Iterator[Instance]:
    """An instance; it and this process may open enough files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < OPEN_FILES:
        missing(f"a limit of {OPEN_FILES} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, OPEN_FILES), hard))
    try:
        with running(redis_url, CLIENT_TIMEOUT_S=str(TIMEOUT_S)) as instance:
            yield instance
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
async def http(instance: Instance) -> AsyncIterator[httpx.AsyncClient]:
    """Client of that instance."""
    async with httpx.AsyncClient(base_url=instance.url, timeout=30) as client:
        yield client


@dataclass
class WellBehavedPair:
    """A client that changes its own session and one that watches it."""

    http: httpx.AsyncClient
    session_id: str
    watching: LiveClient
    version: int = 2
    lags_s: list[float] = field(default_factory=list)
    """Seconds from each change's answer to its push; 0 if the push came first."""

    async def play_until(self, end: float) -> None:
        """Switch the session about ten times a second until `end`."""
        while monotonic() < end:
            self.version += 1
            answered, pushed = await asyncio.gather(self._switch(), self._push())
            self.lags_s.append(max(0.0, pushed - answered))
            await asyncio.sleep(0.1)

    async def _switch(self) -> float:
        answer = await self.http.post(f"/v1/sessions/{self.session_id}/switch")
        assert answer.status_code == 200, answer.text
        return monotonic()

    async def _push(self) -> float:
        await self.watching.until_version(self.version)
        return monotonic()


@asynccontextmanager
async def well_behaved_pair(
    instance: Instance, http: httpx.AsyncClient
) -> AsyncIterator[WellBehavedPair]:
    session_id = await ApiClient(http).started(chess())
    async with connect_live(instance, session_id) as follower:
        yield WellBehavedPair(http, session_id, follower)


async def test_a_flood_costs_bounded_memory_and_delays_no_other_client(
    instance: Instance, http: httpx.AsyncClient
) -> None:
    crowded = await ApiClient(http).started(chess(participants=[participant() for _ in range(200)]))
    half = b"POST /v1/sessions HTTP/1.1\r\nContent-Le"
    before = rss_mib(instance)
    async with AsyncExitStack() as stack:
        non_reading = stack.enter_context(non_reading_clients(instance, NON_READING))
        half_open = stack.enter_context(non_reading_clients(instance, HALF_OPEN))
        pinging = stack.enter_context(non_reading_clients(instance, PINGING))
        well_behaved = [
            await stack.enter_async_context(well_behaved_pair(instance, http))
            for _ in range(WELL_BEHAVED)
        ]
        async with connect_live(instance, crowded):
            await _connect([*non_reading, *pinging], handshake(crowded))
            await wait_until_connected(http, NON_READING + PINGING + WELL_BEHAVED + 1)
        await _connect(half_open, half)

        end = monotonic() + FLOOD_S
        floods = [asyncio.create_task(client.pour(PING * 1_000, 10**9)) for client in pinging]
        changes = asyncio.create_task(_change_often(http, crowded, end))
        playing = asyncio.gather(*(pair.play_until(end) for pair in well_behaved))
        await asyncio.sleep(FLOOD_S / 2)
        in_the_middle = rss_mib(instance)
        await playing
        at_the_end = rss_mib(instance)

        assert await changes > FLOOD_S
        assert in_the_middle - before < MAX_MIB
        assert at_the_end - in_the_middle < MAX_GROWTH_MIB
        lags = sorted(lag for pair in well_behaved for lag in pair.lags_s)
        assert len(lags) > WELL_BEHAVED * FLOOD_S
        assert lags[int(len(lags) * 0.95)] < MAX_PUSH_DELAY_S
        for client in (non_reading[0], non_reading[-1], half_open[0], half_open[-1]):
            assert await client.is_over(within_s=30)
        assert await count_live_connections(http) <= PINGING + WELL_BEHAVED
        await asyncio.gather(*floods)


async def _connect(clients: list[NonReadingClient], data: bytes) -> None:
    for start in range(0, len(clients), 50):
        await asyncio.gather(*(client.connect(data) for client in clients[start : start + 50]))


async def _change_often(http: httpx.AsyncClient, session_id: str, end: float) -> int:
    count = 0
    while monotonic() < end:
        (await http.post(f"/v1/sessions/{session_id}/switch")).raise_for_status()
        count += 1
        await asyncio.sleep(0.1)
    return count
