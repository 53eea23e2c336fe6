"""Many clients of the worst kind at once: memory is bounded, and the others notice nothing."""

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

DEAF, HALF_OPEN, PINGING, HONEST = 2_000, 500, 16, 4
OPEN_FILES = 8_192
TIMEOUT_S = 3
FLOOD_S = 8.0
MOST_MB = 512
"""256 KiB for each deaf socket: what is made for a socket, and a state of 200 participants."""
GROWTH_MB = 32
PUSHED_WITHIN_S = 0.1
PING = frame(1, b'{"type": "PING"}')


@pytest.fixture(scope="module")
def flooded(redis_url: str) -> Iterator[Instance]:
    """An instance that may open enough files, and so may we."""
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
async def http(flooded: Instance) -> AsyncIterator[httpx.AsyncClient]:
    """A client of that instance."""
    async with httpx.AsyncClient(base_url=flooded.url, timeout=30) as client:
        yield client


@dataclass
class Honest:
    """One who plays and one who watches, on a session of their own."""

    http: httpx.AsyncClient
    session_id: str
    watching: LiveClient
    version: int = 2
    lags_s: list[float] = field(default_factory=list)
    """From each change's own answer until it was pushed; a push that came first is no lag."""

    async def play_until(self, end: float) -> None:
        """Change the session several times a second."""
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
async def honest_pair(instance: Instance, http: httpx.AsyncClient) -> AsyncIterator[Honest]:
    session_id = await ApiClient(http).started(chess())
    async with connect_live(instance, session_id) as follower:
        yield Honest(http, session_id, follower)


async def test_a_flood_costs_bounded_memory_and_delays_nobody_else(
    flooded: Instance, http: httpx.AsyncClient
) -> None:
    crowded = await ApiClient(http).started(chess(participants=[participant() for _ in range(200)]))
    half = b"POST /v1/sessions HTTP/1.1\r\nContent-Le"
    before = rss_mib(flooded)
    async with AsyncExitStack() as stack:
        deaf = stack.enter_context(non_reading_clients(flooded, DEAF))
        half_open = stack.enter_context(non_reading_clients(flooded, HALF_OPEN))
        pinging = stack.enter_context(non_reading_clients(flooded, PINGING))
        honest = [
            await stack.enter_async_context(honest_pair(flooded, http)) for _ in range(HONEST)
        ]
        async with connect_live(flooded, crowded):
            await _connect([*deaf, *pinging], handshake(crowded))
            await wait_until_connected(http, DEAF + PINGING + HONEST + 1)
        await _connect(half_open, half)

        end = monotonic() + FLOOD_S
        floods = [asyncio.create_task(client.pour(PING * 1_000, 10**9)) for client in pinging]
        changes = asyncio.create_task(_change_often(http, crowded, end))
        playing = asyncio.gather(*(pair.play_until(end) for pair in honest))
        await asyncio.sleep(FLOOD_S / 2)
        in_the_middle = rss_mib(flooded)
        await playing
        at_the_end = rss_mib(flooded)

        assert await changes > FLOOD_S
        assert in_the_middle - before < MOST_MB
        assert at_the_end - in_the_middle < GROWTH_MB
        lags = sorted(lag for pair in honest for lag in pair.lags_s)
        assert len(lags) > HONEST * FLOOD_S
        assert lags[int(len(lags) * 0.95)] < PUSHED_WITHIN_S
        for client in (deaf[0], deaf[-1], half_open[0], half_open[-1]):
            assert await client.is_over(within_s=TIMEOUT_S)
        assert await count_live_connections(http) <= PINGING + HONEST
        await asyncio.gather(*floods)


async def _connect(clients: list[NonReadingClient], greeting: bytes) -> None:
    for start in range(0, len(clients), 50):
        await asyncio.gather(*(one.connect(greeting) for one in clients[start : start + 50]))


async def _change_often(http: httpx.AsyncClient, session_id: str, end: float) -> int:
    count = 0
    while monotonic() < end:
        (await http.post(f"/v1/sessions/{session_id}/switch")).raise_for_status()
        count += 1
        await asyncio.sleep(0.1)
    return count
