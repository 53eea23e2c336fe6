"""Endless input from one client neither fills memory nor delays others (OWASP API4)."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from statistics import median
from time import monotonic
from uuid import uuid4

import httpx
import pytest

from infra.local.instance import Instance, running
from tests.support.non_reading_client import frame, handshake, non_reading_clients, rss_mib
from tests.support.raw_http import raw_connection, request_head

TIMEOUT_S = 60
MAX_GROWTH_MIB = 32
MAX_DELAY_S = 2.0
"""Far more than a busy machine needs: a client that is blocked waits much longer."""
MIB = 1024 * 1024
ENDLESS = {
    "pings": frame(9, b"x" * 125),
    "empty pings": frame(9),
    "messages": frame(1, b'{"type": "PING"}'),
    "empty messages": frame(1),
    "a message in endless parts": frame(1, is_last=False) + frame(0, is_last=False) * 4_000,
}


@pytest.fixture(scope="module")
def instance(redis_url: str) -> Iterator[Instance]:
    """An instance whose client timeout lets a client send much."""
    with running(redis_url, CLIENT_TIMEOUT_S=str(TIMEOUT_S)) as instance:
        yield instance


@pytest.fixture
async def http(instance: Instance) -> AsyncIterator[httpx.AsyncClient]:
    """Client of that instance."""
    async with httpx.AsyncClient(base_url=instance.url, timeout=30) as client:
        yield client


@pytest.mark.parametrize("kind", ENDLESS)
async def test_endless_frames_fill_no_memory_and_delay_no_other_client(
    instance: Instance, http: httpx.AsyncClient, kind: str
) -> None:
    data = ENDLESS[kind] * (MIB // len(ENDLESS[kind]) + 1)
    before = rss_mib(instance)
    with non_reading_clients(instance, 1) as (client,):
        await client.open(str(uuid4()))
        sending = asyncio.create_task(client.pour(data, 64 * MIB))
        delays_s = [await _health_delay_s(http) for _ in range(20)]
        assert await sending < 32 * MIB
        assert rss_mib(instance) - before < MAX_GROWTH_MIB
    assert median(delays_s) < MAX_DELAY_S


async def _health_delay_s(http: httpx.AsyncClient) -> float:
    began = monotonic()
    await http.get("/health")
    return monotonic() - began


@pytest.mark.parametrize(
    "data",
    [
        request_head("GET", "/health") * 1_000,
        request_head("POST", f"/v1/sessions/{uuid4()}/switch", Content_Length="2")[:-2]
        + b"\r\n{}" * 1_000,
    ],
    ids=["reads", "changes"],
)
async def test_endless_pipelined_requests_fill_no_memory_and_end_the_connection(
    instance: Instance, data: bytes
) -> None:
    before = rss_mib(instance)
    with non_reading_clients(instance, 1) as (client,):
        await client.connect(b"")
        await client.pour(data, 64 * MIB)
        assert await client.is_over(within_s=TIMEOUT_S / 2)
        assert rss_mib(instance) - before < MAX_GROWTH_MIB


@pytest.mark.parametrize(
    "endless",
    [
        b"GET /" + b"x" * 100_000,
        request_head("GET", "/health", X="x" * 100_000),
        request_head("GET", "/health")[:-2] + b"a: b\r\n" * 50_000,
        request_head("GET", "/ws", X="x" * 100_000, Connection="Upgrade", Upgrade="websocket"),
    ],
    ids=["path", "header", "headers", "handshake"],
)
async def test_a_head_that_is_too_large_is_431(instance: Instance, endless: bytes) -> None:
    async with raw_connection(instance) as client:
        await client.send(endless)
        ending = await client.end()
    code = "REQUEST_HEADER_FIELDS_TOO_LARGE"
    assert (ending.status, ending.body["error"]["code"]) == (431, code)


async def test_a_head_of_16_kb_is_accepted(instance: Instance) -> None:
    async with raw_connection(instance) as client:
        await client.send(request_head("GET", "/health", X="x" * 16_000))
        assert b" 200 " in await client.answer()


@pytest.mark.parametrize("headers", [{"X" * 9_000: "x"}, {f"X{n}": "x" for n in range(200)}])
async def test_a_handshake_that_is_too_large_is_400(
    instance: Instance, headers: dict[str, str]
) -> None:
    async with raw_connection(instance) as client:
        await client.send(handshake(str(uuid4()), **headers))
        ending = await client.end()
    assert ending.status == 400
